package proxy_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

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
	modified := origintest.File{Size: 100, ETag: `"1"`, Modified: origintest.Old,
		Header: maxAge("60")}
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
		{"nothing is known", fresh, nil, 0, "", "", nil, "fetch", 0,
			[]string{"It is fetched from the origin by a GET: nothing is stored for it.",
				"Stored       nothing"}},
		{"fresh", fresh, asked(), 0, "", "", nil, "hit", 200,
			[]string{"the stored response is fresh", "it is fresh", "60 s: max-age",
				"Selected     status 200", "100 bytes", `Etag: "1"`}},
		{"fresh, not modified", fresh, asked(), 0, "", "", []string{`If-None-Match: "1"`}, "hit",
			304, []string{"gets a 304", "RFC 9110 §13.2.2"}},
		{"fresh, precondition failed", fresh, asked(), 0, "", "", []string{`If-Match: "2"`},
			"validate", 0, []string{"fails its If-Match", "RFC 9111 §4.3.2"}},
		{"fresh, precondition holds", fresh, asked(), 0, "", "", []string{`If-Match: "1"`}, "hit",
			200, []string{"it is fresh"}},
		{"fresh, range", fresh, asked(), 0, "", "", []string{"Range: bytes=1-2"}, "hit", 206,
			[]string{"gets a 206"}},
		{"fresh, range beyond", fresh, asked(), 0, "", "", []string{"Range: bytes=100-"}, "hit",
			416, []string{"gets a 416", "100 bytes"}},
		{"fresh, malformed range", fresh, asked(), 0, "", "", []string{"Range: bytes=x"}, "hit",
			200, []string{"Range is ignored"}},
		{"stale", fresh, asked(), minute, "", "", nil, "validate", 0,
			[]string{"it is stale, and the origin has to confirm it",
				`with If-None-Match: "1": the stored response is stale.`, "RFC 9111 §4.3"}},
		{"stale, both validators", modified, asked(), minute, "", "", nil, "validate", 0,
			[]string{`with If-Modified-Since: Sun, 02 Feb 2020 02:02:02 GMT and If-None-Match: "1": `}},
		{"stale, no validator", plain, asked(), minute, "", "", nil, "fetch", 0,
			[]string{"validation   impossible", "fetched from the origin by a GET: the stored " +
				"response is stale"}},
		{"stale while revalidate", says("max-age=60, stale-while-revalidate=30"), asked(), minute,
			"", "", nil, "stale", 200, []string{"in the background", "RFC 5861 §3"}},
		{"max-stale", fresh, asked(), minute, "", "", []string{"Cache-Control: max-stale"}, "stale",
			200, []string{"since it says max-stale", "RFC 9111 §5.2.1.2"}},
		{"no-cache", says("no-cache"), asked(), 0, "", "", nil, "validate", 0,
			[]string{"its no-cache has each use validated"}},
		{"must-revalidate", says("max-age=60, must-revalidate"), asked(), minute, "", "", nil,
			"validate", 0, []string{"clients get a 504", "RFC 9111 §5.2.2.2"}},
		{"request no-cache", fresh, asked(), 0, "", "", []string{"Cache-Control: no-cache"},
			"validate", 0, []string{"this request doesn't accept it: no-cache",
				"it doesn't accept the stored response as it is", "RFC 9111 §5.2.1"}},
		{"request Pragma", fresh, asked(), 0, "", "", []string{"Pragma: no-cache"}, "validate", 0,
			[]string{"this request doesn't accept it: no-cache"}},
		{"request no-store, fresh", fresh, asked(), 0, "", "", []string{"Cache-Control: no-store"},
			"hit", 200, nil},
		{"request no-store, nothing", fresh, nil, 0, "", "", []string{"Cache-Control: no-store"},
			"pass", 0, []string{"RFC 9111 §5.2.1.5"}},
		{"only-if-cached, nothing", fresh, nil, 0, "", "",
			[]string{"Cache-Control: only-if-cached"}, "refuse", 504, []string{"answered with 504",
				"RFC 9111 §5.2.1.7"}},
		{"only-if-cached, fresh", fresh, asked(), 0, "", "",
			[]string{"Cache-Control: only-if-cached"}, "hit", 200, nil},
		{"only-if-cached, stale", fresh, asked(), minute, "", "",
			[]string{"Cache-Control: only-if-cached"}, "refuse", 504, nil},
		{"only-if-cached, not storable", says("no-store"), asked(), 0, "", "",
			[]string{"Cache-Control: only-if-cached"}, "refuse", 504, nil},
		{"no-store", says("no-store"), asked(), 0, "", "", nil, "pass", 0,
			[]string{"not stored   its no-store forbids it [RFC 9111 §5.2.2.5]\nremedy       " +
				"have the origin leave that out", "straight to the origin"}},
		{"private, some time ago", says("private, max-age=60"), asked(), 6 * time.Second, "", "",
			nil, "fetch", 0, []string{"nothing is stored"}},
		{"HEAD, nothing", fresh, nil, 0, "", "HEAD", nil, "fetch", 0,
			[]string{"from the origin by a HEAD"}},
		{"HEAD, fresh", fresh, asked(), 0, "", "HEAD", nil, "hit", 200, nil},
		{"HEAD, stale", fresh, asked(), minute, "", "HEAD", nil, "validate", 0, nil},
		{"HEAD, stale, no validator", plain, asked(), minute, "", "HEAD", nil, "fetch", 0, nil},
		{"HEAD after HEAD", fresh, headed(), 0, "", "HEAD", nil, "hit", 200, []string{"100 bytes",
			"for          HEADs only"}},
		{"HEAD after HEAD, not modified", fresh, headed(), 0, "", "HEAD",
			[]string{`If-None-Match: "1"`}, "hit", 304, nil},
		{"HEAD after HEAD, stale", fresh, headed(), minute, "", "HEAD", nil, "validate", 0,
			[]string{"The origin is asked by a HEAD with"}},
		{"HEAD after HEAD, stale, no validator", plain, headed(), minute, "", "HEAD", nil, "fetch",
			0, []string{"from the origin by a HEAD"}},
		{"HEAD after HEAD, not storable", says("no-store"), headed(), 0, "", "HEAD", nil, "pass", 0,
			nil},
		{"GET after HEAD", fresh, headed(), 0, "", "", nil, "fetch", 0,
			[]string{"nothing is stored for it", "HEADs only", "RFC 9110 §9.3.2"}},
		{"GET after HEAD, not storable", says("no-store"), headed(), 0, "", "", nil, "fetch", 0,
			[]string{"nothing is stored for it"}},
		{"Authorization", fresh, asked(), 0, "", "", []string{"Authorization: Basic hush"}, "fetch",
			0, []string{"nothing is stored for requests with Authorization", "RFC 9111 §3.5",
				"Authorization: (not shown)"}},
		{"Authorization, nothing", fresh, nil, 0, "", "", []string{"Authorization: Basic hush"},
			"fetch", 0, nil},
		{"Authorization, public", says("public, max-age=60"), asked(), 0, "", "",
			[]string{"Authorization: Basic hush"}, "hit", 200, nil},
		{"the other variant", says("max-age=60", "Vary", "X-Squirrel"), asked("X-Squirrel: red"), 0,
			"", "", []string{"X-Squirrel: grey"}, "fetch", 0, []string{"nothing is stored for it",
				"for          requests that have, of the fields in Vary: X-Squirrel: red",
				"RFC 9111 §4.1"}},
		{"this variant", says("max-age=60", "Vary", "X-Squirrel, Cookie"), asked("Cookie: hush"), 0,
			"", "", []string{"Cookie: hush"}, "hit", 200, []string{"Selected     status 200",
				"requests that have, of the fields in Vary: Cookie: (not shown) ["}},
		{"groups", says("max-age=60", "Cache-Groups", `"trees", "nuts"`), asked(), 0, "", "", nil,
			"hit", 200, []string{"groups       nuts, trees", "RFC 9875 §2"}},
		{"targeted", says("no-store", "CDN-Cache-Control", "max-age=60"), asked(), 0, "", "", nil,
			"hit", 200, []string{"60 s: max-age", "all directives but those of Cdn-Cache-Control",
				"RFC 9213 §2.2", "Cdn-Cache-Control: max-age=60"}},
		{"POST", fresh, asked(), 0, "", "POST", nil, "pass", 0,
			[]string{"only GET and HEAD are answered from memory",
				"what is stored under its key, or named by its Location", "RFC 9111 §4.4"}},
		{"OPTIONS", fresh, asked(), 0, "", "OPTIONS", nil, "pass", 0, nil},
		{"unknown method", fresh, asked(), 0, "", "FROB", nil, "pass", 0,
			[]string{"is validated before its next use, on all nodes"}},
		{"PURGE", fresh, asked(), 0, "", "PURGE", nil, "refuse", 0,
			[]string{"no origin is sent such a method"}},
		{"CONNECT", fresh, asked(), 0, "", "CONNECT", nil, "refuse", 0,
			[]string{"no origin is sent such a method"}},
		{"upgrade", bare, nil, 0, "", "", []string{"Connection: Upgrade", "Upgrade: websocket"},
			"pass", 0, []string{"another protocol"}},
		{"another upgrade", bare, nil, 0, "", "", []string{"Connection: Upgrade", "Upgrade: h2c"},
			"fetch", 0, nil},
		{"upgrade without the option", bare, nil, 0, "", "", []string{"Upgrade: websocket"},
			"fetch", 0, nil},
		{"by its decoded path", bare, nil, 0, "/zk?key=nut%20s", "", nil, "fetch", 0,
			[]string{"Key          nut%20s"}},
		{"zk without a key", bare, nil, 0, "/zk", "", nil, "refuse", 400,
			[]string{"needs a query such as ?key=1.txt"}},
		{"POST to zk", bare, nil, 0, "/zk?key=1", "POST", nil, "refuse", 405, nil},
		{"elsewhere", bare, nil, 0, "/explain?url=/files/a", "", nil, "refuse", 404,
			[]string{"only what is under /files/", "ask about /files/explain"}},
		{"the root", bare, nil, 0, "/", "", nil, "refuse", 307, []string{"leads to /files/"}},
		{"dot segments", bare, nil, 0, "/files/%2e%2e/a", "", nil, "refuse", 400,
			[]string{"dot segments"}},
		{"a long URL", bare, nil, 0, "/files/" + strings.Repeat("a", 9000), "", nil, "refuse", 414,
			[]string{"too long: the limit is 8192 bytes"}},
		{"another spelling, and a query", bare, nil, 0, "/files/a%2Eb?c=d", "", nil, "fetch", 0,
			[]string{"Key          a%2Eb?c=d", "Other queries and spellings are stored apart; " +
				"all spellings of a.b?c=d are invalidated together. [RFC 3986 §6.2.2]"}},
	}
}

// TestExplainComesTrue: what is foreseen of a request is what happens when it comes; and to explain
// changes nothing.
func TestExplainComesTrue(t *testing.T) {
	clock := newClock()
	n, o := fronting(t, proxy.Config{Now: clock.Now, WebSocket: true})
	for i, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			tells(t, s.play(t, i, o, clock, func(string) (before, now *node) { return n, n }),
				s.tells...)
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
func (s scene) play(t *testing.T, i int, o *origintest.Origin, clock *clock,
	on func(path string) (before, now *node)) *proxy.Explanation {
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
	if e.Action != s.action || e.Status != s.status && s.status != 0 {
		t.Errorf("%s %d, want %s %d:\n%s", e.Action, e.Status, s.action, s.status, e)
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
	hit, quiet := strings.Contains(status, "scurry; hit") || resp.StatusCode == 412 ||
		resp.StatusCode == 416, len(asked) == 0
	var passed, conditional bool
	for _, r := range asked {
		passed = passed || (r.Header.Get("X-Forwarded-For") != "" &&
			r.Header.Get("Authorization") == "")
		conditional = conditional || r.Header.Get("If-None-Match")+
			r.Header.Get("If-Modified-Since") != ""
	}
	right := map[string]bool{
		"hit":      hit && quiet,
		"stale":    hit && strings.Contains(status, "ttl=-"),
		"validate": len(asked) == 1 && conditional && !passed,
		"fetch":    len(asked) == 1 && !conditional && !passed,
		"pass":     len(asked) == 1 && passed,
		"refuse":   quiet && !hit,
	}[e.Action]
	if !right || e.Status != 0 && e.Status != resp.StatusCode {
		t.Errorf("it happened otherwise: %d, Cache-Status %s, the origin was asked %+v, and not\n%s", resp.StatusCode, status, asked, e)
	}
}
