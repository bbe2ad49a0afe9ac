package origin

import (
	"fmt"
	"html/template"
	"math/bits"
	"net/url"
	"strings"
)

// listingPage lists a directory. It needs nothing but itself: no script, no other file.
var listingPage = template.Must(template.New("listing").Funcs(template.FuncMap{
	"href": escapeName,
	"size": formatSize,
}).Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Index of {{.Path}}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; }
th, td { padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #8884; }
td:first-child { overflow-wrap: anywhere; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
<h1>Index of {{.Path}}</h1>
<table>
<thead><tr><th>Name</th><th class="n">Size</th><th class="n">Modified (UTC)</th></tr></thead>
<tbody>
{{- if not .Root}}
<tr><td><a href="../">../</a></td><td></td><td></td></tr>
{{- end}}
{{- range .Entries}}
<tr><td><a href="{{href .Name}}{{if .IsDir}}/{{end}}">{{.Name}}{{if .IsDir}}/{{end}}</a></td><td class="n">{{if not .IsDir}}{{size .Size}}{{end}}</td><td class="n">{{.ModTime.UTC.Format "2006-01-02 15:04:05"}}</td></tr>
{{- end}}
</tbody>
</table>
</body>
</html>
`))

// escapeName writes name as a relative URL without characters that HTML escapes, since simple
// clients don't unescape them. All that isn't unreserved (RFC 3986 section 2.3) is percent-encoded,
// also a colon, which could end a scheme.
func escapeName(name string) template.URL {
	return template.URL(strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
}

// formatSize writes n to a tenth of the largest binary unit that isn't larger than n.
func formatSize(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	unit := (bits.Len64(uint64(n)) - 1) / 10
	return fmt.Sprintf("%.1f %ciB", float64(n)/float64(int64(1)<<(10*unit)), " KMGTPE"[unit])
}
