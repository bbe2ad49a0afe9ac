package serve

import (
	"io"
	"net/http"

	"github.com/scurrycache/scurry/internal/store"
)

// keepPost has the answer to a POST stored for later GETs, once its content has been read to its
// end, if it says that it is what they would get (RFC 9110 section 9.3.3): it states its freshness,
// and its Content-Location is the target. It isn't if that has been invalidated since then.
func (f *forwarded) keepPost(resp *http.Response, then store.Moment) {
	limit := min(maxPost, f.s.MaxContent)
	if resp.Request.Method != http.MethodPost || resp.StatusCode != http.StatusOK ||
		resp.ContentLength > limit || f.s.Origin.Steered(f.q.Header) {
		return
	}
	if key, ok := f.s.Site.KeyFromOrigin(resp.Header.Get("Content-Location"), f.q.Resource); !ok ||
		key != f.q.Resource {
		return
	}
	head := f.s.Origin.Received(resp, f.sent)
	if ok, _ := f.s.Site.Policy.Storable(http.MethodPost, f.q.Header, head); !ok {
		return
	}
	delete(head.Header, "Content-Length")
	rec := store.NewRecord()
	rec.Status = head.Status
	rec.Key = f.s.Site.KeyOf(f.q.Resource, head.Header)
	rec.URL = f.q.Resource
	f.s.Origin.Describe(rec, f.q.Header, head)
	f.status.Stored = true // once it has come to its end
	resp.Body = &kept{ReadCloser: resp.Body, limit: limit,
		put: func(content []byte) { f.s.Store.Put(rec, content, then) }}
}

// maxPost bounds the answers to POSTs that are stored: each is held in memory, and sent to another
// node, as a whole.
const maxPost = 512 << 10

// kept is a body that is stored when it has been read to its end, unless it is larger than limit.
type kept struct {
	io.ReadCloser
	limit   int64
	content []byte
	put     func(content []byte) // nil once it is too large, or stored
}

func (k *kept) Read(b []byte) (int, error) {
	n, err := k.ReadCloser.Read(b)
	if k.put == nil {
		return n, err
	}
	if int64(len(k.content)+n) > k.limit {
		k.content, k.put = nil, nil
		return n, err
	}
	k.content = append(k.content, b[:n]...)
	if err == io.EOF {
		k.put(k.content)
		k.content, k.put = nil, nil
	}
	return n, err
}
