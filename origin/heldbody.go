package origin

import (
	"io"
	"sync"
)

// heldBody is the body of a request that may be sent once more, as long as nothing has been written
// of it: it isn't closed before release.
type heldBody struct {
	io.ReadCloser
	mu       sync.Mutex // guards what follows
	closed   bool       // Close has been called
	released bool
}

// Close is io.Closer's.
func (b *heldBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed = true; b.released {
		return b.ReadCloser.Close()
	}
	return nil
}

// keep makes b, which may be nil, what it was before Close.
func (b *heldBody) keep() {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.closed = false
	}
}

// release closes b if Close has been called. From now on Close does.
func (b *heldBody) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.released = true; b.closed {
		_ = b.ReadCloser.Close()
	}
}
