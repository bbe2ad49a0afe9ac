package http1

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// body is a response's body. At its end it gives the connection back.
type body struct {
	n       *conn
	ctx     context.Context // the request's
	stop    func() bool     // keeps ctx from ending n any more
	content io.Reader       // net/http's body, which reads from n
	sized   bool            // the content isn't empty, and its length is known
	last    bool            // n carries no further request

	once sync.Once
	over atomic.Bool // n is given back
}

// Read reads the content.
func (b *body) Read(p []byte) (int, error) {
	if b.over.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	k, err := b.content.Read(p)
	if err != nil {
		b.finish(err == io.EOF)
	}
	if err != nil && err != io.EOF {
		err = cmp.Or(context.Cause(b.ctx), err)
	}
	return k, err
}

// Ready reports whether the next Read certainly returns at once. It is for the goroutine that
// reads.
func (b *body) Ready() bool { return b.sized && !b.over.Load() && b.n.r.Buffered() > 0 }

// Close ends the connection if the content hasn't been read to its end.
func (b *body) Close() error {
	b.finish(false)
	return nil
}

// finish gives b's connection back, which may carry another request if b was read as a whole.
func (b *body) finish(whole bool) {
	b.once.Do(func() {
		b.over.Store(true)
		ended := !b.stop()
		switch {
		case !whole || ended || b.last:
			_ = b.n.Close()
		default:
			b.n.client.keep(b.n)
		}
		b.n.client.leave()
	})
}
