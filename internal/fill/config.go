package fill

import (
	"context"
	"time"
)

// Config says what a Run reads and what it calls. Offsets are the representation's.
type Config struct {
	Start int64 // of the body's first byte: where a chunk begins
	End   int64 // where the run ends, or -1: where the body does
	Want  int64 // the run pauses here until a follower wants more

	// Next returns where the chunk that holds the byte at off ends.
	Next func(off int64) int64

	// Body is open at Start and goes to the representation's end. If nil, Open is called for it.
	Body Body

	// Open opens the body at off, to be read to end (-1: to the representation's end). If nil, a
	// lost connection ends the run.
	Open func(ctx context.Context, off, end int64) (Opened, error)

	// Push takes the chunks as they become whole, in their order, from a goroutine of its own. A
	// chunk's slice has no spare capacity.
	Push func(off int64, chunk []byte)

	// Done is called once, when all chunks have been pushed and before followers see the end: at
	// end, with the error that kept the run from its end, if any.
	Done func(end int64, err error)

	Border
	Leaving
	Holding
	Room
}

// Border is what a run does at its end, where another body may go on. The zero Border makes it end
// there.
type Border struct {
	// Extend, if not nil, is called when the run is within Margin bytes of its end, a follower
	// wants bytes beyond it, and the open body has them. It returns where the run ends now: at a
	// later offset if it is to read on, at end if the followers find what comes next elsewhere. It
	// runs on a goroutine of its own while the run reads up to end, and must return when ctx ends.
	Extend func(ctx context.Context, end int64) int64
	Margin int64

	// Beyond means that bodies are opened to the representation's end, so that the run may be
	// extended, even if no follower wants bytes beyond its end yet.
	Beyond bool

	// Stops, if not nil, reports whether a body that ends at pos, before the run's end, has merely
	// handed over to another one, so that the run ends there as well.
	Stops func(pos int64) bool
}

// Leaving is what becomes of a run that its followers have left. The zero Leaving lets it read on
// to its end.
type Leaving struct {
	// Alone is how long a run that its last follower has left may read on; 0 means for as long as
	// it takes. A run of a body of unknown length, which may have no end, gets no time at all,
	// unless Alone is 0. Nor does one of an origin that is slow: that would take longer than Brief
	// for the rest, at its pace so far. It is looked at again each second.
	Alone, Brief time.Duration

	// Awaited means that the first follower has the body opened for others, who are yet to come:
	// its leaving says nothing of how slow the origin may be.
	Awaited bool

	// Transient, if not nil, reports whether nobody keeps what the run reads. Then it ends when its
	// last follower leaves, and reads no further than to where its followers stop, rather than to
	// the end of the chunk there. Like Share it is called with the run locked.
	Transient func() bool

	// Idle tells how long a paused run without followers waits for one before it ends where it is.
	// Like Share, Reserve and Release it is called with the run locked, so it must not block nor
	// call the run.
	Idle func() time.Duration
}

// Holding is what stays with a run for its followers, and how far it reads ahead of them.
type Holding struct {
	// Hold is how many bytes stay with the run for its followers. Bytes beyond them are dropped,
	// oldest first, once they have been pushed; without followers, all that have been pushed are.
	// If Share isn't nil, it tells how many bytes the run may hold now, if less than Hold. If
	// Pinned, bytes beyond Hold are dropped when all followers have read them, and no others.
	Hold   int64
	Share  func() int64
	Pinned bool

	// Ahead, if not nil, tells how far ahead of its fastest follower the run may read, if it has
	// one. Like Share it is called with the run locked.
	Ahead func() int64

	// Reserve and Release keep the account of what all pinned runs hold together, until their
	// followers have read it, beyond Free bytes each. If Reserve doesn't grant n more bytes, the
	// run drops some first, as if Hold had been reached.
	Free    int64
	Reserve func(n int64) bool
	Release func(n int64)

	// Overflow is called once before the first byte of a pinned run is dropped. It holds up the
	// run, no followers.
	Overflow func()
}

// Room is the memory that a run reads into. The zero Room is all that it wants.
type Room struct {
	// Spare takes room for a chunk of size bytes if there is plenty; if it is nil, there always is.
	// Otherwise the chunk is read by way of a small buffer. Take waits for room for all of it once
	// the first bytes have come, and Give gives back what hasn't come if the body stalls: all
	// beyond keep of the bytes that there is room for. Take is called again when more come. If what
	// it takes is firm, none is given back before the chunk is whole. When a chunk has been pushed,
	// nothing of it is kept.
	Spare func(ctx context.Context, size int64) bool
	Take  func(ctx context.Context, held, size int64) (firm bool, err error)
	Give  func(held, keep int64)

	// Part tells where the memory ends that is read into at off, at the end of off's chunk at most.
	// It is for what isn't pushed. If nil, whole chunks are read into.
	Part func(off int64) int64
}

// Opened is what Open returns.
type Opened struct {
	Body   Body
	End    int64 // where the body ends; Everything if that is the representation's end
	Length int64 // of the representation, -1 if unknown
}

// Body is what a run reads: an origin's response body.
type Body interface {
	Read([]byte) (int, error)
	Close() error
}
