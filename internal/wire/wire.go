// Package wire carries requests and responses between two nodes over one connection.
//
// A net.Conn comes in, greeted (package handshake) and trusted by the caller, and belongs to the
// package from then on. The side that dialed is the client (NewClient), the side that accepted is
// the server (NewServer). Two nodes keep one connection for each direction. Each request is a
// Stream to the client and a Call to the server. A response is any number of replies, each a short
// message with a value if there is one, then content of any length, then the end:
//
//	Client.Open(message) ───────────── request ──────────────► Serve(Call)
//	Stream.Next  ◄── message, value ─────────────────────────  Call.Reply
//	Stream.Read  ◄── content ────────────────────────────────  Call.Write
//	Stream.End   ◄── detail ─────────────────────────────────  Call.End, or Call.Abort
//
// All streams of a connection share it fairly. What is small goes before what is bulky; bulk takes
// turns; and no stream has more under way than its client has room for, so that the connection's
// reader never waits for the reader of a stream. A message, which has 1 MiB at most, goes whole in
// one frame; values and content go in frames of 256 KiB at most. Both sides send heartbeats:
// silence means that the other side is dead, however slow its responses may be. What the messages
// mean is the caller's business.
package wire

import (
	"cmp"
	"math"
	"sync/atomic"
	"time"
)

// Config is how a connection works. Heartbeat and MissedHeartbeats should be the same on both
// sides; everything else is each side's own.
type Config struct {
	// Heartbeat is the interval of heartbeats: 200 ms if 0. The client pings at each heartbeat
	// while it has open streams, and at every fifth otherwise.
	Heartbeat time.Duration

	// MissedHeartbeats is how many silent heartbeats mean that the other side is dead: 4 if 0. The
	// server waits five more.
	MissedHeartbeats int

	// Window is how many bytes of one stream may be under way: sent but not yet read by the client.
	// 1 MiB if 0. It bounds content; a reply is sent whole, once any window is left for it. On the
	// server, it is how many bytes a call may have queued.
	Window int

	// MaxValue is the size of the largest value that the client accepts: 64 MiB if 0. Memory for a
	// value is taken as soon as the server announces it.
	MaxValue int

	// MaxRequests is how many requests the server serves at once, and how many may be without a
	// complete response: 4096 if 0. It refuses those beyond.
	MaxRequests int

	// Traffic, if not nil, counts the bytes that are read and written.
	Traffic *Traffic

	// Serve answers a call, in a goroutine of its own. When it returns, a call that it has neither
	// ended nor aborted is aborted. It must be set on the server, and must not panic.
	Serve func(*Call)

	// Leaving is called when the server announces that it is about to leave, which it does once.
	// Nothing is read before it returns, so it must not wait. It may call the Client.
	Leaving func()

	// Lost is called exactly once, when the connection has ended for whatever reason, with that
	// reason. Streams and calls fail only after Lost has returned, so Lost must not wait for them,
	// nor for Done.
	Lost func(err error)
}

func (c Config) filled() Config {
	c.Heartbeat = cmp.Or(c.Heartbeat, 200*time.Millisecond)
	c.MissedHeartbeats = cmp.Or(c.MissedHeartbeats, 4)
	c.Window = min(cmp.Or(c.Window, 1<<20), math.MaxInt32) // a frame has 32 bits for it
	c.MaxValue = cmp.Or(c.MaxValue, 64<<20)
	c.MaxRequests = cmp.Or(c.MaxRequests, 4096)
	if c.Traffic == nil {
		c.Traffic = new(Traffic)
	}
	return c
}

// Traffic counts bytes. Several connections may share one.
type Traffic struct{ In, Out atomic.Int64 }
