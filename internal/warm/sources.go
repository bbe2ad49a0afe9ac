package warm

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
)

// URLs are those that a source has, or the error that keeps the rest from being known.
type URLs = iter.Seq2[string, error]

// Listed are the given URLs.
func Listed(urls []string) URLs {
	return func(yield func(string, error) bool) {
		for _, u := range urls {
			if !yield(u, nil) {
				return
			}
		}
	}
}

// Lines are the URLs in a file, one in a line; "-" is standard input. Empty lines, and those that
// begin with '#', have none.
func Lines(name string) URLs {
	return func(yield func(string, error) bool) {
		r := os.Stdin
		if name != "-" {
			var err error
			if r, err = os.Open(name); err != nil {
				yield("", err)
				return
			}
			defer r.Close()
		}
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, mostLine)
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if line != "" && line[0] != '#' && !yield(line, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield("", fmt.Errorf("%s: %w", name, err))
		}
	}
}

// Folder are the files below a folder, as URLs under mount, which ends in a slash. Names that begin
// with a dot are left out, as a node does that serves the folder.
func Folder(dir, mount string) URLs {
	return func(yield func(string, error) bool) {
		err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case name != "." && strings.HasPrefix(path.Base(name), ".") && d.IsDir():
				return fs.SkipDir
			case d.IsDir() || strings.HasPrefix(path.Base(name), "."):
				return nil
			case !yield(mount+(&url.URL{Path: name}).EscapedPath(), nil):
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", fmt.Errorf("folder %s: %w", dir, err))
		}
	}
}

const (
	mostSitemap = 256 << 20 // bytes of a sitemap, unpacked: five times what sitemaps.org allows
	deepest     = 3         // sitemaps that lead to sitemaps
)

// Sitemap are the URLs that a sitemap at an http URL, or in a file, has, and those that it leads to
// (sitemaps.org). They may be packed with gzip.
func Sitemap(ctx context.Context, client *http.Client, location string) URLs {
	return func(yield func(string, error) bool) {
		s := sitemap{ctx, client, yield}
		if err := s.read(location, 1); err != nil && err != errEnough {
			yield("", err)
		}
	}
}

type sitemap struct {
	ctx    context.Context
	client *http.Client
	yield  func(string, error) bool
}

// errEnough ends the reading of a sitemap that nobody wants more of.
var errEnough = errors.New("enough")

func (s *sitemap) read(location string, depth int) error {
	r, err := s.open(location)
	if err == nil {
		err = s.parse(r, depth)
		r.Close()
	}
	if err == nil || err == errEnough {
		return err
	}
	return fmt.Errorf("sitemap %s: %w", location, err)
}

func (s *sitemap) open(location string) (io.ReadCloser, error) {
	if !strings.Contains(location, "://") {
		return os.Open(location)
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, errors.New(resp.Status)
	}
	return resp.Body, nil
}

// parse reads one document: the location of each page, and each sitemap that it leads to.
func (s *sitemap) parse(r io.Reader, depth int) error {
	buffered := bufio.NewReader(r)
	r = buffered
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return err
		}
		r = unpacked
	}
	limited := &io.LimitedReader{R: r, N: mostSitemap}
	tokens, found := xml.NewDecoder(limited), false
	for {
		token, err := tokens.Token()
		switch start, ok := token.(xml.StartElement); {
		case err == io.EOF && found:
			return nil
		case limited.N == 0:
			return fmt.Errorf("it has more than %d bytes", int64(mostSitemap))
		case err == io.EOF:
			return errors.New("it has neither a urlset nor a sitemapindex")
		case err != nil:
			return err
		case ok && (start.Name.Local == "urlset" || start.Name.Local == "sitemapindex"):
			found = true
		case ok && found && (start.Name.Local == "url" || start.Name.Local == "sitemap"):
			if err := s.entry(tokens, start, depth); err != nil {
				return err
			}
		}
	}
}

// entry reads a url or a sitemap element.
func (s *sitemap) entry(tokens *xml.Decoder, start xml.StartElement, depth int) error {
	var entry struct {
		Location string `xml:"loc"`
	}
	if err := tokens.DecodeElement(&entry, &start); err != nil {
		return err
	}
	location := strings.TrimSpace(entry.Location)
	switch {
	case location == "":
		return nil
	case start.Name.Local == "sitemap" && depth == deepest:
		return fmt.Errorf("sitemaps lead to sitemaps more than %d times", deepest-1)
	case start.Name.Local == "sitemap":
		return s.read(location, depth+1)
	case !s.yield(location, nil):
		return errEnough
	}
	return nil
}

// Collect returns the URLs of all sources, each once, in their order.
func Collect(sources ...URLs) (urls []string, err error) {
	seen := map[uint64]struct{}{}
	for _, source := range sources {
		for u, err := range source {
			if err != nil {
				return nil, err
			}
			if _, again := seen[hash(u)]; !again {
				seen[hash(u)] = struct{}{}
				urls = append(urls, u)
			}
		}
	}
	return urls, nil
}
