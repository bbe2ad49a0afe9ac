package decide

import "github.com/scurrycache/scurry/internal/store"

// Outcome is what the cache did for a request, as the access log and Stats tell it.
type Outcome uint8

const (
	OutcomeNone        Outcome = iota // the request got as far as no resource
	OutcomeHit                        // from a fresh stored response
	OutcomeMiss                       // this request went to the origin and was stored
	OutcomePartial                    // from a fresh stored response, some content from the origin
	OutcomeStale                      // from a stored response that was no longer fresh
	OutcomeRevalidated                // from a stored response, which the origin has confirmed
	OutcomeCollapsed                  // shares the answer to another client's request
	OutcomePass                       // went to the origin past the cache
	Outcomes
)

func (o Outcome) String() string {
	return [...]string{"", "hit", "miss", "partial", "stale", "revalidated", "collapsed", "pass"}[o]
}

// OutcomeOf is the outcome of a request that a fresh stored response answers. A response is a hit
// if the origin isn't asked for any of it (RFC 9211 section 2.1): of what is fresh, some content
// may have been evicted, or not yet have come.
func OutcomeOf(asked store.Asked) Outcome {
	switch asked {
	case store.NotAsked:
		return OutcomeHit
	case store.AskedForOthers:
		return OutcomeCollapsed
	}
	return OutcomePartial
}
