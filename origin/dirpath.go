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
	name, slash = strings.CutSuffix(name, "/")
	if !ok || !servable(name, dotfiles) {
		return "", false, false
	}
	name, err := filepath.Localize(name)
	return name, slash, err == nil
}

// servable reports whether name, of an entry of a directory or of what is below one, can be
// requested. fs.ValidPath refuses what isn't UTF-8, and the segments "", "." and "..". A backslash
// is a separator on some systems, so it is refused on all.
func servable(name string, dotfiles bool) bool {
	return name != "." && fs.ValidPath(name) && !strings.ContainsAny(name, "\x00\\") &&
		(dotfiles || !strings.Contains("/"+name, "/."))
}
