package origin

import (
	"cmp"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
)

// localName returns the name under the root that u's path stands for, and whether the path ends in
// a slash. It isn't ok if no file may have that name. One name has one path: an encoded slash, an
// empty segment, "." and ".." are refused and not resolved.
func localName(u *url.URL, dotfiles bool) (name string, slash, ok bool) {
	path := strings.ToLower(cmp.Or(u.RawPath, u.EscapedPath()))
	if u.Opaque != "" || strings.Contains(path, "%2f") {
		return "", false, false
	}
	if u.Path == "" || u.Path == "/" {
		return ".", true, true
	}
	name, ok = strings.CutPrefix(u.Path, "/")
	if !ok {
		return "", false, false
	}
	name, slash = strings.CutSuffix(name, "/")
	for segment := range strings.SplitSeq(name, "/") {
		if !servable(segment, dotfiles) {
			return "", false, false
		}
	}
	name, err := filepath.Localize(name)
	return name, slash, err == nil
}

// servable reports whether segment, one name in a directory, can be requested. fs.ValidPath refuses
// what isn't UTF-8, "", and "..". A backslash is a separator on some systems, so it is refused on
// all.
func servable(segment string, dotfiles bool) bool {
	if segment == "." || !fs.ValidPath(segment) || strings.ContainsAny(segment, "\x00\\") {
		return false
	}
	return dotfiles || segment[0] != '.'
}
