package wire

import (
	"fmt"
	"slices"
)

// assembly puts a message and its value together from the frames they come in.
type assembly struct {
	message []byte // grows to want bytes
	want    int
	value   []byte
	got     int // how much of value has come
	begun   bool
}

// begin announces a message of so many bytes, and a value if that isn't negative. Memory for the
// message is taken as it comes, as a side may announce what it never sends; memory for a value,
// which only a trusted side may send, at once.
func (a *assembly) begin(message, value int) {
	*a = assembly{begun: true, want: message}
	if message > 0 {
		a.message = make([]byte, 0, min(message, maxFrame))
	}
	if value >= 0 {
		a.value = make([]byte, value)
	}
}

func (a *assembly) complete() bool { return len(a.message) == a.want && a.got == len(a.value) }

// read reads the next n bytes of what was announced. The value's go straight to where they stay.
func (a *assembly) read(src *source, n int) error {
	k := min(n, a.want-len(a.message))
	if n-k > len(a.value)-a.got {
		return fmt.Errorf("%w: more bytes than were announced", ErrProtocol)
	}
	if k > 0 {
		at := len(a.message)
		a.message = slices.Grow(a.message, k)[:at+k]
		if err := src.full(a.message[at:], k); err != nil {
			return err
		}
	}
	if n -= k; n == 0 {
		return nil
	}
	rest := a.value[a.got:]
	a.got += n
	return src.full(rest, n)
}
