package origin

import (
	"mime"
	"path"
	"strings"
)

// mediaTypes has the types of what sites and package mirrors usually hold, so that they don't
// depend on the machine's own tables.
var mediaTypes = map[string]string{
	".html":  "text/html; charset=utf-8",
	".htm":   "text/html; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".mjs":   "text/javascript; charset=utf-8",
	".txt":   "text/plain; charset=utf-8",
	".text":  "text/plain; charset=utf-8",
	".log":   "text/plain; charset=utf-8",
	".md":    "text/markdown; charset=utf-8",
	".csv":   "text/csv; charset=utf-8",
	".ics":   "text/calendar; charset=utf-8",
	".vtt":   "text/vtt; charset=utf-8",
	".xhtml": "application/xhtml+xml",
	".xml":   "application/xml",
	".xsl":   "application/xml",
	".atom":  "application/atom+xml",
	".rss":   "application/rss+xml",

	".json":        "application/json",
	".jsonl":       "application/jsonl",
	".map":         "application/json",
	".jsonld":      "application/ld+json",
	".webmanifest": "application/manifest+json",
	".yaml":        "application/yaml",
	".yml":         "application/yaml",
	".toml":        "application/toml",
	".wasm":        "application/wasm",
	".pdf":         "application/pdf",
	".epub":        "application/epub+zip",

	".svg":  "image/svg+xml",
	".png":  "image/png",
	".apng": "image/apng",
	".jpg":  "image/jpeg",
	".jpeg": "image/jpeg",
	".gif":  "image/gif",
	".webp": "image/webp",
	".avif": "image/avif",
	".bmp":  "image/bmp",
	".tif":  "image/tiff",
	".tiff": "image/tiff",
	".ico":  "image/vnd.microsoft.icon",

	".mp4":  "video/mp4",
	".m4v":  "video/mp4",
	".mov":  "video/quicktime",
	".webm": "video/webm",
	".ogv":  "video/ogg",
	".mkv":  "video/matroska",
	".mp3":  "audio/mpeg",
	".m4a":  "audio/mp4",
	".aac":  "audio/aac",
	".ogg":  "audio/ogg",
	".oga":  "audio/ogg",
	".opus": "audio/ogg",
	".flac": "audio/flac",
	".wav":  "audio/wav",

	".woff":  "font/woff",
	".woff2": "font/woff2",
	".ttf":   "font/ttf",
	".otf":   "font/otf",

	".zip": "application/zip",
	".gz":  "application/gzip",
	".tgz": "application/gzip",
	".bz2": "application/x-bzip2",
	".xz":  "application/x-xz",
	".zst": "application/zstd",
	".br":  "application/x-brotli",
	".7z":  "application/x-7z-compressed",
	".tar": "application/x-tar",

	".deb":  "application/vnd.debian.binary-package",
	".udeb": "application/vnd.debian.binary-package",
	".rpm":  "application/x-rpm",
	".apk":  "application/octet-stream", // Android's and Alpine's
	".jar":  "application/java-archive",
	".war":  "application/java-archive",
	".pom":  "application/xml",
	".whl":  "application/zip",
	".egg":  "application/zip",
	".gem":  "application/octet-stream",
	".iso":  "application/x-iso9660-image",
	".img":  "application/octet-stream",
	".bin":  "application/octet-stream",
	".exe":  "application/octet-stream",
	".dmg":  "application/octet-stream",

	// What a Go module proxy serves, and checksums and signatures beside downloads.
	".mod":     "text/plain; charset=utf-8",
	".info":    "application/json",
	".ziphash": "text/plain; charset=utf-8",
	".md5":     "text/plain; charset=utf-8",
	".sha1":    "text/plain; charset=utf-8",
	".sha256":  "text/plain; charset=utf-8",
	".sha512":  "text/plain; charset=utf-8",
	".asc":     "application/pgp-signature",
	".sig":     "application/pgp-signature",
}

// mediaType returns the Content-Type of a file by the extension of its name alone, whatever its
// content: the table's, else the machine's, else application/octet-stream.
func mediaType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := mediaTypes[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}
