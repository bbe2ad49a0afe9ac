package site

import (
	"errors"
	"strings"
)

// FormPath is where a resource is asked for by a form's value instead of a path under the mount.
const FormPath = "/zk"

// ParseMount returns path as that of a mount, with a slash at its end, or says why it can't be one.
// Segments have unreserved characters only, so that nobody has to spell a mount in another way.
func ParseMount(path string) (string, error) {
	mount := strings.TrimSuffix(path, "/") + "/"
	switch {
	case !strings.HasPrefix(path, "/"):
		return "", errors.New("a mount begins with a slash, such as /files/")
	case strings.Contains(path, "//"):
		return "", errors.New("a mount has one slash between two segments")
	case dotted(path):
		return "", errors.New("a mount has no dot segments")
	case strings.ContainsFunc(path, unfit):
		return "", errors.New("a mount consists of letters, digits, '-', '.', '_', '~' and slashes")
	case mount == FormPath+"/":
		return "", errors.New(FormPath +
			" is where resources are asked for by name: mount elsewhere")
	}
	return mount, nil
}

// unfit reports whether no mount has that character.
func unfit(r rune) bool { return r > '~' || r != '/' && !unreserved(byte(r)) }
