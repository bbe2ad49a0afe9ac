package store

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// link is what is known of where a relay reads. Other goroutines look at it while the fill's
// goroutine reads.
type link struct {
	origin  atomic.Bool             // no owner can be reached
	removed atomic.Bool             // an owner has said so of the bytes: see Reader.invalidated
	from    atomic.Pointer[string]  // the owner that was read from last
	reads   atomic.Pointer[relayed] // what is read
	expects atomic.Int32            // Asked, as the owner expects of what it sends now
	told    atomic.Int64            // up to where
	past    atomic.Int32            // Asked, of what came before
	verdict error                   // of an owner; trying again is of no use
	trailer http.Header             // that came with the content's end
}

func (r *link) active() bool { return r != nil && !r.origin.Load() }

func (r *link) invalidated() bool { return r != nil && r.removed.Load() }

// name is that of the node that r reads from.
func (r *link) name() string {
	if owner := r.from.Load(); owner != nil {
		return *owner
	}
	return ""
}

// relayed is a content that an owner sends.
type relayed struct {
	Content
	link     *link
	cause    Cause // for which they were asked for
	pos, end int64 // end is -1 for the content's end; pos belongs to the fill's goroutine
	settled  sync.Once
}

// reading makes b what r reads.
func (r *link) reading(b *relayed) *relayed {
	b.link = r
	r.reads.Store(b)
	return b
}

func (b *relayed) Read(p []byte) (int, error) {
	n, err := b.Content.Read(p)
	if b.pos += int64(n); err == io.EOF {
		b.settle()
	}
	if IsVerdict(err) {
		b.link.verdict = err
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
			b.link.trailer = trailer
		}
		if asked >= AskedForThis {
			b.cause.Note()
		}
		b.link.past.Store(max(b.link.past.Load(), int32(min(asked, AskedForOthers))))
		b.link.expects.Store(int32(NotAsked))
	})
}

// word is what the owner that r reads from has said of requests to the origin.
func (r *link) word() Asked {
	if r.origin.Load() {
		return AskedForOthers
	}
	return Asked(max(r.past.Load(), r.expects.Load()))
}

// heard notes what an owner expects of the bytes before end.
func (r *link) heard(asked Asked, end int64) {
	r.told.Store(max(end, r.told.Load()))
	r.expects.Store(int32(min(asked, AskedForThis)))
}
