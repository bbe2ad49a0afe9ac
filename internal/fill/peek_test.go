package fill_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

var errCut = errors.New("cut")

// peek peeks at r, whose Read ends with the pipe if it is one.
func peek(r io.Reader) *fill.Peeked {
	return fill.Peek(io.NopCloser(r), func() {
		if p, ok := r.(*io.PipeReader); ok {
			p.CloseWithError(context.Canceled)
		}
	}, func() {})
}

// TestPeekedReads: whatever has been read ahead, and however, a reader gets all of it.
func TestPeekedReads(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 4096, 4097, 10_000} {
		content := bytes.Repeat([]byte("acorn"), size/5+1)[:size]
		for name, how := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "by bytes": iotest.OneByteReader,
			"by halves":    iotest.HalfReader,
			"with the end": iotest.DataErrReader,
		} {
			p := peek(how(bytes.NewReader(content)))
			if p.Quiet() || p.Broken() != nil {
				t.Errorf("%d %s: quiet %v, broken %v", size, name, p.Quiet(), p.Broken())
			}
			if err := iotest.TestReader(p, content); err != nil {
				t.Errorf("%d %s: %v", size, name, err)
			}
			if p.Close() != nil {
				t.Errorf("%d %s isn't closed", size, name)
			}
		}
	}
}

// TestPeekedBreaks: what ends the body within the first bytes is known, and comes after them.
func TestPeekedBreaks(t *testing.T) {
	for size, known := range map[int]bool{0: true, 1: true, 4095: true, 4096: false, 5000: false} {
		content := bytes.Repeat([]byte("a"), size)
		p := peek(io.MultiReader(bytes.NewReader(content), iotest.ErrReader(errCut)))
		if got := errors.Is(p.Broken(), errCut); got != known {
			t.Errorf("after %d bytes: broken %v", size, p.Broken())
		}
		if b, err := io.ReadAll(p); len(b) != size || !errors.Is(err, errCut) {
			t.Errorf("%d bytes, %v, want %d", len(b), err, size)
		}
		p.Close()
	}
	if p := peek(panicking{}); p.Broken() == nil {
		t.Error("a panic is no break")
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("bug") }

// TestPeekedWaits: a body that keeps silent is waited for as long as a head may wait, and goes on
// when it does.
func TestPeekedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		start := time.Now()
		p := peek(r)
		if d := time.Since(start); d != fill.HeadWait || !p.Quiet() || p.Broken() != nil {
			t.Errorf("after %v: quiet %v, broken %v", d, p.Quiet(), p.Broken())
		}
		go func() {
			io.WriteString(w, "acorn")
			io.WriteString(w, "walnut")
			w.CloseWithError(errCut)
		}()
		if b, err := io.ReadAll(p); string(b) != "acornwalnut" || !errors.Is(err, errCut) {
			t.Errorf("%q, %v", b, err)
		}
		p.Close()
	})
}

// ready is a body that knows how many bytes have come. The others never do.
type ready struct {
	bytes.Reader
	come int
}

func (r *ready) Read(b []byte) (int, error) {
	if r.come == 0 {
		select {}
	}
	n, _ := r.Reader.Read(b[:min(len(b), r.come)])
	if r.come -= n; r.Len() == 0 {
		return n, io.EOF
	}
	return n, nil
}

func (r *ready) Ready() bool  { return r.come > 0 }
func (r *ready) Close() error { return nil }

// TestPeekedReady: what has come is read at once, and if it is enough, nothing more is.
func TestPeekedReady(t *testing.T) {
	for _, c := range []struct{ size, come int }{
		{1, 1}, {4095, 4095}, {4096, 4096}, {5000, 5000}, {9000, 4096},
	} {
		content := bytes.Repeat([]byte("a"), c.size)
		p := fill.Peek(&ready{*bytes.NewReader(content), c.come}, func() {}, func() {})
		if p.Quiet() || p.Broken() != nil {
			t.Errorf("%+v: quiet %v, broken %v", c, p.Quiet(), p.Broken())
		}
		if b, err := io.ReadAll(io.LimitReader(p, int64(c.come))); len(b) != c.come || err != nil {
			t.Errorf("%+v: %d bytes, %v", c, len(b), err)
		}
		p.Close()
	}
}

// TestPeekedCloses: closing ends a Read that waits, by cancel, or by the body's own Close if it
// heeds no cancel.
func TestPeekedCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := io.Pipe()
		for _, p := range []*fill.Peeked{peek(r), fill.Peek(pipe(), func() {}, func() {})} {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if _, err := p.Read(make([]byte, 1)); err == nil {
				t.Error("it reads on")
			}
		}
	})
}

func pipe() *io.PipeReader {
	r, _ := io.Pipe()
	return r
}

// TestPeekedKeepsItsRoom: a body that has been closed may still read into its memory, which isn't
// used for another.
func TestPeekedKeepsItsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := heedless{make(chan bool), make(chan bool)}
		p := fill.Peek(late, func() {}, func() {})
		p.Close()
		var others []*fill.Peeked
		for range 10 {
			others = append(others, peek(bytes.NewReader(bytes.Repeat([]byte("a"), fill.PeekSize))))
		}
		close(late.read)
		<-late.done
		for _, other := range others {
			if b, err := io.ReadAll(other); err != nil || len(bytes.Trim(b, "a")) > 0 ||
				len(b) != fill.PeekSize {
				t.Errorf("%d bytes of another, %v", len(b), err)
			}
			other.Close()
		}
	})
}

// heedless is a body whose Read ends with read, whatever else is closed.
type heedless struct{ read, done chan bool }

func (h heedless) Read(b []byte) (int, error) {
	<-h.read
	defer close(h.done)
	return copy(b, bytes.Repeat([]byte("b"), len(b))), io.EOF
}

func (h heedless) Close() error { return nil }
