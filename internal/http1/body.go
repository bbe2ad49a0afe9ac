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
	cn      *conn
	ctx     context.Context // the request's
	stop    func() bool     // keeps ctx from aborting cn any more
	content io.Reader       // net/http's body, which reads from cn
	sized   bool            // the content isn't empty, and its length is known
	last    bool            // cn carries no further request
	done    func(cn *conn, reusable bool)
	err     error // of the first Read that failed, and of those after it

	once sync.Once
	over atomic.Bool // cn is given back
}

// Read reads the content.
func (b *body) Read(p []byte) (int, error) {
	if b.err == nil && b.over.Load() {
		b.err = http.ErrBodyReadAfterClose
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.content.Read(p)
	if err != nil {
		b.finish(err == io.EOF)
		if b.err = err; err != io.EOF {
			b.err = cmp.Or(context.Cause(b.ctx), err)
		}
	}
	return n, b.err
}

// Ready reports whether the next Read certainly returns at once. It is for the goroutine that
// reads.
func (b *body) Ready() bool { return b.sized && !b.over.Load() && b.cn.r.Buffered() > 0 }

// Close ends the connection if the content hasn't been read to its end.
func (b *body) Close() error {
	b.finish(false)
	return nil
}

// finish gives b's connection back, which may carry another request if the content was read as a
// whole and nothing has come behind it.
func (b *body) finish(whole bool) {
	b.once.Do(func() {
		b.over.Store(true)
		reusable := b.stop() && whole && !b.last
		if whole && b.cn.r.Buffered() > 0 && (reusable || len(b.cn.urls) > 0) {
			reusable = b.cn.poll() != ended && reusable
		}
		b.done(b.cn, reusable)
	})
}
