package proxy

import (
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// action is what is done about a request.
type action uint8

const (
	actRefuse     action = iota // this cache answers by itself
	actForward                  // the request goes to the origin past the cache, the answer to this client alone
	actLook                     // the owner is asked for what it has stored; then it is decided again
	actFetch                    // the response comes from the origin, or from the owner; then it is decided again
	actRevalidate               // the origin, or the owner, is asked whether the record is still good; then it is decided again
	actServe                    // the record answers
	actRelay                    // the response that a fetch has brought is this client's alone
)

// reason is why. Explain has the words for it.
type reason uint8

const (
	whyLooped       reason = iota // the request has been through this cluster before
	whyMethod                     // a method that is for a cache, or for none
	whyMaxForwards                // the request has come as far as it may
	whyOnlyIfCached               // and nothing is stored that could be used
	whyFailed                     // the origin couldn't answer

	whyUnread      // a method that nothing stored answers
	whyUpgrade     // the client asks for another protocol
	whyNoStore     // the client's directive
	whyNotStorable // it is known that the response can't be stored
	whyChanging    // each version went away while it was to be sent

	whyMiss       // nothing stored is selected
	whyPrivate    // what is stored, if anything, isn't for requests with Authorization
	whyPart       // the whole isn't kept, so the part is fetched that the client wants
	whyStale      // the record is stale
	whyUnaccepted // the request's directives don't accept the record
	whyDoubted    // the owner of the record has to be asked
	whyForAnother // what came was for the eyes of another client

	whyFresh     // the record is fresh
	whyMeanwhile // the record is stale, and is revalidated in the background
	whyMaxStale  // the record is stale, which the request accepts
	whyResting   // the record is stale, and its validation has just failed
	whyOnError   // the record is stale, and its validation has failed now
	whyFetched   // the response has just been fetched
)

// decision says what is done about a request, and why. It is a value: it is made by rules.decide,
// carried out by response, and put into words by Explain.
type decision struct {
	action action
	why    reason

	// rec is the record that answers, is to be validated, or was found wanting; nil if there is
	// none. It comes by way of peer, if that isn't "", with result, if a fetch has brought it.
	rec    *store.Record
	peer   string
	result *store.Result
	use    httpcache.Reuse

	refresh bool        // the record is revalidated in the background
	outcome outcome     // of the request, as far as it is known
	status  cacheStatus // what Cache-Status says, unless it is a plain hit

	// How the store is to be asked.
	alone  bool   // no one else's response will do
	ranged bool   // for the range that the client wants
	gone   string // the version whose bytes can't be had

	code    int            // the status of a refusal
	failure *store.Failure // of the origin
}

// fromMemory reports whether the head needs nothing of the origin, so that the content decides
// about the outcome.
func (d *decision) fromMemory() bool { return d.outcome == outcomeHit || d.outcome == outcomeStale }

// content takes in whether the origin is asked for some of the content.
func (d *decision) content(asked store.Asked) {
	switch {
	case d.fromMemory() && asked != store.NotAsked:
		d.status = cacheStatus{
			fwd: "partial", collapsed: asked == store.AskedForOthers, detail: d.status.detail,
			ttl: d.ttl(), hasTTL: true,
		}
		if d.outcome == outcomeHit {
			d.outcome = outcomeOf(asked)
		}
	case d.outcome == outcomeCollapsed && asked == store.AskedForThis: // what was fetched for another isn't all
		d.outcome, d.status.collapsed = outcomeMiss, false
	}
}

func (d *decision) ttl() time.Duration { return d.use.Lifetime - d.use.Age.Truncate(time.Second) }
