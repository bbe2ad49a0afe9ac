package exchange

import (
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
)

// message is the fields of a request or a reply. Code describes them once: to write them, which
// changes nothing, and to read them.
type message = store.Message

// clock is the Store's. Ages in messages are counted from what it says.
type clock func() time.Time

func (now clock) reader(b []byte) *codec.Coder {
	return &codec.Coder{B: b, Reads: true, Now: now()}
}

// writer has room for most messages.
func (now clock) writer() *codec.Coder {
	return &codec.Coder{B: make([]byte, 0, 512), Now: now()}
}

// reply makes a reply of that kind to a request for cause. It has the fields of m, which may be
// nil.
func (now clock) reply(cause store.Cause, kind byte, m message) []byte {
	c := now.writer()
	if begin(c, cause, &kind); m != nil {
		m.Code(c)
	}
	return c.B
}

// begin codes what each reply begins with: whether the origin was asked for cause, the request at
// hand, and its kind.
func begin(c *codec.Coder, cause store.Cause, kind *byte) {
	asked := cause.Noted()
	if c.Flags(&asked); c.Reads && asked {
		cause.Note()
	}
	codec.Int(c, kind)
}

// fields code what a request to the origin has of the client's request that it is made for.
func fields(c *codec.Coder, f *store.Fields) {
	c.Header(&f.Header)
	c.Header(&f.From)
	c.Text(&f.Proto)
	c.Text(&f.ID)
	if codeSpan(c, &f.Span); c.Reads {
		f.Asked = new(atomic.Bool)
	}
}

func asked(c *codec.Coder, a *store.Asked) {
	if codec.Int(c, a); c.Reads && (*a < store.NotAsked || *a > store.AskedForThis) {
		c.Fail()
	}
}
