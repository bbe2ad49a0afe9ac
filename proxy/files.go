package proxy

import "github.com/scurrycache/scurry/internal/fetch"

// Files are those of a node that stand out. The URLs are as clients ask for them, from the first
// slash on.
type Files struct {
	// Hottest are those that this node's clients ask for most. One in SampledOneIn requests is
	// counted.
	Hottest      []HotFile
	SampledOneIn int

	// Largest are those of the stored responses that this node knows of, whether it owns them or
	// keeps a copy.
	Largest []LargeFile
}

// HotFile is how often a file is asked for: a mean over the last minute, about.
type HotFile struct {
	URL                               string
	RequestsPerSecond, BytesPerSecond float64
}

// LargeFile is a stored response.
type LargeFile struct {
	URL         string
	Bytes       int64 // of its content
	Status      int
	ContentType string
}

// Files returns up to n files of each kind. It costs requests nothing to speak of: see largest.
func (p *Proxy) Files(n int) (f Files) {
	n = min(max(n, 0), MaxFiles)
	hottest, oneIn := p.access.Popular.Top(n, p.shownURL)
	f.SampledOneIn = oneIn
	for _, a := range hottest {
		f.Hottest = append(f.Hottest, HotFile{a.Name, a.RequestsPerSecond, a.BytesPerSecond})
	}
	for _, rec := range p.largest.get(p.store, n) {
		f.Largest = append(f.Largest, LargeFile{p.site.Mount + rec.Key, rec.Length, rec.Status,
			rec.Fields().Get("Content-Type")})
	}
	return f
}

// shownURL is the URL of the resource that clients have asked for by that text.
func (p *Proxy) shownURL(text string) string {
	key, err := p.site.Named(text)
	if err != nil {
		return text
	}
	return p.site.Mount + key
}

// OriginError is a request to the origin that brought no usable response, or only a part of one.
type OriginError = fetch.Failed

// OriginErrors returns the last of them, the latest first. Their texts are for operators.
func (p *Proxy) OriginErrors() []OriginError { return p.origin.Recent() }
