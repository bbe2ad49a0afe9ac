package origin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// directory answers a path that ends in a slash from the directory at name: with its index.html,
// else with a page that lists it if d.Browse.
func (d *Dir) directory(req *http.Request, in *os.Root, name string) (*http.Response, error) {
	index := filepath.Join(name, "index.html")
	info, err := in.Stat(index)
	var resp *http.Response
	if err == nil {
		resp, err = d.file(req, in, index, info)
	}
	if err == nil || d.status(err) != http.StatusNotFound {
		return resp, err
	}
	if !d.Browse {
		return nil, fs.ErrNotExist
	}
	entries, err := d.list(req.Context(), in, name)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = listingPage.Execute(&page, map[string]any{
		"Path":    "/" + strings.TrimPrefix(req.URL.Path, "/"),
		"Root":    name == ".",
		"Entries": entries,
	})
	if err != nil {
		return nil, fmt.Errorf("render listing: %w", err)
	}
	return d.listing(req, page.Bytes()), nil
}

// listing answers with page. Its validator is a hash of the page, since a directory's own
// modification time doesn't change with the sizes and times of its files.
func (d *Dir) listing(req *http.Request, page []byte) *http.Response {
	etag := http.Header{"Etag": {fmt.Sprintf(`W/"%.8x"`, sha256.Sum256(page))}}
	resp, _ := d.conditional(req, etag, false)
	if resp.StatusCode == http.StatusPreconditionFailed {
		return resp
	}
	resp.Header.Set("Cache-Control", "no-cache")
	if resp.StatusCode == http.StatusOK {
		setContent(resp, "text/html; charset=utf-8", page)
	}
	return resp
}

// list returns the entries of the directory at name that can be requested, directories first.
func (d *Dir) list(ctx context.Context, in *os.Root, name string) (
	[]fs.FileInfo, error,
) {
	dir, err := in.OpenFile(name, openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	all, err := dir.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var entries []fs.FileInfo
	for _, e := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !servable(e.Name(), d.Dotfiles) {
			continue
		}
		// Not e.Info, which leaves the root and looks the name up by its path.
		info, err := in.Stat(filepath.Join(name, e.Name()))
		switch {
		case d.status(err) != 0: // gone since, or a link to nowhere
			continue
		case err != nil:
			return nil, err
		case info.IsDir() || info.Mode().IsRegular():
			entries = append(entries, info)
		}
	}
	slices.SortFunc(entries, compareEntries)
	return entries, nil
}

func compareEntries(a, b fs.FileInfo) int {
	switch {
	case a.IsDir() == b.IsDir():
		return strings.Compare(a.Name(), b.Name())
	case a.IsDir():
		return -1
	}
	return 1
}
