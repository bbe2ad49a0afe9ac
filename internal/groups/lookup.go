package groups

import (
	"context"
	"errors"
	"sync"

	"github.com/golang/groupcache"
)

// ErrNotHeld is the error of a Get that has joined the flight of a Peek that finds nothing.
var ErrNotHeld = errors.New("value isn't held")

// Loader gets the value of a key that its group doesn't hold. It is called by at most one flight.
type Loader interface {
	// Fetch gets it from the node that owns it, if Config.Remote says that there is one. After an
	// error Load is called.
	Fetch(ctx context.Context) ([]byte, error)
	// Load gets it on this node.
	Load(ctx context.Context) ([]byte, error)
}

// putting is the Loader of a Put.
type putting struct {
	value []byte
	taken bool
}

func (*putting) Fetch(context.Context) ([]byte, error) { return nil, ErrNotHeld }

func (p *putting) Load(context.Context) ([]byte, error) {
	p.taken = true
	return p.value, nil
}

// lookup is one Get of groupcache's: where it puts a value, and what it does to get it. groupcache
// hands no arguments on but the context, so a lookup is that. There is one for each chunk that is
// sent, so they are used again: nobody has one once Get has returned.
type lookup struct {
	context.Context
	loader Loader // nil if nothing is to be loaded
	view   groupcache.ByteView
	sink   groupcache.Sink // that sets view
	got    []byte
}

var lookups = sync.Pool{New: func() any {
	l := new(lookup)
	l.sink = groupcache.ByteViewSink(&l.view)
	return l
}}

// look is groupcache's Get.
func look(ctx context.Context, group *groupcache.Group, key string, loader Loader) ([]byte, error) {
	l := lookups.Get().(*lookup)
	defer l.release()
	l.Context, l.loader = ctx, loader
	if err := group.Get(l, key, l.sink); err != nil {
		return nil, err
	}
	return l.bytes(), nil
}

// bytes returns the value without a copy. ByteView hands it out only to a writer.
func (l *lookup) bytes() []byte {
	_, _ = l.view.WriteTo(l) // Write doesn't fail
	return l.got
}

// Write keeps the slice that it is given, which is right for immutable values only.
func (l *lookup) Write(b []byte) (int, error) {
	l.got = b
	return len(b), nil
}

// release ends the use of l, which must hold on to no value then.
func (l *lookup) release() {
	l.Context, l.loader, l.view, l.got = nil, nil, groupcache.ByteView{}, nil
	lookups.Put(l)
}
