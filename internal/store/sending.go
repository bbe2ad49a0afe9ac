package store

import (
	"context"
	"io"
	"net/http"
)

// Sending is a content on its way from this node to another one: what a Reader reads, or the body
// of a response that isn't stored. It is used by one goroutine and must be closed.
type Sending struct {
	s    *Store
	rd   Reader
	res  *Result     // that was found, if any
	stop func() bool // lets go of the context of a body that isn't stored
	err  error       // that came with its last bytes
}

// sendingResult sends the content of res, which q has asked for.
func (s *Store) sendingResult(ctx context.Context, q *LookupRequest, res *Result) *Sending {
	sent := &Sending{s: s, res: res}
	if res.Body != nil {
		sent.stop = context.AfterFunc(ctx, res.Cancel) // it isn't read if the peer has gone
		return sent
	}
	s.ReaderFrom(&sent.rd, &q.Fields, res, 0, -1)
	sent.rd.localOnly = true
	return sent
}

// Length is that of the whole content, -1 if it isn't known.
func (t *Sending) Length() int64 { return t.rd.rec.Length }

// Foresee tells whether the origin is asked for some of it.
func (t *Sending) Foresee(ctx context.Context) Asked { return t.rd.Foresee(ctx) }

// Next returns the next bytes, which are immutable. At the end the error is io.EOF, and any other
// is one for the other node.
func (t *Sending) Next(ctx context.Context) (b []byte, err error) {
	if t.stop != nil {
		b, err = t.readOnce()
	} else {
		b, err = t.rd.Next(ctx, nil)
	}
	if err != nil && err != io.EOF {
		err = t.s.failureFor(ctx, err)
	}
	return b, err
}

// readOnce reads from a body that isn't stored, into memory that isn't used again.
func (t *Sending) readOnce() ([]byte, error) {
	b := make([]byte, 32<<10)
	n := 0
	for n == 0 && t.err == nil {
		n, t.err = t.res.Body.Read(b)
	}
	if n > 0 {
		return b[:n], nil
	}
	return nil, t.err
}

// End returns what the other node is told after io.EOF: the trailer, and whether the origin was
// asked.
func (t *Sending) End() (trailer http.Header, asked Asked) {
	if t.stop != nil {
		return t.res.trailer(), NotAsked
	}
	return t.rd.Trailer(), t.rd.Asked()
}

// Close releases the content.
func (t *Sending) Close() {
	if t.stop != nil {
		t.stop()
	} else {
		t.rd.Close()
	}
	if t.res != nil {
		t.res.Close()
	}
}
