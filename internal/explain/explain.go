// Package explain puts into words what a cache has stored for a request, why it has or hasn't, and
// what it will do when the request comes. It has no procedure of its own: it asks for the decision
// as package serve does, doesn't carry it out, and looks up the words for its reasons.
//
//	Question ─► route ─► Lookup, the owner ─► decide ─► Explanation
package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// Question is a client's request that Explain is to be about.
type Question struct {
	Method string      // "" means GET
	URL    *url.URL    // what the client asks for; its scheme and host don't matter
	Header http.Header // names in any case

	// Probe: if nothing is known of the resource, the origin is asked for it, once, as the cache
	// would. What it answers is explained and thrown away.
	Probe bool
}

// probeTime is how long the origin is waited for when it is asked for an explanation.
const probeTime = 8 * time.Second

// Explainer explains what a Server does. Both fields must be set.
type Explainer struct {
	*serve.Server
	Self func() string // the name of this node; "" if there is no other
}

// Explain says what the cache has stored for such a request, why it has or hasn't, and what it will
// do when the request comes. It changes nothing that is stored. It is for those who operate the
// cache: what it says isn't for clients. The error says what is wrong with the request.
func (c *Explainer) Explain(ctx context.Context, asked Question) (*Explanation, error) {
	x, err := c.inquire(asked)
	if err != nil {
		return nil, err
	}
	if x.route(asked.URL) {
		x.Owner = c.Store.Owner(x.q.Resource)
		x.decide(ctx)
		x.list()
		x.next()
		x.standing()
		if asked.Probe && decide.Reads(x.q.Method) && x.mine == nil && x.found.AtOwner == nil {
			x.probe(ctx)
		}
		x.Hints.when(x.Owner != x.Node, "", "Its owner, %s, knows all that is stored of it: ask "+
			"there, with --admin and its admin address.", x.Owner)
	}
	return x.Explanation, nil
}

// inquiry is a Question on its way to an Explanation.
type inquiry struct {
	*Explanation
	c        *Explainer
	q        decide.Request
	found    decide.Found
	decision decide.Decision
	mine     *store.Record // what the request selects here, unless the owner knows better
	away     bool          // the owner is another node, and has been asked
}

func (c *Explainer) inquire(asked Question) (*inquiry, error) {
	r := &http.Request{Method: cmp.Or(asked.Method, http.MethodGet), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}}
	switch {
	case asked.URL == nil:
		return nil, errors.New("there is no URL to explain")
	case !httpcache.IsToken(r.Method):
		return nil, fmt.Errorf("%q can't be a method", shown(r.Method))
	}
	for name, values := range asked.Header {
		for _, v := range values {
			if !httpcache.IsToken(name) || strings.ContainsAny(v, "\r\n\x00") {
				return nil, fmt.Errorf("%q can't be a request's field", shown(name+": "+v))
			}
			r.Header.Add(name, strings.Trim(v, " \t"))
		}
	}
	q := c.Request(r, "")
	q.Header = httpcache.EndToEnd(q.Header)
	return &inquiry{c: c, q: q, Explanation: &Explanation{
		Method: q.Method, URL: shown(site.Shown(asked.URL)), Fields: allFields(q.Header),
		Time: c.Now(), Node: c.Self(), Stored: []StoredResponse{},
	}}, nil
}

// route finds the key of u, as the Proxy does. If there is none, it says so, and reports false.
func (x *inquiry) route(u *url.URL) bool {
	mount, status := x.c.Site.Mount, http.StatusOK
	key, err := "", error(nil)
	switch way := x.c.Site.Way(u); {
	case way == site.ToResource:
		key, err = x.c.Site.KeyFromURL(u)
	case way == site.ToNothing:
		status = http.StatusNotFound
		x.Now.say("", "Only what is under %s, or asked for by /zk?key=, is served.", mount)
		x.Hints.say("", "If a file of the origin is meant, ask about %s.",
			mount+shown(strings.TrimPrefix(site.Spelling(u), "/")))
	case !decide.Reads(x.q.Method):
		status = http.StatusMethodNotAllowed
		x.Now.say("", "This can only be read, with GET or HEAD.")
	case way == site.ToForm:
		key, err = site.KeyFromForm(u.RawQuery)
	default:
		status = http.StatusTemporaryRedirect
		x.Now.say("", "This only leads to %s. Ask about that.", mount)
	}
	switch {
	case errors.Is(err, site.ErrLong):
		status = http.StatusRequestURITooLong
		x.Now.say("RFC 9110 §15.5.15", "The URL is longer than %d bytes.", site.MaxKey)
	case err != nil:
		status = http.StatusBadRequest
		x.Now.say("RFC 9110 §15.5.1", "It can't be answered: %s.", err)
	case status == http.StatusOK:
		x.keyed(key)
		return true
	}
	x.Next = Next{Action: actions[decide.Refuse], Status: status}
	x.Next.Statements.say("", "The next such request is answered with %d %s, and the origin "+
		"isn't asked.", status, http.StatusText(status))
	return false
}

// keyed takes note of the key, and says what else is stored under it.
func (x *inquiry) keyed(key string) {
	x.q.Resource = key
	likely, canonical := x.c.Site.LikelyKey(key), site.Canonical(key)
	x.Key = cmp.Or(shown(likely), "(the folder "+x.c.Site.Mount+" itself)")
	x.About.when(likely != key, "", "By the No-Vary-Search of an earlier response, what is "+
		"stored under it is also for %s.", shown(key))
	x.About.when(canonical != key, "RFC 3986 §6.2.2", "Other spellings of the path, such as %s, "+
		"are stored each for itself, but have the same owner and are invalidated together.",
		shown(canonical))
	x.About.when(likely == key && strings.Contains(key, "?"), "RFC 9111 §2",
		"Each other query, or order of its parts, is stored for itself.")
}

// decide makes the decision about the request, as serve does, but asks the owner only, and only for
// what it has stored.
func (x *inquiry) decide(ctx context.Context) {
	x.c.Lookup(&x.q, &x.found)
	d, atOnce := x.c.Rules.AtOnce(&x.q)
	if !atOnce {
		d = x.c.Rules.Decide(&x.q, &x.found)
		x.mine = x.permitted(x.found.Record)
	}
	switch d.Action {
	case decide.Look:
		x.askOwner(ctx)
		x.found.Looked = true
		d = x.c.Rules.Decide(&x.q, &x.found)
	case decide.Fetch, decide.Revalidate:
		if x.askOwner(ctx); x.found.AtOwner != nil {
			d = x.c.Rules.Fetched(&x.q, d, x.found.AtOwner, 0)
		}
	}
	x.decision = d
}

// permitted is rec, but nil if it isn't for requests like this one, which has Authorization.
func (x *inquiry) permitted(rec *store.Record) *store.Record {
	if rec != nil && x.q.Authorized && !decide.Shared(rec) {
		return nil
	}
	return rec
}

// askOwner asks the owner for what it has stored for the request, if that is another node.
func (x *inquiry) askOwner(ctx context.Context) {
	if x.Owner == x.Node {
		return
	}
	rec, err := x.c.Store.Inspect(ctx, &store.Request{Key: x.found.Key, Target: x.q.Resource,
		Fields: store.Fields{Header: x.q.Header, Proto: "HTTP/1.1"}, Head: x.q.Head()})
	if err != nil {
		x.Hints.say("", "The owner, %s, can't be asked now (%s), so this node stands in for it.",
			x.Owner, shown(err.Error()))
		return
	}
	x.away = true
	if rec = x.permitted(rec); rec != nil {
		rec = rec.Clone()
		rec.Lease = 0 // it is the owner's own
		x.found.AtOwner = &store.Result{Record: rec, Found: true, Peer: x.Owner}
		x.mine = nil
	}
}

// list describes what is stored of the resource, here and at its owner.
func (x *inquiry) list() {
	for _, rec := range x.c.Store.List(x.found.Key) {
		if !rec.Pass || x.Time.Before(rec.PassUntil.Time()) {
			x.Stored = append(x.Stored, x.stored(rec, x.mine != nil &&
				rec.Version == x.mine.Version && rec.Revision == x.mine.Revision))
		}
	}
	if x.found.AtOwner != nil {
		r := x.stored(x.found.AtOwner.Record, true)
		x.AtOwner = &r
	}
}

// standing says how things are for the request.
func (x *inquiry) standing() {
	known, intro := x.AtOwner, "Its owner, "+x.Owner+", has it stored. "
	for i := range x.Stored {
		if x.Stored[i].Selected {
			known, intro = &x.Stored[i], "A response is stored. "
		}
	}
	headOnly := func(r StoredResponse) bool { return r.HeadOnly && !r.Bypass }
	switch {
	case decide.RefusedMethod(x.q.Method):
		x.Now.say("", "%s is never sent to the origin.", x.q.Method)
	case !decide.Reads(x.q.Method):
		x.unread()
	case known != nil:
		x.Now = append(x.Now, known.Statements[:known.main]...)
		if !known.Bypass {
			x.Now[0].Text = intro + x.Now[0].Text
		}
		invalid := x.mine != nil && x.mine.Invalid
		x.Now.when(invalid, "RFC 9111 §4.4", "It has to be confirmed first: another request may "+
			"have changed it at the origin. Until then it isn't served, not even as a stale one.")
		x.Now.when(x.mine != nil && x.found.MustRevalidate && !invalid, "", "It has to be "+
			"confirmed first: its time on this node is over, or this node was out of contact "+
			"with the others.")
	case x.found.Record != nil && x.mine == nil:
		x.Now.say("RFC 9111 §3.5", "What is stored isn't for requests with Authorization: it "+
			"doesn't say public, must-revalidate or s-maxage.")
	case x.found.Variants:
		x.Now.say("RFC 9111 §4.1", "Nothing is stored for this request. What is stored of this "+
			"URL is for requests with other values in the fields that Vary names there.")
	case slices.ContainsFunc(x.Stored, headOnly):
		x.Now.say("RFC 9110 §9.3.2", "Nothing is stored for this request. What is stored of this "+
			"URL came in answer to a HEAD, and answers HEADs only.")
	default:
		x.Now.say("", "Nothing is stored for this request.")
	}
}

// unread says what becomes of a method that nothing stored answers.
func (x *inquiry) unread() {
	unsafe := decide.Unsafe(x.q.Method)
	x.Now.say("RFC 9111 §4", "A %s always goes to the origin: only GET and HEAD are answered "+
		"from memory.", x.q.Method)
	x.Now.when(x.q.Method == http.MethodPost, "RFC 9110 §9.3.3", "Its answer is stored for later "+
		"GETs if it is a 200 that says how long it stays fresh, and its Content-Location is this "+
		"very URL.")
	x.Now.when(unsafe, "RFC 9111 §4.4", "If it succeeds, all that was stored before under its "+
		"key has to be confirmed by the origin before its next use, on all nodes, and what its "+
		"Location and Content-Location name.")
	x.Now.when(unsafe, "RFC 9875 §3", "So have the groups in its Cache-Group-Invalidation.")
}

// probe asks the origin and explains what its answer would lead to.
func (x *inquiry) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	head, length, err := x.c.Origin.Probe(ctx, x.q.Method, x.q.Resource, x.q.Header)
	switch {
	case err != nil && ctx.Err() != nil:
		x.Now.say("", "The origin was asked just now, and hasn't begun to answer within %s. A "+
			"client waits longer.", probeTime)
		return
	case err != nil:
		f := fetch.FailureOf(err)
		x.Now.say("", "The origin was asked just now, which failed: %s. A client would get a %d.",
			shown(f.Err.Error()), f.Status)
		return
	}
	x.Time = x.c.Now()
	a := x.account(head, length)
	reason, ok := a.notStored(x.q.Header)
	if ok {
		a.reuse(nil)
	} else {
		a.refuse(reason)
	}
	x.Now.say("", "The origin was asked just now.")
	x.Now.when(ok, "", "Its answer would be stored.")
	x.Now = append(x.Now, a.Statements[:a.main]...)
	x.Origin = &a.StoredResponse
}
