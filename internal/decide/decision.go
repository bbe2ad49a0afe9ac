// Package decide decides what is done about a request. It has no other effect, and asks no one:
//
//	Request ──► AtOnce ──────────────────────────────► Decision
//	   └──────► (lookup) ──► Found ──► Decide ────────► Decision: serve, revalidate, fetch, forward, refuse
//	                (fetch) ──► Result, Failure ──► Fetched, Failed ──► the next Decision
//	Decision.Record ──► Represent: status, and which bytes of the content
//
// A Decision is a value. What serves clients carries it out, and what explains the cache to
// operators puts it into words, so that both go by the same rules: those of RFC 9111 for a shared
// cache, whose arithmetic is in internal/httpcache.
package decide

import (
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Action is what is done about a request.
type Action uint8

const (
	Refuse Action = iota // this cache answers by itself
	// it goes to the origin past the cache, the answer to this client alone
	Forward
	Look       // the owner is asked for what it has stored; then it is decided again
	Fetch      // the response is fetched, from the origin or the owner; then likewise
	Revalidate // the record is validated, by the origin or the owner; then likewise
	Serve      // the record answers
	Relay      // the response that a fetch has brought is this client's alone
)

// Reason is why. Operators read it in words, clients as a token of Cache-Status.
type Reason uint8

const (
	WhyLooped       Reason = iota // the request has been through this cluster before
	WhyMethod                     // a method that is for a cache, or for none
	WhyReadOnly                   // a method that may change something, where none may
	WhyMaxForwards                // the request has come as far as it may
	WhyOnlyIfCached               // and nothing is stored that could be used
	WhyFailed                     // the origin couldn't answer

	WhyUnread      // a method that nothing stored answers
	WhyUpgrade     // the client asks for another protocol
	WhyNoStore     // the client's directive
	WhyNotStorable // it is known that the response can't be stored
	WhyChanging    // each version went away while it was to be sent

	WhyMiss        // nothing stored is selected
	WhyPrivate     // what is stored, if anything, isn't for requests with Authorization
	WhyPart        // the whole isn't kept, so the part is fetched that the client wants
	WhyStale       // the record is stale
	WhyUnaccepted  // the request's directives don't accept the record
	WhyUnmatched   // the record fails a precondition that only the origin may evaluate
	WhyUnconfirmed // the owner of the record has to be asked
	WhyForAnother  // what came was for the eyes of another client

	WhyFresh     // the record is fresh
	WhyMeanwhile // the record is stale, and is revalidated in the background
	WhyMaxStale  // the record is stale, which the request accepts
	WhyResting   // the record is stale, and its validation has just failed
	WhyOnError   // the record is stale, and its validation has failed now
	WhyFetched   // the response has just been fetched
)

// Decision says what is done about a request, and why. It is a value: it is made by Rules,
// carried out for clients, and put into words for operators.
type Decision struct {
	Action Action
	Why    Reason

	// Record is what answers, is to be validated, or was found wanting; nil if there is
	// none. It comes by way of Peer, if that isn't "", with Result, if a fetch has brought it.
	Record *store.Record
	Peer   string
	Result *store.Result
	Chunk  []byte // the first of the content, if it came with the record
	Use    httpcache.Reuse

	Refresh bool        // the record is revalidated in the background
	Outcome Outcome     // of the request, as far as it is known
	Status  CacheStatus // what Cache-Status says, unless it is a plain hit

	// How the store is to be asked.
	Alone  bool   // no one else's response will do
	Ranged bool   // for the range that the client wants
	Gone   string // the version whose bytes can't be had

	Code    int            // the status of a refusal
	Failure *store.Failure // of the origin
}

// Asks reports whether d wants something from the owner or the origin, upon which it is decided
// again.
func (d *Decision) Asks() bool {
	return d.Action == Look || d.Action == Fetch || d.Action == Revalidate
}

// FromMemory reports whether the head needs nothing of the origin, so that the content decides
// about the outcome.
func (d *Decision) FromMemory() bool { return d.Outcome == OutcomeHit || d.Outcome == OutcomeStale }

// ContentAsked takes in whether the origin is asked for some of the content.
func (d *Decision) ContentAsked(asked store.Asked) {
	switch {
	case d.FromMemory() && asked != store.NotAsked:
		d.Status = CacheStatus{
			Fwd: "partial", Collapsed: asked == store.AskedForOthers, Detail: d.Status.Detail,
			TTL: d.TTL(), HasTTL: true,
		}
		if d.Outcome == OutcomeHit {
			d.Outcome = OutcomeOf(asked)
		}
	case d.Outcome == OutcomeCollapsed && asked == store.AskedForThis:
		// what was fetched for another isn't all
		d.Outcome, d.Status.Collapsed = OutcomeMiss, false
	}
}

func (d *Decision) TTL() time.Duration { return d.Use.Lifetime - d.Use.Age.Truncate(time.Second) }
