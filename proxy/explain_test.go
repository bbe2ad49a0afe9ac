package proxy_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// explain asks for an explanation of a request with header fields given as "Name: value".
func (n *node) explain(probe bool, method, path string, fields ...string) *proxy.Explanation {
	n.t.Helper()
	u, err := url.Parse(n.URL + path)
	if err != nil {
		n.t.Fatal(err)
	}
	h := http.Header{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		h.Add(name, value)
	}
	e, err := n.Explain(n.t.Context(), proxy.Question{Method: method, URL: u, Header: h, Probe: probe})
	if err != nil {
		n.t.Fatal(err)
	}
	return e
}

// tells checks that each of want is in the text of e.
func tells(t *testing.T, e *proxy.Explanation, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(e.String(), w) {
			t.Errorf("nothing says %q:\n%s", w, e)
		}
	}
}

// scene is a situation, a request, and what is to be explained of it, which then has to come true.
type scene struct {
	name   string
	file   origintest.File
	before func(n *node, path string) // what has happened
	later  time.Duration              // how long ago
	path   string                     // instead of one of the scene's own
	method string                     // GET if empty
	fields []string
	action string
	status int
	tells  []string
}

func asked(fields ...string) func(*node, string) {
	return func(n *node, path string) { n.get(path, fields...) }
}

func headed(fields ...string) func(*node, string) {
	return func(n *node, path string) { n.read(n.do("HEAD", path, fields...)) }
}

func scenes() []scene {
	modified := origintest.File{Size: 100, ETag: `"1"`, Modified: origintest.Old, Header: maxAge("60")}
	fresh := origintest.File{Size: 100, ETag: `"1"`, Header: maxAge("60")}
	plain := origintest.File{Size: 100, Header: maxAge("60")}
	says := func(cacheControl string, more ...string) origintest.File {
		h := http.Header{"Cache-Control": {cacheControl}}
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return origintest.File{Size: 100, ETag: `"1"`, Header: h}
	}
	bare := origintest.File{Size: 100}
	const minute = 61 * time.Second
	return []scene{
		{"nothing is known", fresh, nil, 0, "", "", nil, "fetch", 0, []string{"Nothing is stored for this request."}},
		{"fresh", fresh, asked(), 0, "", "", nil, "hit", 200, []string{"A response is stored. It is fresh until", "max-age=60 in Cache-Control", "this request selects", "100 bytes", `| ETag: "1"`}},
		{"fresh, not modified", fresh, asked(), 0, "", "", []string{`If-None-Match: "1"`}, "hit", 304, []string{"gets a 304", "RFC 9110 §13.2.2"}},
		{"fresh, precondition failed", fresh, asked(), 0, "", "", []string{`If-Match: "2"`}, "hit", 412, []string{"gets a 412"}},
		{"fresh, range", fresh, asked(), 0, "", "", []string{"Range: bytes=1-2"}, "hit", 206, []string{"gets a 206"}},
		{"fresh, range beyond", fresh, asked(), 0, "", "", []string{"Range: bytes=100-"}, "hit", 416, []string{"gets a 416", "100 bytes that there are"}},
		{"fresh, malformed range", fresh, asked(), 0, "", "", []string{"Range: bytes=x"}, "hit", 200, []string{"Range is ignored"}},
		{"stale", fresh, asked(), minute, "", "", nil, "validate", 0, []string{"It is stale: it was fresh until", `with If-None-Match: "1".`, "RFC 9111 §4.3"}},
		{"stale, both validators", modified, asked(), minute, "", "", nil, "validate", 0, []string{`with If-None-Match: "1" and If-Modified-Since: Sun, 02 Feb 2020 02:02:02 GMT.`}},
		{"stale, no validator", plain, asked(), minute, "", "", nil, "fetch", 0, []string{"fetched again in full"}},
		{"stale while revalidate", says("max-age=60, stale-while-revalidate=30"), asked(), minute, "", "", nil, "stale", 200, []string{"in the background", "RFC 5861 §3"}},
		{"max-stale", fresh, asked(), minute, "", "", []string{"Cache-Control: max-stale"}, "stale", 200, []string{"since it says max-stale", "RFC 9111 §5.2.1.2"}},
		{"no-cache", says("no-cache"), asked(), 0, "", "", nil, "validate", 0, []string{"no-cache in Cache-Control has it validated"}},
		{"must-revalidate", says("max-age=60, must-revalidate"), asked(), minute, "", "", nil, "validate", 0, []string{"clients get a 504", "RFC 9111 §5.2.2.2"}},
		{"request no-cache", fresh, asked(), 0, "", "", []string{"Cache-Control: no-cache"}, "validate", 0, []string{"this request doesn't accept it: no-cache", "RFC 9111 §5.2.1.4"}},
		{"request Pragma", fresh, asked(), 0, "", "", []string{"Pragma: no-cache"}, "validate", 0, []string{"RFC 9111 §5.4"}},
		{"request no-store, fresh", fresh, asked(), 0, "", "", []string{"Cache-Control: no-store"}, "hit", 200, []string{"for this client alone"}},
		{"request no-store, nothing", fresh, nil, 0, "", "", []string{"Cache-Control: no-store"}, "pass", 0, []string{"RFC 9111 §5.2.1.5"}},
		{"only-if-cached, nothing", fresh, nil, 0, "", "", []string{"Cache-Control: only-if-cached"}, "refuse", 504, []string{"gets a 504", "RFC 9111 §5.2.1.7"}},
		{"only-if-cached, fresh", fresh, asked(), 0, "", "", []string{"Cache-Control: only-if-cached"}, "hit", 200, nil},
		{"only-if-cached, stale", fresh, asked(), minute, "", "", []string{"Cache-Control: only-if-cached"}, "refuse", 504, nil},
		{"only-if-cached, not storable", says("no-store"), asked(), 0, "", "", []string{"Cache-Control: only-if-cached"}, "refuse", 504, nil},
		{"no-store", says("no-store"), asked(), 0, "", "", nil, "pass", 0, []string{"It isn't stored: no-store in Cache-Control forbids it.", "RFC 9111 §5.2.2.5", "To have it stored: ", "straight to the origin"}},
		{"private, some time ago", says("private, max-age=60"), asked(), 6 * time.Second, "", "", nil, "fetch", 0, []string{"Nothing is stored"}},
		{"HEAD, nothing", fresh, nil, 0, "", "HEAD", nil, "fetch", 0, []string{"to the origin as a HEAD"}},
		{"HEAD, fresh", fresh, asked(), 0, "", "HEAD", nil, "hit", 200, nil},
		{"HEAD, stale", fresh, asked(), minute, "", "HEAD", nil, "validate", 0, nil},
		{"HEAD, stale, no validator", plain, asked(), minute, "", "HEAD", nil, "fetch", 0, nil},
		{"HEAD after HEAD", fresh, headed(), 0, "", "HEAD", nil, "hit", 200, []string{"100 bytes, for HEAD only"}},
		{"HEAD after HEAD, not modified", fresh, headed(), 0, "", "HEAD", []string{`If-None-Match: "1"`}, "hit", 304, nil},
		{"HEAD after HEAD, stale", fresh, headed(), minute, "", "HEAD", nil, "validate", 0, []string{"by a HEAD whether the stored response is still good"}},
		{"HEAD after HEAD, stale, no validator", plain, headed(), minute, "", "HEAD", nil, "fetch", 0, []string{"to the origin as a HEAD"}},
		{"HEAD after HEAD, not storable", says("no-store"), headed(), 0, "", "HEAD", nil, "pass", 0, nil},
		{"GET after HEAD", fresh, headed(), 0, "", "", nil, "fetch", 0, []string{"Nothing is stored for this request.", "answers HEADs only"}},
		{"GET after HEAD, not storable", says("no-store"), headed(), 0, "", "", nil, "fetch", 0, []string{"Nothing is stored for this request."}},
		{"Authorization", fresh, asked(), 0, "", "", []string{"Authorization: Basic hush"}, "fetch", 0, []string{"isn't for requests with Authorization", "RFC 9111 §3.5", "Authorization: (not shown)"}},
		{"Authorization, nothing", fresh, nil, 0, "", "", []string{"Authorization: Basic hush"}, "fetch", 0, nil},
		{"Authorization, public", says("public, max-age=60"), asked(), 0, "", "", []string{"Authorization: Basic hush"}, "hit", 200, nil},
		{"the other variant", says("max-age=60", "Vary", "X-Squirrel"), asked("X-Squirrel: red"), 0, "", "", []string{"X-Squirrel: grey"}, "fetch", 0, []string{"for requests with X-Squirrel: red", "other values in the fields that Vary names there", "RFC 9111 §4.1"}},
		{"this variant", says("max-age=60", "Vary", "X-Squirrel, Cookie"), asked("Cookie: hush"), 0, "", "", []string{"Cookie: hush"}, "hit", 200, []string{"for requests with Cookie: (not shown) and no X-Squirrel  <- what this request selects"}},
		{"groups", says("max-age=60", "Cache-Groups", `"trees", "nuts"`), asked(), 0, "", "", nil, "hit", 200, []string{"belongs to the groups nuts, trees", "RFC 9875 §2"}},
		{"targeted", says("no-store", "CDN-Cache-Control", "max-age=60"), asked(), 0, "", "", nil, "hit", 200, []string{"max-age=60 in CDN-Cache-Control", "RFC 9213 §2.2", "| CDN-Cache-Control: max-age=60"}},
		{"POST", fresh, asked(), 0, "", "POST", nil, "pass", 0, []string{"A POST always goes to the origin", "Content-Location is this very URL", "RFC 9110 §9.3.3", "RFC 9111 §4.4", "RFC 9875 §3"}},
		{"OPTIONS", fresh, asked(), 0, "", "OPTIONS", nil, "pass", 0, nil},
		{"unknown method", fresh, asked(), 0, "", "FROB", nil, "pass", 0, []string{"all that was stored before under its key is dropped"}},
		{"PURGE", fresh, asked(), 0, "", "PURGE", nil, "refuse", 0, []string{"never sent to the origin"}},
		{"CONNECT", fresh, asked(), 0, "", "CONNECT", nil, "refuse", 0, []string{"never sent to the origin"}},
		{"upgrade", bare, nil, 0, "", "", []string{"Connection: Upgrade", "Upgrade: websocket"}, "pass", 0, []string{"another protocol"}},
		{"another upgrade", bare, nil, 0, "", "", []string{"Connection: Upgrade", "Upgrade: h2c"}, "fetch", 0, nil},
		{"upgrade without the option", bare, nil, 0, "", "", []string{"Upgrade: websocket"}, "fetch", 0, nil},
		{"by its decoded path", bare, nil, 0, "/zk?key=nut%20s", "", nil, "fetch", 0, []string{"Key    nut%20s"}},
		{"zk without a key", bare, nil, 0, "/zk", "", nil, "refuse", 400, []string{"needs a query such as ?key=1.txt"}},
		{"POST to zk", bare, nil, 0, "/zk?key=1", "POST", nil, "refuse", 405, nil},
		{"elsewhere", bare, nil, 0, "/explain?url=/files/a", "", nil, "refuse", 404, []string{"Only what is under /files/", "ask about /files/explain"}},
		{"the root", bare, nil, 0, "/", "", nil, "refuse", 307, []string{"leads to /files/"}},
		{"dot segments", bare, nil, 0, "/files/%2e%2e/a", "", nil, "refuse", 400, []string{"dot segments"}},
		{"a long URL", bare, nil, 0, "/files/" + strings.Repeat("a", 9000), "", nil, "refuse", 414, []string{"longer than 8192 bytes"}},
		{"another spelling, and a query", bare, nil, 0, "/files/a%2Eb?c=d", "", nil, "fetch", 0, []string{"Key    a%2Eb?c=d", "such as a.b?c=d", "RFC 3986 §6.2.2", "order of its parts"}},
	}
}

// TestExplainComesTrue: what is foreseen of a request is what happens when it comes; and to explain
// changes nothing.
func TestExplainComesTrue(t *testing.T) {
	clock := newClock()
	n, o := fronting(t, proxy.Config{Now: clock.Now, WebSocket: true})
	for i, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			tells(t, s.play(t, i, o, clock, func(string) (before, now *node) { return n, n }), s.tells...)
		})
	}
}

// TestExplainFromAfar: it comes true as well on a node that knows nothing yet of what another one
// owns.
func TestExplainFromAfar(t *testing.T) {
	oneNode(t)
	clock := newClock()
	c := newCluster(t, 3, proxy.Config{Now: clock.Now, WebSocket: true})
	for i, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			s.play(t, i, c.o, clock, func(path string) (before, now *node) {
				key := strings.TrimPrefix(path, "/files/")
				return c.nodes[c.owner(key)], c.other(key)
			})
		})
	}
}

// play lets the i-th scene happen: what has happened before on one node, the request on another or
// the same.
func (s scene) play(t *testing.T, i int, o *origintest.Origin, clock *clock, on func(path string) (before, now *node)) *proxy.Explanation {
	path := "/files/" + string(rune('a'+i/26)) + string(rune('a'+i%26))
	o.Handle(strings.TrimPrefix(path, "/files"), s.file.ServeHTTP)
	before, n := on(path)
	before.t, n.t = t, t
	if s.path != "" {
		path = s.path
	}
	if s.before != nil {
		s.before(before, path)
	}
	clock.Advance(s.later)
	method := cmp.Or(s.method, "GET")
	o.Forget()
	e := n.explain(false, method, path, s.fields...)
	if again := n.explain(false, method, path, s.fields...); e.String() != again.String() {
		t.Errorf("asked again it says\n%s\nand not\n%s", again, e)
	}
	if asked := about(o, path); len(asked) != 0 {
		t.Errorf("the origin was asked: %v", asked)
	}
	if e.Next.Action != s.action || e.Next.Status != s.status && s.status != 0 {
		t.Errorf("%s %d, want %s %d:\n%s", e.Next.Action, e.Next.Status, s.action, s.status, e)
	}
	if strings.Contains(e.String(), "hush") {
		t.Errorf("a secret is shown:\n%s", e)
	}
	resp, _ := n.read(n.do(method, path, s.fields...))
	happened(t, e, resp, about(o, path))
	return e
}

// about returns what the origin was asked for path: what another scene has left to the background
// doesn't count.
func about(o *origintest.Origin, path string) (asked []origintest.Request) {
	for _, r := range o.Requests() {
		if "/files"+r.URI == path || !strings.HasPrefix(path, "/files/") {
			asked = append(asked, r)
		}
	}
	return asked
}

// happened holds what was foreseen against a response and what the origin was asked for it.
func happened(t *testing.T, e *proxy.Explanation, resp *http.Response, asked []origintest.Request) {
	t.Helper()
	status := strings.Join(resp.Header["Cache-Status"], ", ")
	hit, quiet := strings.Contains(status, "scurry; hit") || resp.StatusCode == 412 || resp.StatusCode == 416, len(asked) == 0
	var passed, conditional bool
	for _, r := range asked {
		passed = passed || (r.Header.Get("X-Forwarded-For") != "" && r.Header.Get("Authorization") == "")
		conditional = conditional || r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since") != ""
	}
	right := map[string]bool{
		"hit":      hit && quiet,
		"stale":    hit && strings.Contains(status, "ttl=-"),
		"validate": len(asked) == 1 && conditional && !passed,
		"fetch":    len(asked) == 1 && !conditional && !passed,
		"pass":     len(asked) == 1 && passed,
		"refuse":   quiet && !hit,
	}[e.Next.Action]
	if !right || e.Next.Status != 0 && e.Next.Status != resp.StatusCode {
		t.Errorf("it happened otherwise: %d, Cache-Status %s, the origin was asked %+v, and not\n%s", resp.StatusCode, status, asked, e)
	}
}

// TestExplainFailure: the origin has just failed.
func TestExplainFailure(t *testing.T) {
	clock := newClock()
	n, o := fronting(t, proxy.Config{Now: clock.Now})
	o.Handle("/a", origintest.File{Size: 9, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	n.get("/files/a")
	clock.Advance(61 * time.Second)
	o.Handle("/a", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
	n.get("/files/a")
	o.Forget()
	e := n.explain(true, "GET", "/files/a")
	tells(t, e, "the origin has just failed, and isn't asked again before", "it is still sent until", "the setting max-stale")
	resp, _ := n.get("/files/a")
	happened(t, e, resp, o.Requests())
}

// TestExplainLoop: a request that has been here before.
func TestExplainLoop(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	n.get("/files/a")
	loop := "CDN-Loop: " + o.Requests()[0].Header.Get("Cdn-Loop")
	o.Forget()
	e := n.explain(true, "GET", "/files/b", loop)
	tells(t, e, "answered with 508", "RFC 8586 §2")
	resp, _ := n.get("/files/b", loop)
	if resp.StatusCode != 508 || e.Next.Status != 508 {
		t.Errorf("%d, %+v", resp.StatusCode, e.Next)
	}
}

// TestExplainProbe: if nothing is known, the origin is asked once, as the cache asks, and nothing
// is stored of it.
func TestExplainProbe(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	for path, tt := range map[string]struct {
		header http.Header
		size   int64
		tells  []string
	}{
		"/large":   {maxAge("60"), 1 << 20, []string{"its answer wouldn't be stored: its 1048576 bytes are more than a quarter of the memory", "To have it stored: have the origin send a strong ETag"}},
		"/fresh":   {maxAge("60"), 1 << 17, []string{"its answer would be stored. It is fresh until", "From the origin, asked just now: status 200, 131072 bytes", "max-age=60 in Cache-Control"}},
		"/private": {http.Header{"Cache-Control": {"private"}}, 1 << 20, []string{"its answer wouldn't be stored: private in Cache-Control makes it one user's own", "To have it stored: have the origin leave out private"}},
		"/cookie":  {http.Header{"Set-Cookie": {"hush"}}, 1 << 17, []string{"Set-Cookie and doesn't say itself", "Set-Cookie: (not shown)", "RFC 9111 §7.3"}},
		"/star":    {http.Header{"Vary": {"*"}}, 1 << 17, []string{"its Vary (*)"}},
		"/nothing": {nil, 1 << 17, []string{"It doesn't say", "no usable ETag or Last-Modified"}},
	} {
		o.Handle(path, origintest.File{Size: tt.size, Header: tt.header}.ServeHTTP)
		o.Forget()
		for i := range 2 {
			e := n.explain(true, "GET", "/files"+path, "If-None-Match: *", "X-Forwarded-For: 192.0.2.1", "Accept: text/nuts")
			tt.tells[0] = strings.Replace(tt.tells[0], "It doesn't", "it doesn't", 1)
			tells(t, e, tt.tells...)
			if o.Count() != i+1 || e.Next.Action != "fetch" || e.Origin == nil || len(e.Stored) > 0 {
				t.Errorf("%s: %d requests\n%s", path, o.Count(), e)
			}
		}
		if h := o.Requests()[0].Header; h.Get("If-None-Match") != "" || h.Get("X-Forwarded-For") != "" || h.Get("Accept") != "text/nuts" || h.Get("Via") == "" {
			t.Errorf("asked with %v", h)
		}
	}
	if s := n.Stats(); s.Records != 0 || s.Misses != 0 {
		t.Errorf("something is stored: %+v", s)
	}
	n.explain(true, "POST", "/files/other")
	if e := n.explain(true, "HEAD", "/files/other"); e.Origin == nil || o.Requests()[o.Count()-1].Method != "HEAD" {
		t.Errorf("HEAD isn't explained by what a HEAD brings:\n%s", e)
	}
	o.Forget()
	if n.explain(false, "GET", "/files/other"); o.Count() > 0 {
		t.Error("the origin was asked although it wasn't to be")
	}
}

// TestExplainUnreachable: the origin can't be asked.
func TestExplainUnreachable(t *testing.T) {
	n := newNode(t, proxy.Config{Origin: unreachable{}})
	tells(t, n.explain(true, "GET", "/files/a"), "The origin was asked just now, which failed: ", "connection refused", "A client would get a 502.")
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
}

// TestExplainQuestion: what can't be explained.
func TestExplainQuestion(t *testing.T) {
	n, _ := fronting(t, proxy.Config{})
	u := &url.URL{Path: "/files/a"}
	for want, q := range map[string]proxy.Question{
		"no URL":                       {},
		`"A B" can't be a method`:      {URL: u, Method: "A B"},
		`can't be a request's field`:   {URL: u, Header: http.Header{"A B": {"c"}}},
		`"A: b��c" can't be a request`: {URL: u, Header: http.Header{"A": {"b\r\nc"}}},
	} {
		if _, err := n.Explain(t.Context(), q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", q, err, want)
		}
	}
}

// TestExplainIsNotForClients: the client port knows of no such thing.
func TestExplainIsNotForClients(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	for _, path := range []string{"/explain?url=/files/a", "/explain", "/explain/"} {
		if resp, b := n.get(path); resp.StatusCode != 404 || strings.Contains(string(b), "tored") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, b)
		}
	}
	if o.Count() > 0 {
		t.Errorf("the origin was asked: %v", o.Requests())
	}
}

// TestExplainAmongNodes: who owns what, what the owner has, and what a copy is good for.
func TestExplainAmongNodes(t *testing.T) {
	oneNode(t)
	clock := newClock()
	c := newCluster(t, 3, proxy.Config{Now: clock.Now})
	c.o.Handle("/a", origintest.File{Size: 9, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	owner, other := c.nodes[c.owner("a")], c.other("a")
	name := c.names[c.owner("a")]

	e := other.explain(false, "GET", "/files/a")
	tells(t, e, "Nothing is stored for this request.", "fetched, by its owner, "+name+", from the origin", "Its owner, "+name+", knows all", "Owner  "+name+"; this node is "+e.Node)
	owner.get("/files/a")
	tells(t, owner.explain(false, "GET", "/files/a"), "A response is stored.", "Owner  "+name+", which is this node")

	c.o.Forget()
	for range 2 { // and no copy is left here by asking
		e = other.explain(true, "GET", "/files/a")
		tells(t, e, "Its owner, "+name+", has it stored. It is fresh until", "by way of "+name, "At its owner: status 200, 9 bytes")
		if len(e.Stored) > 0 || e.AtOwner == nil || e.AtOwner.CopyUntil != nil || c.o.Count() > 0 {
			t.Errorf("%d origin requests\n%s", c.o.Count(), e)
		}
	}
	resp, _ := other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "A response is stored.", "answered from memory", "It is a copy of what "+name+" owns, used until")
	if len(e.Stored) != 1 || e.Stored[0].CopyUntil == nil || !e.Stored[0].CopyUntil.After(clock.Now()) || e.AtOwner != nil {
		t.Errorf("no copy:\n%s", e)
	}
	clock.Advance(6 * time.Second)
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "by way of "+name)
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	clock.Advance(time.Minute)
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "the origin is asked, by its owner, "+name+", whether", `If-None-Match: "1"`)
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())

	// The owner knows better than a stale copy.
	clock.Advance(61 * time.Second)
	owner.get("/files/a")
	c.o.Forget()
	e = other.explain(false, "GET", "/files/a")
	tells(t, e, "Its owner, "+name+", has it stored. It is fresh until")
	resp, _ = other.get("/files/a")
	happened(t, e, resp, c.o.Requests())
}

// TestExplainBypassAmongNodes: the owner knows that something can't be stored; and one that can't
// be asked.
func TestExplainBypassAmongNodes(t *testing.T) {
	oneNode(t)
	c := newCluster(t, 2, proxy.Config{})
	c.o.Handle("/a", origintest.File{Size: 9, Header: http.Header{"Cache-Control": {"no-store"}}}.ServeHTTP)
	owner, other := c.nodes[c.owner("a")], c.other("a")
	owner.get("/files/a")
	c.o.Forget()
	e := other.explain(true, "GET", "/files/a")
	tells(t, e, "no-store in Cache-Control forbids it", "knows that its answer isn't one that can be stored")
	resp, _ := other.get("/files/a")
	happened(t, e, resp, c.o.Requests())
}

// TestExplainJSON: a program reads the same.
func TestExplainJSON(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/a", origintest.File{Size: 9, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	n.get("/files/a")
	b, err := json.Marshal(n.explain(false, "", "/files/a"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Method, Key string
		Next        struct{ Action string }
		Stored      []struct {
			Selected      bool
			Lifetime, TTL int64
			Fields        []string
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Method != "GET" || got.Key != "a" || got.Next.Action != "hit" || len(got.Stored) != 1 || !got.Stored[0].Selected ||
		got.Stored[0].Lifetime != 60 || got.Stored[0].TTL < 50 || !slices.Contains(got.Stored[0].Fields, "Cache-Control: max-age=60") {
		t.Errorf("%s", b)
	}
	if _, err := n.explain(false, "", "/files/a").WriteTo(io.Discard); err != nil {
		t.Error(err)
	}
}

// TestExplainSearch: another query that stands for the one asked about.
func TestExplainSearch(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	h := maxAge("60")
	h.Set("No-Vary-Search", `params=("utm")`)
	o.Handle("/a", origintest.File{Size: 9, Header: h}.ServeHTTP)
	n.get("/files/a?utm=1")
	o.Forget()
	e := n.explain(true, "GET", "/files/a?utm=2")
	tells(t, e, "Key    a\n", "By the No-Vary-Search of an earlier response, what is stored under it is also for a?utm=2", "A response is stored.")
	resp, _ := n.get("/files/a?utm=2")
	happened(t, e, resp, o.Requests())
}

// TestExplainPart: a part of a content that can't be joined with others to the whole.
func TestExplainPart(t *testing.T) {
	n, o := fronting(t, proxy.Config{Cluster: proxy.Cluster{Lease: time.Hour}})
	o.Handle("/a", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Range", "bytes 2-5/9")
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, "cdef")
	})
	tells(t, n.explain(true, "GET", "/files/a", "Range: bytes=2-9"), "wouldn't be stored: it is only a part (206)")
	tells(t, n.explain(true, "GET", "/files/a"), "which failed", "A client would get a 502")
	n.get("/files/a", "Range: bytes=2-5")
	o.Forget()
	e := n.explain(false, "GET", "/files/a", "Range: bytes=3-4")
	tells(t, e, "bytes 2 to 5 of 9", "RFC 9111 §3.3", "gets a 206")
	resp, _ := n.get("/files/a", "Range: bytes=3-4")
	happened(t, e, resp, o.Requests())
}

// TestExplainHeadRange: a HEAD's Range means nothing.
func TestExplainHeadRange(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.Method == "GET" {
			w.Header().Set("Content-Range", "bytes 0-3/10")
			w.WriteHeader(206)
			io.WriteString(w, "0123")
		}
	})
	resp, _ := n.get("/files/f", "Range: bytes=0-3")
	t.Log(resp.StatusCode, resp.Header["Cache-Status"])
	e := n.explain(false, "HEAD", "/files/f", "Range: bytes=0-3")
	resp, _ = n.read(n.do("HEAD", "/files/f", "Range: bytes=0-3"))
	if strings.Contains(resp.Header.Get("Cache-Status"), "fwd") && strings.Contains(e.String(), "A response is stored") {
		t.Errorf("Explain says\n%s\nbut it came so: %s", e, resp.Header["Cache-Status"])
	}
}
