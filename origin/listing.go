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
	"strings"
)

// directory makes resp a response from the directory at name: from its index.html, else a page that
// lists it if d.Browse.
func (d *Dir) directory(resp *http.Response, in *os.Root, name string) error {
	index := filepath.Join(name, "index.html")
	info, err := in.Stat(index)
	if err == nil {
		err = d.file(resp, in, index, info)
	}
	if d.status(err) != http.StatusNotFound || !d.Browse {
		return err
	}
	entries, err := d.list(resp.Request.Context(), in, name)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	err = listingPage.Execute(&page, map[string]any{
		"Path":    "/" + strings.TrimPrefix(resp.Request.URL.Path, "/"),
		"Root":    name == ".",
		"Entries": entries,
	})
	if err != nil {
		return fmt.Errorf("render listing: %w", err)
	}
	setListing(resp, page.Bytes())
	return nil
}

// setListing makes resp a response with page. Its validator is a hash of the page, since a
// directory's own modification time doesn't change with the sizes and times of its files.
func setListing(resp *http.Response, page []byte) {
	etag := http.Header{"Etag": {fmt.Sprintf(`W/"%.8x"`, sha256.Sum256(page))}}
	conditional(resp, etag, false)
	if resp.StatusCode == http.StatusPreconditionFailed {
		return
	}
	resp.Header.Set("Cache-Control", "no-cache")
	if resp.StatusCode == http.StatusOK {
		setContent(resp, "text/html; charset=utf-8", page)
	}
}

// list returns the entries of the directory at name that can be requested, directories first.
func (d *Dir) list(ctx context.Context, in *os.Root, name string) ([]fs.FileInfo, error) {
	dir, err := in.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	all, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return nil, err
	}
	var dirs, files []fs.FileInfo
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
		case err != nil:
			return nil, err
		case info.IsDir():
			dirs = append(dirs, info)
		case info.Mode().IsRegular():
			files = append(files, info)
		}
	}
	return append(dirs, files...), nil
}
