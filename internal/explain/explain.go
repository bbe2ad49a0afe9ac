// Package explain puts into words what a cache has stored for a request, why it has or hasn't, and
// what it will do when the request comes. It has no procedure of its own: it asks for the decision
// as package serve does, but doesn't carry it out.
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
	// Method is the request's; "" means GET.
	Method string

	// URL is what the client asks the Proxy for. Its scheme and host don't matter.
	URL *url.URL

	// Header holds the request's fields; names in any case.
	Header http.Header

	// Probe: if nothing is known of the resource, the origin is to be asked for it, once, as the
	// cache would. What it answers is explained and thrown away.
	Probe bool
}

// probeTime is how long the origin is waited for when it is asked for the sake of an explanation:
// somebody waits for that.
const probeTime = 8 * time.Second

// Config is what an Explainer works with. All fields must be set, but for Targets and GroupFields.
type Config struct {
	Rules  decide.Rules
	Site   *site.Site
	Store  *store.Store
	Origin *fetch.Origin
	Server *serve.Server
	Now    func() time.Time
	Self   func() string // the name of this node; "" if there is no other

	Targets, GroupFields []string // fields of a response that have to do with caching, too
}

// Explain says what the cache has stored for such a request, why it has or hasn't, and what it will
// do when the request comes. It changes nothing that is stored. It is for those who operate the
// cache: what it says isn't for clients. The error says what is wrong with the request.
func (c *Config) Explain(ctx context.Context, q Question) (*Explanation, error) {
	x, err := c.inquire(q)
	if err != nil {
		return nil, err
	}
	e := &Explanation{Method: x.q.Method, URL: shown(site.Shown(q.URL)),
		Fields: fields(x.q.Header, nil), Time: x.now, Node: c.Self(), Stored: []StoredResponse{}}
	x.explanation = e
	if !x.route(q.URL) {
		return e, nil
	}
	e.Owner = c.Store.Owner(x.q.Resource)
	x.decide(ctx)
	x.describe()
	if x.unknown() && q.Probe {
		x.probe(ctx)
	}
	return e, nil
}

// inquiry is a Question on its way to an Explanation.
type inquiry struct {
	c           *Config
	q           decide.Request
	now         time.Time
	explanation *Explanation

	found    decide.Found
	decision decide.Decision
	atOwner  *store.Record // what the owner has, if that is another node and it is asked
	away     bool          // another node owns the resource and could be asked
}

func (c *Config) inquire(q Question) (*inquiry, error) {
	r := &http.Request{Method: cmp.Or(q.Method, http.MethodGet), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}}
	switch {
	case q.URL == nil:
		return nil, errors.New("there is no URL to explain")
	case !httpcache.IsToken(r.Method):
		return nil, fmt.Errorf("%q can't be a method", shown(r.Method))
	}
	for name, values := range q.Header {
		for _, v := range values {
			if !httpcache.IsToken(name) || strings.ContainsAny(v, "\r\n\x00") {
				return nil, fmt.Errorf("%q can't be a request's field", shown(name+": "+v))
			}
			r.Header.Add(name, strings.Trim(v, " \t"))
		}
	}
	x := &inquiry{c: c, now: c.Now(), q: c.Server.Request(r, "")}
	x.q.Header = httpcache.EndToEnd(x.q.Header)
	return x, nil
}

// decide makes the decision about the request, as response.decide does, but without asking the
// origin.
func (x *inquiry) decide(ctx context.Context) {
	rules := &x.c.Rules
	x.c.Server.Lookup(&x.q, &x.found)
	d, ok := rules.AtOnce(&x.q)
	if !ok {
		d = rules.Decide(&x.q, &x.found)
	}
	if e := x.explanation; e.Owner != e.Node && decide.Reads(x.q.Method) {
		x.away = true
		if d.Action == decide.Look || d.Action == decide.Fetch || d.Action == decide.Revalidate {
			x.askOwner(ctx)
		}
	}
	if d.Action == decide.Look {
		x.found.Looked, x.found.AtOwner = true, x.ownersAnswer()
		d = rules.Decide(&x.q, &x.found)
	}
	if res := x.ownersAnswer(); res != nil && (d.Action == decide.Fetch ||
		d.Action == decide.Revalidate) {
		d = rules.Fetched(&x.q, d, res, 0)
	}
	x.decision = d
}

// ownersAnswer is what the owner has, as Fetch brings it; nil if there is nothing.
func (x *inquiry) ownersAnswer() *store.Result {
	if x.atOwner == nil {
		return nil
	}
	return &store.Result{Record: x.atOwner, Found: true, Peer: x.explanation.Owner}
}

// askOwner asks the owner for what it has stored for the request.
func (x *inquiry) askOwner(ctx context.Context) {
	rec, err := x.c.Store.Inspect(ctx, &store.Request{Key: x.found.Key, Target: x.q.Resource,
		Fields: store.Fields{Header: x.q.Header, Proto: "HTTP/1.1"}, Head: x.q.Head()})
	switch {
	case err != nil:
		x.away = false
		x.hint("The owner, %s, can't be asked now (%s), so this node stands in for it.",
			x.explanation.Owner, shown(err.Error()))
	case rec != nil && (!x.q.Authorized || decide.Shared(rec)):
		x.atOwner = rec
	}
}

// record is what the request selects here; nil if that isn't for it.
func (x *inquiry) record() *store.Record {
	if x.barred() {
		return nil
	}
	return x.found.Record
}

// barred reports whether what the request selects isn't for requests with Authorization.
func (x *inquiry) barred() bool {
	return x.found.Record != nil && x.q.Authorized && !decide.Shared(x.found.Record)
}

// unknown reports whether nothing at all is known of what the origin answers.
func (x *inquiry) unknown() bool {
	return decide.Reads(x.q.Method) && x.record() == nil && x.atOwner == nil
}

func (x *inquiry) hint(format string, args ...any) {
	x.explanation.Hints = append(x.explanation.Hints, Statement{Text: fmt.Sprintf(format, args...)})
}

// describe fills in the explanation with what is known without asking the origin.
func (x *inquiry) describe() {
	e, mine := x.explanation, x.record()
	if !decide.Reads(x.q.Method) || x.atOwner != nil {
		mine = nil
	}
	for _, rec := range x.c.Store.List(x.found.Key) {
		if rec.Pass && !x.now.Before(rec.PassUntil.Time()) {
			continue
		}
		selected := mine != nil && rec.Version == mine.Version && rec.Revision == mine.Revision
		e.Stored = append(e.Stored, x.stored(rec, selected))
	}
	if x.atOwner != nil {
		r := x.stored(x.atOwner, true)
		r.CopyUntil = nil
		e.AtOwner = &r
	}
	e.Next = x.next()
	e.Now = x.standing()
	if e.Owner != e.Node {
		x.hint("This node doesn't own the resource. Its owner, %s, knows all that is stored of "+
			"it: ask there, with --admin and the address of that node's admin listener.", e.Owner)
	}
}

// standing says how things are for the request.
func (x *inquiry) standing() []Statement {
	e := x.explanation
	if !decide.Reads(x.q.Method) {
		return x.unread()
	}
	if x.atOwner != nil {
		why := e.AtOwner.Statements
		if e.AtOwner.Bypass {
			return append([]Statement{join("Its owner, "+e.Owner+", knows it. ", why[0])},
				remedy(why)...)
		}
		return []Statement{join("Its owner, "+e.Owner+", has it stored. ", why[0]), why[1]}
	}
	for _, r := range e.Stored {
		switch {
		case !r.Selected:
		case r.Bypass:
			return append(r.Statements[:1:1], remedy(r.Statements)...)
		default:
			// The verdict, and where the freshness comes from.
			return append([]Statement{join("A response is stored. ", r.Statements[0]),
				r.Statements[1]}, x.doubts()...)
		}
	}
	text := "Nothing is stored for this request."
	stored := slices.ContainsFunc(e.Stored, func(r StoredResponse) bool {
		return !r.Bypass && (x.q.Head() || !r.HeadOnly)
	})
	heads := slices.ContainsFunc(e.Stored, func(r StoredResponse) bool {
		return !r.Bypass && r.HeadOnly
	})
	switch {
	case x.barred():
		return []Statement{{"The stored response isn't for requests with Authorization: it " +
			"doesn't say public, must-revalidate or s-maxage.", "RFC 9111 §3.5"}}
	case stored:
		return []Statement{{text +
			" What is stored of this URL is for requests with other values in the fields that " +
			"Vary names there.", "RFC 9111 §4.1"}}
	case heads:
		return []Statement{{text +
			" What is stored of this URL came in answer to a HEAD, and answers HEADs only.", "RFC 9110 §9.3.2"}}
	}
	return []Statement{{Text: text}}
}

// doubts says why what is stored may not be used even if it is fresh.
func (x *inquiry) doubts() []Statement {
	switch {
	case !x.found.MustRevalidate:
		return nil
	case x.found.Record.Lease.IsZero():
		return []Statement{{Text: "This node has been out of contact with the others, who may " +
			"know better, so this response is validated once before it is used again."}}
	}
	return []Statement{{Text: "It is a copy of what another node owns, and has to be asked for " +
		"there again: its time here is over."}}
}

// unread says how things are for methods that nothing stored answers.
func (x *inquiry) unread() []Statement {
	if decide.RefusedMethod(x.q.Method) {
		return []Statement{{Text: x.q.Method + " is never sent to the origin."}}
	}
	now := []Statement{{"A " + x.q.Method +
		" always goes to the origin: only GET and HEAD are answered from memory.", "RFC 9111 §4"}}
	if x.q.Method == http.MethodPost {
		now = append(now,
			Statement{"Its answer is stored, for later GETs, only if it is a 200 that says how " +
				"long it stays fresh, and its Content-Location is this very URL.", "RFC 9110 §9.3.3"})
	}
	if decide.Unsafe(x.q.Method) {
		now = append(now,
			Statement{"If it succeeds (status 2xx or 3xx), all that was stored before under its " +
				"key is dropped, on all nodes, and so is what Location and Content-Location in " +
				"the answer name, if that is the same origin's.", "RFC 9111 §4.4"},
			Statement{"All responses of the groups that the answer names in " +
				"Cache-Group-Invalidation are dropped, too.", "RFC 9875 §3"})
	}
	return now
}

// probe asks the origin and explains what its answer would lead to.
func (x *inquiry) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	e := x.explanation
	head, length, err := x.c.Origin.Probe(ctx, x.q.Method, x.q.Resource, x.q.Header)
	if err != nil {
		f := fetch.FailureOf(err)
		text := fmt.Sprintf("The origin was asked just now, which failed: %s. A client would get "+
			"a %d.", shown(f.Err.Error()), f.Status)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			text = fmt.Sprintf("The origin was asked just now, and hasn't begun to answer within "+
				"%s. A client is kept waiting longer, until the origin's own time limit.", probeTime)
		}
		e.Now = append(e.Now, Statement{Text: text})
		return
	}
	x.now = x.c.Now()
	r := x.described(head, length)
	e.Origin = &r
	var storable bool
	if r.Statements, storable = x.storing(x.q.Header, head, r.Length); !storable {
		why := Statement{strings.TrimPrefix(r.Statements[0].Text, "It isn't stored: "),
			r.Statements[0].Section}
		e.Now = append(e.Now,
			join("The origin was asked just now, and its answer wouldn't be stored: ", why))
		e.Now = append(e.Now, remedy(r.Statements)...)
		return
	}
	reuse := statements(x.c.Site.Policy.ExplainReuse(nil, head, x.now))
	e.Now = append(e.Now, join("The origin was asked just now, and its answer would be stored. ",
		reuse[0]), reuse[1])
	for _, s := range reuse {
		if !slices.Contains(r.Statements, s) {
			r.Statements = append(r.Statements, s)
		}
	}
}

// storing explains whether the response to a GET with that header is stored.
func (x *inquiry) storing(request http.Header, head *httpcache.Response,
	length int64) (why []Statement, ok bool) {
	judged, ok := x.c.Origin.Judge(request, head, length)
	if ok && x.c.Store.Streams(&store.Record{Length: length, Rangeable: fetch.Rangeable(head)}) {
		return []Statement{
			{Text: fmt.Sprintf("It isn't stored: its %d bytes are more than a quarter of the "+
				"memory, and can't be asked for in parts.", length)},
			{Text: "To have it stored: have the origin send a strong ETag and Accept-Ranges: " +
				"bytes, or give this cache more memory."},
		}, false
	}
	return statements(x.c.Site.Policy.ExplainStoring(http.MethodGet, request, judged)), ok
}

// remedy returns what would have a response stored that isn't, if ExplainStoring knows something.
func remedy(storing []Statement) []Statement {
	if len(storing) > 1 && strings.HasPrefix(storing[1].Text, "To have it stored: ") {
		return storing[1:2]
	}
	return nil
}

// join puts text before a statement's.
func join(text string, s Statement) Statement { return Statement{text + s.Text, s.Section} }

func statements(lines []httpcache.Line) []Statement {
	out := make([]Statement, len(lines))
	for i, l := range lines {
		out[i] = Statement(l)
	}
	return out
}
