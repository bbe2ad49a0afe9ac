package fill

import (
	"context"
	"time"
)

// Config says what a Run reads. Offsets are the representation's.
type Config struct {
	Start int64 // of the body's first byte: where a chunk begins
	End   int64 // where the run ends, or -1: where the body does
	Want  int64 // the run pauses here until a follower wants more

	// Body is open at Start and goes to the representation's end. If nil, Content.Open is called
	// for it.
	Body Body

	Content Content

	// Resumes means that Content.Open may be called where a body ends before the run does. Else a
	// lost connection ends the run.
	Resumes bool

	// Margin is how near to its end the run asks Content.Extend, in bytes. If it is 0, the run ends
	// at its end.
	Margin int64

	// Most is where the run ends at the latest, so that Extend isn't asked there. If it is 0, only
	// Extend knows.
	Most int64

	// Beyond means that bodies are opened to the representation's end, so that the run may be
	// extended, even if no follower wants bytes beyond its end yet.
	Beyond bool

	// Alone is how long a run that its last follower has left may read on; 0 means for as long as
	// it takes. A run of a body of unknown length, which may have no end, gets no time at all,
	// unless Alone is 0. Nor does one of an origin that is slow: that would take longer than Brief
	// for the rest, at its pace so far. It is looked at again each second.
	Alone, Brief time.Duration

	// Awaited means that the first follower has the body opened for others, who are yet to come:
	// its leaving says nothing of how slow the origin may be.
	Awaited bool

	// Pinned means that bytes are dropped only when all followers have read them: nobody else could
	// read them. Up to Free bytes are held without Content.Reserve.
	Pinned bool
	Free   int64

	// Room is the memory that the run reads into, for what is to be pushed. If nil, there is always
	// plenty.
	Room Room
}

// Content is what a run reads, and where that goes. Methods that say so are called with the run
// locked: they must not block nor call the run.
type Content interface {
	// Next returns where the chunk that holds the byte at off ends. The run may be locked.
	Next(off int64) int64

	// Part returns where the memory ends that is read into at off, at the end of off's chunk at
	// most, for what isn't pushed. The run is locked.
	Part(off int64) int64

	// Open opens the body at off, to be read to end (-1: to the representation's end).
	Open(ctx context.Context, off, end int64) (Opened, error)

	// Push takes the chunks as they become whole, in their order. It holds up the run only if
	// that has but one chunk and reads no more of its body, or reads in a follower's place. A
	// chunk's slice has no spare capacity.
	Push(off int64, chunk []byte)

	// Done is called once, when all chunks have been pushed and before followers see the end: at
	// end, with the error that kept the run from its end, if any.
	Done(end int64, err error)

	// Extend is called when the run is within Margin bytes of its end, a follower wants bytes
	// beyond it, and the open body has them. It returns where the run ends now: at a later offset
	// if it is to read on, at end if the followers find what comes next elsewhere. It runs on a
	// goroutine of its own while the run reads up to end, and must return when ctx ends.
	Extend(ctx context.Context, end int64) int64

	// Stops reports whether a body that ends at pos, before the run's end, has merely handed over
	// to another one, so that the run ends there as well. The run is locked.
	Stops(pos int64) bool

	// Transient reports whether nobody keeps what the run reads. Then it ends when its last
	// follower leaves, and reads no further than to where its followers stop, rather than to the
	// end of the chunk there. The run is locked.
	Transient() bool

	// Lends reports whether Push has no use for what is read next, whatever comes of the run. Then
	// it isn't called, and its memory is used again. The run is locked.
	Lends() bool

	// Idle tells how long a paused run without followers waits for one before it ends where it is.
	// The run is locked.
	Idle() time.Duration

	// Hold tells how many bytes may stay with the run for its followers. Bytes beyond them are
	// dropped, oldest first, once they have been pushed; without followers, all that have been
	// pushed are. The run is locked.
	Hold() int64

	// Ahead tells how far ahead of its fastest follower the run may read, if it has one. The run is
	// locked.
	Ahead() int64

	// Reserve and Release keep the account of what all pinned runs hold together, until their
	// followers have read it. If Reserve doesn't grant n more bytes, the run drops some first, as
	// if Hold had been reached. The run is locked.
	Reserve(n int64) bool
	Release(n int64)

	// Overflow is called once before the first byte of a pinned run is dropped. It holds up the
	// run, no followers.
	Overflow()
}

// Room is memory for chunks.
type Room interface {
	// Spare takes room for a chunk of size bytes if there is plenty. Otherwise the chunk is read by
	// way of a small buffer, and Take waits for room for all of it once the first bytes have come.
	// Give gives back what hasn't come if the body stalls: all beyond keep of the bytes that there
	// is room for. Take is called again when more come. When a chunk has been pushed, nothing of it
	// is kept.
	Spare(ctx context.Context, size int64) bool
	Take(ctx context.Context, held, size int64) error
	Give(held, keep int64)
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
