package origin

import (
	"cmp"
	"mime"
	"path"
	"strings"
)

// mediaTypes has the types of what sites and package mirrors usually hold, by extension, so that
// they don't depend on the machine's own tables: also of what a Go module proxy serves, and of
// checksums and signatures beside downloads. All text is taken to be UTF-8. Both Android's packages
// and Alpine's are .apk, so that has no type of its own.
var mediaTypes = byExtension(`
text/html                                .html .htm
text/css                                 .css
text/javascript                          .js .mjs
text/plain                               .txt .text .log .mod .ziphash .md5 .sha1 .sha256 .sha512
text/markdown                            .md
text/csv                                 .csv
text/calendar                            .ics
text/vtt                                 .vtt
application/xhtml+xml                    .xhtml
application/xml                          .xml .xsl .pom
application/atom+xml                     .atom
application/rss+xml                      .rss
application/json                         .json .map .info
application/jsonl                        .jsonl
application/ld+json                      .jsonld
application/manifest+json                .webmanifest
application/yaml                         .yaml .yml
application/toml                         .toml
application/wasm                         .wasm
application/pdf                          .pdf
application/epub+zip                     .epub
image/svg+xml                            .svg
image/png                                .png
image/apng                               .apng
image/jpeg                               .jpg .jpeg
image/gif                                .gif
image/webp                               .webp
image/avif                               .avif
image/bmp                                .bmp
image/tiff                               .tif .tiff
image/vnd.microsoft.icon                 .ico
video/mp4                                .mp4 .m4v
video/quicktime                          .mov
video/webm                               .webm
video/ogg                                .ogv
video/matroska                           .mkv
audio/mpeg                               .mp3
audio/mp4                                .m4a
audio/aac                                .aac
audio/ogg                                .ogg .oga .opus
audio/flac                               .flac
audio/wav                                .wav
font/woff                                .woff
font/woff2                               .woff2
font/ttf                                 .ttf
font/otf                                 .otf
application/zip                          .zip .whl .egg
application/gzip                         .gz .tgz
application/x-bzip2                      .bz2
application/x-xz                         .xz
application/zstd                         .zst
application/x-brotli                     .br
application/x-7z-compressed              .7z
application/x-tar                        .tar
application/vnd.debian.binary-package    .deb .udeb
application/x-rpm                        .rpm
application/octet-stream                 .apk .gem .img .bin .exe .dmg
application/java-archive                 .jar .war
application/x-iso9660-image              .iso
application/pgp-signature                .asc .sig
`)

// byExtension reads lines of a media type and the extensions that stand for it.
func byExtension(lines string) map[string]string {
	types := map[string]string{}
	for line := range strings.Lines(lines) {
		mediaType, extensions, _ := strings.Cut(line, " ")
		if strings.HasPrefix(mediaType, "text/") {
			mediaType += "; charset=utf-8"
		}
		for extension := range strings.FieldsSeq(extensions) {
			types[extension] = mediaType
		}
	}
	return types
}

// mediaType returns the Content-Type of a file by the extension of its name alone, whatever its
// content: the table's, else the machine's, else application/octet-stream.
func mediaType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	return cmp.Or(mediaTypes[ext], mime.TypeByExtension(ext), "application/octet-stream")
}
