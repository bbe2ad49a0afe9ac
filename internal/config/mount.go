package config

import (
	"fmt"

	"github.com/scurrycache/scurry/internal/site"
)

// Mount is the path under which clients find the origin's files. It begins and ends in a slash.
type Mount string

const wantMount = "a path such as /files/"

// UnmarshalText implements encoding.TextUnmarshaler. The slash at the end may be left out.
func (m *Mount) UnmarshalText(text []byte) error {
	path, err := site.ParseMount(string(text))
	if err != nil {
		return fmt.Errorf("%w: %w", unexpected(wantMount, text), err)
	}
	*m = Mount(path)
	return nil
}
