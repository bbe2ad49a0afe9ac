package explain

import (
	"net/http"
	"slices"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/store"
)

// next puts the decision about the request into words.
func (x *inquiry) next() {
	d, n := &x.decision, &x.Next
	*n = Next{Action: actions[d.Action], Status: d.Code}
	if d.Why == decide.WhyFresh {
		n.Action = "hit"
	}
	text, special := decisions[d.Why]
	switch {
	case d.Action == decide.Revalidate:
		by := ""
		if d.Record.HeadOnly {
			by = " by a HEAD"
		}
		n.Statements.say("RFC 9111 §4.3", "At the next request the origin is asked%s whether the "+
			"stored response is still good, with %s. If it says 304, that is fresh again and is "+
			"sent; any other answer takes its place.", by, conditions(d.Record.Fields()))
	case special:
		n.Statements = Statements{text}
	case x.q.Head():
		n.Statements.say("RFC 9110 §9.3.2", "The next HEAD is sent to the origin as a HEAD. Its "+
			"answer is stored for later HEADs, if it may be. A GET fetches the content.")
	default:
		n.Statements.say("RFC 9111 §4", "The next request is fetched from the origin. All who ask "+
			"for the same meanwhile get the same answer, if it may be stored.")
	}
	fetches := d.Action == decide.Fetch || d.Action == decide.Revalidate
	n.Statements.when(d.Peer != "" || x.away && fetches, "", "That is by way of its owner, %s.",
		x.Owner)
	if d.Action == decide.Serve {
		x.represent()
	}
	if fetches && !special && d.Record == nil && !x.away && !x.q.Head() {
		x.offer()
	}
}

// offer says by what the origin is told of what is stored for other requests.
func (x *inquiry) offer() {
	variants := slices.DeleteFunc(x.c.Store.List(x.found.Key), func(rec *store.Record) bool {
		return rec.Pass || rec.HeadOnly
	})
	header := http.Header{}
	x.c.Origin.Offer(header, &store.Request{Variants: variants}, x.q.Resource)
	x.Next.Statements.when(len(header) > 0, "RFC 9111 §4.1", "The origin is told in "+
		"If-None-Match of what is stored for other requests: %s. If it says 304, the one that it "+
		"names is for such requests, too.", shown(header.Get("If-None-Match")))
}

// represent says what the client gets of the record that answers.
func (x *inquiry) represent() {
	rec, says := x.decision.Record, &x.Next.Statements
	rep := decide.Represent(&x.q, rec, rec.Fields())
	x.Next.Status = rep.Status
	says.when(x.c.Store.Usage().Chunks.Evictions > 0, "", "Contents have been evicted here: what "+
		"isn't held of this one is asked of the origin.")
	section, own := representations[rep.Status]
	own = own && (rep.Status != rec.Status || rep.Parts != nil)
	says.when(own, section, "The client gets a %d (%s), by its conditions or its Range, of the "+
		"%d bytes that there are.", rep.Status, http.StatusText(rep.Status), rec.Length)
	says.when(rep.Ignored, "RFC 9110 §14.2", "Its Range is ignored: it is malformed, or no less "+
		"than the whole.")
}
