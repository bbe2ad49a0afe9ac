package store

import (
	"context"
	"math"
	"net/http"
	"sync/atomic"
	"time"
)

// What is on its way takes memory beside what is kept, and each kind of it has a bound of its own,
// so that none waits for another:
//
//	filling  chunks that fills are reading or pushing, as far as they have come: fills wait
//	pinned   what fills hold of bodies that can't be asked for again: beyond it they aren't kept
//	relaying what relays read ahead of their readers: each gets its share when it begins
//	sending  chunks that clients, or peers, are sent from: beyond it they get small copies, one
//	         after the other
//
// Small is what a reader may always have.

const (
	fillRoom  = 4 << 20          // bytes, and an eighth of the memory besides
	relayRoom = 12 << 20         // bytes, or a sixteenth of the memory if that is more
	mostRelay = 4 << 20          // of them, for one relay
	waitRoom  = 10 * time.Second // how long a client waits for its response until fills have room
)

// rooms are the bounds of what is on its way.
type rooms struct {
	small    int64
	filling  filling
	calm     filling      // of fills whose memory is bounded otherwise
	relays   atomic.Int64 // that are reading
	relaying budget
	sending  [2]budget // to clients, and to peers
	pinned   budget    // what fills hold for followers of what can't be asked for again
}

// budget is a number of bytes that may be taken, and how many are.
type budget struct {
	bytes atomic.Int64
	most  int64
}

func (r *rooms) init(c Config) {
	r.small, r.pinned.most = c.Geometry.First, c.Memory/pinShare
	r.filling.init(r.small, c.Geometry.Max, max(fillRoom+c.Memory/8, 2*c.Geometry.Max))
	r.calm.init(0, 0, math.MaxInt64)
	r.relaying.most = max(relayRoom, c.Memory/16)
	for i := range r.sending {
		r.sending[i].most = max(c.Memory/16, 4*c.Geometry.Max)
	}
}

// wait waits for the room of a chunk, for as long as patience. A small body needs no room.
func (r *rooms) wait(ctx context.Context, patience time.Duration) error {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch {
	case r.filling.wait(patient) == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case patience == 0:
		return ErrBusy
	}
	return &Failure{Status: http.StatusServiceUnavailable, Kind: "connection_limit_reached",
		Err: errNoRoom}
}

// allot returns how far ahead of its readers one more relay may be: half of what would be its share
// if all had the same, so that those that come later find room, too. It has to be given back.
func (r *rooms) allot() int64 {
	n := min(mostRelay, r.relaying.most/2/r.relays.Add(1))
	for ; n > r.small; n /= 2 {
		if r.relaying.take(n) {
			return n
		}
	}
	return r.small
}

// disallot gives back what allot returned.
func (r *rooms) disallot(n int64) {
	if r.relays.Add(-1); n > r.small {
		r.relaying.give(n)
	}
}

// take takes n bytes, if that many are left.
func (b *budget) take(n int64) bool {
	if b.bytes.Add(n) > b.most {
		b.bytes.Add(-n)
		return false
	}
	return true
}

// has reports whether take(n) would have succeeded just now.
func (b *budget) has(n int64) bool { return b.bytes.Load()+n <= b.most }

func (b *budget) give(n int64) { b.bytes.Add(-n) }
