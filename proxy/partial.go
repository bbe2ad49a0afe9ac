package proxy

import (
	"context"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// A response is a hit if the origin isn't asked for any of it (RFC 9211 section 2.1). Of what is
// fresh, some content may have been evicted, or not yet have come. Cache-Status tells what is known
// when the head is sent, the log and the counters what came of it.

// fromMemory reports whether rp's head needs nothing of the origin, so that its content decides.
func (rp *reply) fromMemory() bool { return rp.outcome == outcomeHit || rp.outcome == outcomeStale }

// foreseen makes rp tell that the origin is asked for some of its content.
func (rp *reply) foreseen(asked store.Asked) {
	if asked == store.NotAsked {
		return
	}
	rp.status = cacheStatus{
		fwd: "partial", collapsed: asked == store.AskedForOthers, detail: rp.status.detail,
		ttl: rp.use.Lifetime - rp.use.Age.Truncate(time.Second), hasTTL: true,
	}
	if rp.outcome == outcomeHit {
		rp.outcome = outcomeOf(asked)
	}
}

// outcomeOf is the outcome of a request that a fresh stored response answers.
func outcomeOf(asked store.Asked) string {
	switch asked {
	case store.NotAsked:
		return outcomeHit
	case store.AskedForOthers:
		return outcomeCollapsed
	}
	return outcomePartial
}

// foresee reports whether the origin will be asked for some of those parts of rec's content.
func (p *Proxy) foresee(ctx context.Context, rec *store.Record, parts []httpcache.Range) (asked store.Asked) {
	for _, part := range parts {
		var rd store.Reader
		p.store.Reader(&rd, store.Fields{}, rec, part.Start, part.Start+part.Length)
		asked = max(asked, rd.Foresee(ctx))
	}
	return asked
}

// settle has the log and the counters tell what came of rp, once rd has been read.
func (p *Proxy) settle(ctx context.Context, w *logging.Writer, rp *reply, rd *store.Reader) {
	said := w.Cache
	if said != outcomeHit && said != outcomePartial && said != outcomeCollapsed {
		return
	}
	rd.Settle(ctx, w.Flush)
	came, asked := said, rd.Asked()
	if w.Asked().Load() { // for another of its parts, perhaps
		asked = store.AskedForThis
	}
	switch {
	case rp.answer != nil: // collapsed, or found wanting
		if asked == store.AskedForThis {
			came = outcomeMiss
		}
	case said != outcomeCollapsed || asked == store.AskedForThis:
		// What others hadn't said in time that they held may have come from them.
		came = outcomeOf(asked)
	}
	if came != said {
		p.stats.add(said, -1)
		p.stats.add(came, 1)
		w.Cache = came
	}
}
