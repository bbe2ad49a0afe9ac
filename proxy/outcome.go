package proxy

import "github.com/scurrycache/scurry/internal/store"

// outcome is what the cache did for a request, as the access log and Stats tell it.
type outcome uint8

const (
	outcomeNone        outcome = iota // the request got as far as no resource
	outcomeHit                        // from a fresh stored response
	outcomeMiss                       // this request went to the origin and was stored
	outcomePartial                    // from a fresh stored response, but some of its content from the origin
	outcomeStale                      // from a stored response that was no longer fresh
	outcomeRevalidated                // from a stored response after the origin said that it is still good
	outcomeCollapsed                  // shares the answer to another client's request
	outcomePass                       // went to the origin past the cache
	outcomes
)

func (o outcome) String() string {
	return [...]string{"", "hit", "miss", "partial", "stale", "revalidated", "collapsed", "pass"}[o]
}

// outcomeOf is the outcome of a request that a fresh stored response answers. A response is a hit
// if the origin isn't asked for any of it (RFC 9211 section 2.1): of what is fresh, some content
// may have been evicted, or not yet have come.
func outcomeOf(asked store.Asked) outcome {
	switch asked {
	case store.NotAsked:
		return outcomeHit
	case store.AskedForOthers:
		return outcomeCollapsed
	}
	return outcomePartial
}
