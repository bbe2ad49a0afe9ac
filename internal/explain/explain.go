// Package explain puts into words what a cache has stored for a request, why it has or hasn't, and
// what it will do when the request comes. It has no procedure of its own: it asks for the decision
// as package serve does, doesn't carry it out, and looks up the words for its reasons.
//
//	request ─► route ─► Lookup, the owner ─► decide ─► Explanation: lines of (name, text, section)
package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// probeTime is how long the origin is waited for when it is asked for an explanation.
const probeTime = 8 * time.Second

// inquiry is a request on its way to an Explanation.
type inquiry struct {
	Explanation
	*serve.Server
	self     string // the name of this node; "" if there is no other
	now      time.Time
	q        decide.Request
	found    decide.Found
	decision decide.Decision
	known    *store.Record // what the request selects here, or at its owner if that has it, too
	owner    string
	away     bool // the owner is another node, and has been asked
}

// Explain is what proxy.Proxy's Explain returns, for s on the node self.
func Explain(s *serve.Server, self string, r *http.Request, probe bool) *Explanation {
	x := &inquiry{Server: s, self: self, now: s.Now(), q: s.Request(r, "")}
	x.q.Header = httpcache.EndToEnd(x.q.Header)
	x.say("Request", "", "%s %s", r.Method, shown(site.Shown(r.URL)))
	for _, f := range fields(x.q.Header, nil) {
		x.say("Request", "", "%s", f)
	}
	directives := len(x.q.Header["Cache-Control"])+len(x.q.Header["Pragma"]) > 0
	x.when(directives && x.Site.Policy.IgnoreRequest, "Request", "", "Its directives are ignored: "+
		"ignore-request-directives is set.")
	if x.route(r.URL) {
		x.owner = s.Store.Owner(x.q.Resource)
		x.decide(r.Context())
		x.next()
		x.list()
		if probe && decide.Reads(x.q.Method) && x.known == nil {
			x.probe(r.Context())
		}
		x.key()
	}
	return &x.Explanation
}

// route finds the resource of u, as the Proxy does, or says why there is none.
func (x *inquiry) route(u *url.URL) (found bool) {
	refuse := func(status int, section, why string) bool {
		x.act(&decide.Decision{Action: decide.Refuse, Code: status},
			rule{section, ": " + why + "."})
		return false
	}
	s, err := x.Site, error(nil)
	switch way := s.Way(u); {
	case way == site.ToResource:
		x.q.Resource, err = s.KeyFromURL(u)
	case way == site.ToNothing:
		return refuse(http.StatusNotFound, "",
			fmt.Sprintf("only what is under %s, or asked for by "+
				"/zk?key=, is served. If a file of the origin is meant, ask about %s", s.Mount,
				s.Mount+shown(strings.TrimPrefix(site.Spelling(u), "/"))))
	case !decide.Reads(x.q.Method):
		return refuse(http.StatusMethodNotAllowed, "", "this can only be read")
	case way == site.ToForm:
		x.q.Resource, err = site.KeyFromForm(u.RawQuery)
	default:
		return refuse(http.StatusTemporaryRedirect, "", "this only leads to "+s.Mount)
	}
	switch {
	case errors.Is(err, site.ErrLong):
		return refuse(http.StatusRequestURITooLong, "9110 §15.5.15",
			fmt.Sprintf("%s: the limit is %d bytes", err, site.MaxKey))
	case err != nil:
		return refuse(http.StatusBadRequest, "9110 §15.5.1", err.Error())
	}
	return true
}

// decide decides as serve does, but asks nobody but the owner, and only for what it has stored.
func (x *inquiry) decide(ctx context.Context) {
	x.Lookup(&x.q, &x.found)
	d, atOnce := x.Rules.AtOnce(&x.q)
	if !atOnce {
		d = x.Rules.Decide(&x.q, &x.found)
		x.known = decide.Permitted(&x.q, x.found.Record)
	}
	if d.Asks() && x.owner != x.self {
		x.askOwner(ctx)
	}
	switch {
	case d.Action == decide.Look:
		x.found.Looked = true
		d = x.Rules.Decide(&x.q, &x.found)
	case x.found.AtOwner != nil:
		d = x.Rules.Fetched(&x.q, d, x.found.AtOwner, 0)
	}
	x.decision = d
}

// askOwner asks the owner, another node, for what it has stored for the request.
func (x *inquiry) askOwner(ctx context.Context) {
	rec, err := x.Store.Inspect(ctx, &store.Request{Key: x.found.Key, Target: x.q.Resource,
		Fields: store.Fields{Header: x.q.Header, Proto: "HTTP/1.1"}, Head: x.q.Head()})
	if err != nil {
		x.say("Owner", "", "%s can't be asked (%s): this node stands in for it.", x.owner,
			shown(err.Error()))
		return
	}
	x.away = true
	if rec = decide.Permitted(&x.q, rec); rec != nil {
		x.found.AtOwner = &store.Result{Record: rec, Found: true, Peer: x.owner}
		x.known = rec
	}
}

// next puts the decision about the request into words.
func (x *inquiry) next() {
	d := &x.decision
	x.act(d, decisions[d.Why])
	x.when(d.Peer != "" || x.away && d.Asks(), "Next", "", "It goes by its owner, %s.", x.owner)
	x.when(d.Action == decide.Revalidate, "Next", "9111 §4.3", "A 304 makes it fresh again; any "+
		"other answer replaces it.")
	x.when(d.Action == decide.Fetch && x.q.Head(), "Next", "9110 §9.3.2", "The response is stored "+
		"for later HEADs only.")
	x.when(d.Why == decide.WhyUnread && decide.Unsafe(x.q.Method), "Next", "9111 §4.4", "If it "+
		"succeeds, what is stored under its key, or named by its Location, Content-Location or "+
		"Cache-Group-Invalidation, is validated before its next use, on all nodes.")
	if d.Action == decide.Serve {
		x.represent()
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
	x.when(x.Store.Usage().Chunks.Evictions > 0, "Next", "", "What may have been evicted of it is "+
		"asked of the origin.")
	x.when(rep.Status != rec.Status || rep.Parts != nil, "Next", representations[rep.Status],
		"The client gets a %d, by its conditions or its Range.", rep.Status)
	x.when(rep.Ignored, "Next", "9110 §14.2", "Its Range is ignored: malformed, or the whole.")
}

// probe asks the origin and explains what its answer would lead to.
func (x *inquiry) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	head, length, err := x.Origin.Probe(ctx, x.q.Method, x.q.Resource, x.q.Header)
	if err != nil {
		f := fetch.FailureOf(err)
		x.say("Origin", "", "asked just now, for %s at most, it failed: %s; a client would get "+
			"a %d", probeTime, shown(f.Err.Error()), f.Status)
		return
	}
	rec := store.NewRecord()
	rec.Status, rec.Length, rec.Rangeable = head.Status, length, fetch.Rangeable(head)
	x.Origin.Describe(rec, x.q.Header, head)
	x.now = x.Now()
	x.describe("Origin", rec)
}

// key says what else is stored under the key, and which node owns it.
func (x *inquiry) key() {
	key := x.q.Resource
	likely := x.Site.LikelyKey(key)
	canonical := site.Canonical(likely)
	x.say("Key", "", "%s", cmp.Or(shown(likely), "(the folder "+x.Site.Mount+" itself)"))
	x.when(likely != key, "Key", "", "By the No-Vary-Search of an earlier response, what is "+
		"stored under it is also for %s.", shown(key))
	x.when(canonical != likely || strings.Contains(likely, "?"), "Key", "3986 §6.2.2",
		"Other queries and spellings are stored apart; all spellings of %s are invalidated "+
			"together.", shown(canonical))
	x.when(x.owner != "" && x.owner == x.self, "Owner", "", "%s, which is this node.", x.owner)
	x.when(x.owner != x.self, "Owner", "", "%s knows all that is stored of it: ask there, with "+
		"--admin and its admin address. This node is %s.", x.owner, x.self)
}
