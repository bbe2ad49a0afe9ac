package peer

import (
	"sync"

	"github.com/golang/groupcache"
)

// lookup is where one Get of groupcache's puts a value. There is one for each chunk that is sent,
// so they are used again: nobody has a sink once Get has returned.
type lookup struct {
	view groupcache.ByteView
	sink groupcache.Sink // that sets view
	got  []byte
}

var lookups = sync.Pool{New: func() any {
	l := new(lookup)
	l.sink = groupcache.ByteViewSink(&l.view)
	return l
}}

// bytes returns the value without a copy. ByteView hands it out only to a writer.
func (l *lookup) bytes() []byte {
	if _, err := l.view.WriteTo(l); err != nil {
		return nil
	}
	return l.got
}

// Write keeps the slice that it is given, which is right for immutable values only.
func (l *lookup) Write(b []byte) (int, error) {
	l.got = b
	return len(b), nil
}

// release ends the use of l, which must hold on to no value then.
func (l *lookup) release() {
	l.view, l.got = groupcache.ByteView{}, nil
	lookups.Put(l)
}
