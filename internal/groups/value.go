package groups

import (
	"fmt"
	"runtime/debug"

	"github.com/golang/groupcache"
)

// adopt hands b to sink without a copy: SetProto keeps the slice that a message's own Marshal
// returns, where SetBytes would clone it.
func adopt(sink groupcache.Sink, b []byte) error { return sink.SetProto(&message{b}) }

type message struct{ b []byte }

func (m *message) Reset()                   { m.b = nil }
func (m *message) String() string           { return fmt.Sprintf("%d bytes", len(m.b)) }
func (*message) ProtoMessage()              {}
func (m *message) Marshal() ([]byte, error) { return m.b, nil }

// recovered is to be deferred. It makes an error of a Loader's panic, which would hang the key for
// ever if it unwound groupcache's flight.
func recovered(what, key string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s %s: panic: %v\n%s", what, key, p, debug.Stack())
	}
}
