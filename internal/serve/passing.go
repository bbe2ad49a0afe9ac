package serve

import (
	"io"
	"sync"

	"github.com/scurrycache/scurry/internal/fetch"
)

// Content that is passed on without being kept is read into buffers, which are used again. A small
// one is what each connection may have. To read and write many bytes at once halves what a large
// content takes, but the memory of large buffers is bounded: as many may be in use as there are in
// largeBuffers.
const (
	smallBuffer = 32 << 10
	largeBuffer = 512 << 10
	mostLarge   = 8
)

var (
	smallBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	largeBuffers = newLarge()
)

// newLarge makes the large buffers. Those that have never been needed take no memory.
func newLarge() chan *[]byte {
	c := make(chan *[]byte, mostLarge)
	for range mostLarge {
		c <- new([]byte)
	}
	return c
}

// pass writes body as it comes.
func (t *response) pass(body io.Reader) error {
	small := smallBuffers.Get().(*[smallBuffer]byte)
	defer smallBuffers.Put(small)
	buf := small[:]
	for {
		n, err := body.Read(buf)
		if _, werr := t.w.Write(buf[:n]); werr != nil {
			return t.cut(nil)
		}
		if err == io.EOF {
			return nil
		}
		t.flush()
		if err != nil {
			return t.cut(fetch.FailureOf(err))
		}
		if n == smallBuffer && len(buf) == n { // there is more, perhaps much
			select {
			case large := <-largeBuffers:
				defer func() { largeBuffers <- large }()
				if *large == nil {
					*large = make([]byte, largeBuffer)
				}
				buf = *large
			default: // all are in use
			}
		}
	}
}
