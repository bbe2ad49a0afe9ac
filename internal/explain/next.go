package explain

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/store"
)

// wishes says what the request asks of caches.
func (x *inquiry) wishes() {
	policy, h := x.Site.Policy, x.q.Header
	switch pragma := len(h["Pragma"]) > 0; {
	case policy.IgnoreRequest && (pragma || len(h["Cache-Control"]) > 0):
		x.say("Request", "", "Its directives are ignored: ignore-request-directives is set.")
	case pragma:
		x.say("Request", "9111 §5.4", "Its Pragma: no-cache counts if it has no Cache-Control.")
	}
	says := policy.RequestDirectives(h)
	for _, w := range wishes {
		text, readable := says.Said(w.name)
		if !readable {
			w.meaning = "which can't be read"
		}
		x.when(text != "", "Request", w.section, "It says %s: %s.", text, w.meaning)
	}
}

// next puts the decision about the request into words.
func (x *inquiry) next() {
	d := &x.decision
	x.act(d, decisions[d.Why])
	x.when(d.Peer != "" || x.away && d.Asks(), "Next", "", "It goes by its owner, %s.", x.owner)
	switch {
	case d.Action == decide.Revalidate:
		x.say("Next", "9111 §4.3", "A 304 makes it fresh again; any other answer replaces it.")
	case d.Action == decide.Serve:
		x.represent()
	case d.Why == decide.WhyUnread:
		x.unread()
	case d.Action == decide.Fetch && x.q.Head():
		x.say("Next", "9110 §9.3.2", "The response is stored for later HEADs only.")
	case d.Why == decide.WhyMiss && !x.away:
		x.offer()
	}
}

// act says what is done, and why.
func (x *inquiry) act(d *decide.Decision, why rule) {
	action, method, with := actions[d.Action], http.MethodGet, ""
	x.Action, x.Status = action.name, d.Code
	if d.Why == decide.WhyFresh {
		x.Action = "hit"
	}
	if d.Action == decide.Revalidate {
		with = conditions(d.Record.Fields())
	}
	if d.Action == decide.Fetch && x.q.Head() || with != "" && d.Record.HeadOnly {
		method = http.MethodHead
	}
	x.say("Next", why.section, "%s%s", strings.NewReplacer("{status}", strconv.Itoa(d.Code),
		"{method}", method, "{conditions}", with).Replace(action.text), why.text)
}

// represent says what the client gets of the record that answers.
func (x *inquiry) represent() {
	rec := x.decision.Record
	rep := decide.Represent(&x.q, rec, rec.Fields())
	x.Status = rep.Status
	evicted := x.Store.Usage().Chunks.Evictions > 0
	x.when(evicted, "Next", "", "What may have been evicted of it is asked of the origin.")
	x.when(rep.Status != rec.Status || rep.Parts != nil, "Next", representations[rep.Status],
		"The client gets a %d, by its conditions or its Range.", rep.Status)
	x.when(rep.Ignored, "Next", "9110 §14.2", "Its Range is ignored: malformed, or the whole.")
}

// unread says what a request leads to that nothing stored answers.
func (x *inquiry) unread() {
	unsafe := decide.Unsafe(x.q.Method)
	x.when(x.q.Method == http.MethodPost, "Next", "9110 §9.3.3", "Its response is stored for GETs "+
		"if it is a 200 that says how long it stays fresh, and its Content-Location is this URL.")
	x.when(unsafe, "Next", "9111 §4.4", "If it succeeds, all that was stored before under its key "+
		"has to be confirmed by the origin before its next use, on all nodes, with what its "+
		"Location and Content-Location name.")
	x.when(unsafe, "Next", "9875 §3", "So have the groups in its Cache-Group-Invalidation.")
}

// offer says by what the origin is told of what is stored for other requests.
func (x *inquiry) offer() {
	variants := slices.DeleteFunc(x.Store.List(x.found.Key), func(rec *store.Record) bool {
		return rec.Pass || rec.HeadOnly
	})
	h := http.Header{}
	x.Origin.Offer(h, &store.Request{Variants: variants}, x.q.Resource)
	x.when(len(h) > 0, "Next", "9111 §4.1", "The origin is told what is stored for others: %s.",
		strings.Join(fields(h, nil), ""))
}
