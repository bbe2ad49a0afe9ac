package site

import (
	"errors"
	"strings"
)

// FormPath is the path of requests that name a resource by a form value.
const FormPath = "/zk"

// ParseMount returns path as the path of a mount, with a slash at its end. The error says why it
// can't be one. Segments have unreserved characters only, so that a mount has one spelling.
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

// unfit reports whether r can't be in the path of a mount.
func unfit(r rune) bool { return r > '~' || r != '/' && !unreserved(byte(r)) }
