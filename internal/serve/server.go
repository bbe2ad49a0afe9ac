// Package serve answers clients' requests for resources: it looks up what is stored, has decide
// decide, and carries the decision out.
//
//	Resource ─► Request ─► Lookup ─► Decide ──serve──────────────► respond ─► fields, bytes
//	                          ▲         ├─look, fetch, revalidate ─► store ─► decide again
//	                          │         ├─forward ────────────────► origin ─► what it changed goes
//	                          │         └─refuse
//	                          └──────────── what was to be sent went away
//
// The decision is a value, so the access log's line, the counters and Cache-Status are made of it
// and of its outcome in one place each: Resource, response.count and statusField. Nothing below
// Resource knows the log. A hit takes these steps:
//
//	Proxy.ServeHTTP, StallTimeout, Access, admit, the route, Resource, Request, answer, Lookup,
//	Store.Find, Decide, Reuse, carryOut, respond, Represent, whole, ready, putFields, copy, settle
//
// Server.Hit decides by the same rules for package fastlane, which writes responses without
// net/http. A hit there takes these, and between Lookup and Decide askOwner and Store.Peek if
// another node is asked for it:
//
//	Lane.Serve, recognise, fields, find, PlainKey, Hit, Lookup, Store.Find, Decide, Reuse,
//	Represent, Reader.Held, admit, send, AppendHead, AppendHeld, Send, LogNext
//
// How often content is copied between the calls of the system that read it and those that send it:
//
//	miss                 not at all: the origin's body is read into what becomes the chunk, and
//	                     clients are sent parts of that. But net/http's client reads what comes with
//	                     the head into a buffer of 4 KiB, and store reads what trickles into another.
//	hit by Server.Hit    not at all: one call sends the head and all chunks. But a content of up to
//	                     4 KiB is copied behind the head, which costs less than a second buffer.
//	hit by Resource      not at all, but for the 4 KiB that net/http sends with the head
//	from another node    once, there where it is asked for: package wire reads frames ahead of those
//	                     who wait for them
//
// Where the room for what is being sent is used up (store's rooms), clients are sent copies of
// small parts.
package serve

import (
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// Config is what a Server works with. All fields must be set.
type Config struct {
	Rules  decide.Rules
	Site   *site.Site
	Store  *store.Store
	Origin *fetch.Origin
	Now    func() time.Time

	WebSocket  bool  // a GET may ask for the WebSocket protocol
	MaxContent int64 // of the response to a POST that is stored, in bytes
}

// Server answers clients. Its methods may be called concurrently.
type Server struct {
	Config
	heads    heads
	outcomes [decide.Outcomes]atomic.Int64
	failures atomic.Int64
	readOnly atomic.Int64
}

// New makes a Server.
func New(c Config) *Server { return &Server{Config: c} }

// Count is how many requests have had an outcome. Those that are being answered have the one that
// is expected.
func (s *Server) Count(o decide.Outcome) int64 { return s.outcomes[o].Load() }

// ReadOnly is how many requests were refused since they might have changed something.
func (s *Server) ReadOnly() int64 { return s.readOnly.Load() }

// Failures is how many requests got an error of our own because the origin couldn't answer.
func (s *Server) Failures() int64 { return s.failures.Load() }
