package store

import (
	"io"
	"sync"
)

func (r *relay) active() bool { return r != nil && !r.origin.Load() }

func (r *relay) invalidated() bool { return r != nil && r.removed.Load() }

// name is that of the node that r reads from.
func (r *relay) name() string {
	if owner := r.from.Load(); owner != nil {
		return *owner
	}
	return ""
}

// relayed is a content that an owner sends.
type relayed struct {
	Content
	relay    *relay
	cause    Cause // for which they were asked for
	pos, end int64 // end is -1 for the content's end; pos belongs to the fill's goroutine
	settled  sync.Once
}

// reading makes b what r reads.
func (r *relay) reading(b *relayed) *relayed {
	b.relay = r
	r.reads.Store(b)
	return b
}

func (b *relayed) Read(p []byte) (int, error) {
	n, err := b.Content.Read(p)
	if b.pos += int64(n); err == io.EOF {
		b.settle()
	}
	if IsVerdict(err) {
		b.relay.verdict = err
	}
	return n, err
}

// Close waits for what the owner says at the end, if all bytes before that have come.
func (b *relayed) Close() error {
	if b.end >= 0 && b.pos >= b.end {
		b.settle()
	}
	return b.Content.Close()
}

// settle waits for what the owner says at the end, and notes it.
func (b *relayed) settle() {
	b.settled.Do(func() {
		trailer, asked, complete := b.End()
		if complete {
			b.relay.trailer = trailer
		}
		if asked >= AskedForThis {
			b.cause.Note()
		}
		b.relay.past.Store(max(b.relay.past.Load(), int32(min(asked, AskedForOthers))))
		b.relay.expects.Store(int32(NotAsked))
	})
}

// word is what the owner that r reads from has said of requests to the origin.
func (r *relay) word() Asked {
	if r.origin.Load() {
		return AskedForOthers
	}
	return Asked(max(r.past.Load(), r.expects.Load()))
}

// heard notes what an owner expects of the bytes before end.
func (r *relay) heard(asked Asked, end int64) {
	r.told.Store(max(end, r.told.Load()))
	r.expects.Store(int32(min(asked, AskedForThis)))
}
