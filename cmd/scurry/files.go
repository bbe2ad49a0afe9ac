package main

import "github.com/scurrycache/scurry/internal/admin"

// files are those that stand out, in the form that operators get.
func (r *report) files(n int) admin.Files {
	f := r.proxy.Files(n)
	out := admin.Files{
		SampledOneIn: f.SampledOneIn, Hottest: []admin.HotFile{}, Largest: []admin.LargeFile{},
	}
	for _, hot := range f.Hottest {
		out.Hottest = append(out.Hottest, admin.HotFile(hot))
	}
	for _, large := range f.Largest {
		out.Largest = append(out.Largest, admin.LargeFile{URL: large.URL,
			ContentBytes: large.Bytes, Status: large.Status, ContentType: large.ContentType})
	}
	return out
}

// errors are what has gone wrong lately, in that form.
func (r *report) errors() admin.Errors {
	out := admin.Errors{Origin: []admin.OriginError{}}
	for _, e := range r.proxy.OriginErrors() {
		out.Origin = append(out.Origin, admin.OriginError{Time: e.At.UTC(), Method: e.Method,
			URL: e.URL, Text: oneLine(e.Text)})
	}
	return out
}
