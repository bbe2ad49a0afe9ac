package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// explain asks for an explanation of a request with header fields given as "Name: value".
func (n *node) explain(probe bool, method, path string, fields ...string) *proxy.Explanation {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), method, n.URL+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	return n.Explain(r, probe)
}

// named are the texts of e's lines with that name.
func named(e *proxy.Explanation, name string) (texts []string) {
	for _, l := range e.Lines {
		if l.Name == name {
			texts = append(texts, l.Text)
		}
	}
	return texts
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
	tells(t, e, "the origin has just failed", "has just failed; waits until",
		"answers 500, 502, 503 or 504, sent until", "the setting max-stale")
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
	if resp.StatusCode != 508 || e.Status != 508 {
		t.Errorf("%d, %+v", resp.StatusCode, e.Action)
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
		"/large": {maxAge("60"), 1 << 20, []string{"not stored   it is larger than a quarter " +
			"of the memory", "remedy       have the origin send a strong ETag"}},
		"/fresh": {maxAge("60"), 1 << 17, []string{"it would be stored\n", "it is fresh",
			"Origin       status 200\ncontent      131072 bytes", "60 s: max-age"}},
		"/private": {http.Header{"Cache-Control": {"private"}}, 1 << 20,
			[]string{"not stored   its private makes it one user's own",
				"remedy       have the origin leave that out"}},
		"/cookie": {http.Header{"Set-Cookie": {"hush"}}, 1 << 17,
			[]string{"it has Set-Cookie, which is taken to be one client's: it doesn't say itself",
				"Set-Cookie: (not shown)", "RFC 9111 §7.3"}},
		"/star": {http.Header{"Vary": {"*"}}, 1 << 17, []string{"its Vary says that it " +
			"depends on more"}},
		"/nothing": {nil, 1 << 17, []string{"not stored   it is never fresh",
			"no usable ETag or Last-Modified"}},
	} {
		o.Handle(path, origintest.File{Size: tt.size, Header: tt.header}.ServeHTTP)
		o.Forget()
		for i := range 2 {
			e := n.explain(true, "GET", "/files"+path, "If-None-Match: *",
				"X-Forwarded-For: 192.0.2.1", "Accept: text/nuts")
			tells(t, e, tt.tells...)
			if o.Count() != i+1 || e.Action != "fetch" || named(e, "Origin") == nil ||
				!slices.Equal(named(e, "Stored"), []string{"nothing"}) {
				t.Errorf("%s: %d requests\n%s", path, o.Count(), e)
			}
		}
		if h := o.Requests()[0].Header; h.Get("If-None-Match") != "" ||
			h.Get("X-Forwarded-For") != "" || h.Get("Accept") != "text/nuts" || h.Get("Via") == "" {
			t.Errorf("asked with %v", h)
		}
	}
	if s := n.Stats(); s.Records != 0 || s.Misses != 0 {
		t.Errorf("something is stored: %+v", s)
	}
	n.explain(true, "POST", "/files/other")
	if e := n.explain(true, "HEAD", "/files/other"); named(e, "Origin") == nil ||
		o.Requests()[o.Count()-1].Method != "HEAD" {
		t.Errorf("HEAD isn't explained by what a HEAD brings:\n%s", e)
	}
	o.Forget()
	if n.explain(false, "GET", "/files/other"); o.Count() > 0 {
		t.Error("the origin was asked although it wasn't to be")
	}
}

// TestExplainIgnoredDirectives: by that setting, what a request says about caching doesn't count.
func TestExplainIgnoredDirectives(t *testing.T) {
	n, o := fronting(t, proxy.Config{IgnoreRequestDirectives: true})
	o.Handle("/a", origintest.File{Size: 9, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	n.get("/files/a")
	o.Forget()
	for _, field := range []string{"Cache-Control: no-cache", "Pragma: no-cache",
		"Accept: text/nuts"} {
		e := n.explain(false, "GET", "/files/a", field)
		said := strings.Contains(e.String(), "Its directives are ignored: "+
			"ignore-request-directives is set.")
		if has := !strings.HasPrefix(field, "Accept"); said != has {
			t.Errorf("%s: ignored %v, want %v:\n%s", field, said, has, e)
		}
		resp, _ := n.get("/files/a", field)
		happened(t, e, resp, o.Requests())
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
		Action        string
		Lifetime, TTL int64
		Lines         []struct{ Name, Text, Section string }
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	told := fmt.Sprint(got.Lines)
	if got.Action != "hit" || got.Lifetime != 60 || got.TTL < 50 || got.TTL > 60 {
		t.Errorf("%s", b)
	}
	for _, want := range []string{"{Request GET " + n.URL + "/files/a }", "{Key a }",
		"{Selected status 200 }", "{field Cache-Control: max-age=60 }",
		"{lifetime 60 s: max-age, before Expires RFC 9111 §5.2.2.1}"} {
		if !strings.Contains(told, want) {
			t.Errorf("nothing says %s: %s", want, b)
		}
	}
	if strings.Contains(told, "{Stored ") {
		t.Errorf("something else is stored: %s", b)
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
	tells(t, e, "Key          a\n", "By the No-Vary-Search of an earlier response, what is "+
		"stored under it is also for a?utm=2", "Selected     status 200")
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
	tells(t, n.explain(true, "GET", "/files/a", "Range: bytes=2-9"),
		"not stored   it is only a part (206)")
	tells(t, n.explain(true, "GET", "/files/a"), "asked just now, for 8s at most, it failed",
		"a client would get a 502")
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
	if strings.Contains(resp.Header.Get("Cache-Status"), "fwd") && strings.Contains(e.String(),
		"Selected") {
		t.Errorf("Explain says\n%s\nbut it came so: %s", e, resp.Header["Cache-Status"])
	}
}
