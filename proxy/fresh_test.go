package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

func TestRevalidation(t *testing.T) {
	for name, c := range map[string]struct {
		file             origintest.File
		field, condition string
	}{
		"etag": {origintest.File{Size: 3 * first, ETag: `"1"`}, "If-None-Match", `"1"`},
		"weak etag": {origintest.File{Size: 3 * first, ETag: `W/"1"`}, "If-None-Match",
			`W/"1"`},
		"last-modified": {origintest.File{Size: 3 * first, Modified: origintest.Old},
			"If-Modified-Since", origintest.Old.Format(http.TimeFormat)},
	} {
		t.Run(name, func(t *testing.T) {
			now := newClock()
			n, o := fronting(t, proxy.Config{Now: now.Now})
			c.file.Header = maxAge("60")
			o.Handle("/f", c.file.ServeHTTP)
			want := origintest.Content(0, 0, c.file.Size)
			n.expect(200, want, "/files/f")
			now.Advance(59 * time.Second)
			n.cacheStatus(n.expect(200, want, "/files/f"), "hit; ttl=1")
			now.Advance(2 * time.Second)
			bytes := n.Stats().OriginBytes
			resp := n.expect(200, want, "/files/f")
			n.cacheStatus(resp, "fwd=stale; fwd-status=304")
			if n.Stats().OriginBytes != bytes || resp.Header.Get("Age") != "0" {
				t.Errorf("a validated response has Age %s and cost %d bytes",
					resp.Header.Get("Age"), n.Stats().OriginBytes-bytes)
			}
			if r := o.Requests(); len(r) != 2 || r[1].Header.Get(c.field) != c.condition {
				t.Errorf("requests %v", r)
			}
			now.Advance(30 * time.Second)
			n.cacheStatus(n.expect(200, want, "/files/f"), "hit; ttl=30")

			changed := c.file
			changed.Seed, changed.ETag, changed.Modified = 9, `"2"`, origintest.Old.Add(time.Hour)
			o.Handle("/f", changed.ServeHTTP)
			now.Advance(time.Minute)
			n.cacheStatus(n.expect(200, origintest.Content(9, 0, c.file.Size), "/files/f"),
				"fwd=stale; fwd-status=200; stored")
		})
	}
}

// TestRevalidationIsCollapsed: 100 clients who find the response stale cost one conditional
// request.
func TestRevalidationIsCollapsed(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	f := origintest.File{Size: 3 * first, ETag: `"1"`, Header: maxAge("60")}
	all := make(chan struct{}, 1)
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			<-all
		}
		f.ServeHTTP(w, r)
	})
	n.expect(200, origintest.Content(0, 0, f.Size), "/files/f")
	now.Advance(2 * time.Minute)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { n.expect(200, origintest.Content(0, 0, f.Size), "/files/f") })
	}
	all <- struct{}{}
	close(all)
	wg.Wait()
	if o.Count() != 2 {
		t.Errorf("%d origin requests", o.Count())
	}
}

func TestWhatIsStored(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		header  string // lines
		request string // a field of the request
		stored  bool
	}{
		"max-age":                 {200, "Cache-Control: max-age=60", "", true},
		"s-maxage over max-age=0": {200, "Cache-Control: max-age=0, s-maxage=60", "", true},
		"expires":                 {200, "Expires: EXPIRES", "", true},
		"heuristic": {200, "Last-Modified: Mon, 03 Feb 2020 00:00:00 GMT", "",
			true},
		"nothing":  {200, "", "", false},
		"no-store": {200, "Cache-Control: max-age=60, no-store", "", false},
		"private":  {200, "Cache-Control: max-age=60, private", "", false},
		"set-cookie": {200, "Cache-Control: max-age=60\nSet-Cookie: a=b", "",
			true},
		"set-cookie, heuristic": {200, "Last-Modified: Mon, 03 Feb 2020 00:00:00 " +
			"GMT\nSet-Cookie: a=b", "", false},
		"vary star": {200, "Cache-Control: max-age=60\nVary: *", "", false},
		"request no-store": {200, "Cache-Control: max-age=60",
			"Cache-Control: no-store", false},
		"request with authorization": {200, "Cache-Control: max-age=60",
			"Authorization: Basic YTpi", false},
		"404":                         {404, "", "", true},
		"410":                         {410, "", "", true},
		"404 with its own":            {404, "Cache-Control: max-age=60", "", true},
		"500":                         {500, "", "", false},
		"500 with explicit freshness": {500, "Cache-Control: max-age=60", "", true},
		"302":                         {302, "Location: /elsewhere", "", false},
		"301": {301, "Location: /elsewhere\nCache-Control: max-age=60", "",
			true},
		"malformed freshness is stale": {200, "Cache-Control: max-age=soon", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
				header := strings.ReplaceAll(c.header, "EXPIRES",
					time.Now().Add(time.Minute).UTC().Format(http.TimeFormat))
				for line := range strings.Lines(header) {
					k, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
					w.Header().Add(k, v)
				}
				w.WriteHeader(c.status)
				io.WriteString(w, "nuts")
			})
			var fields []string
			if c.request != "" {
				fields = append(fields, c.request)
			}
			var resp *http.Response
			for range 3 {
				resp = n.expect(c.status, []byte("nuts"), "/files/f", fields...)
			}
			if stored := o.Count() == 1; stored != c.stored || (o.Count() != 1 && o.Count() != 3) {
				t.Errorf("%d origin requests for three clients; Cache-Status %s", o.Count(),
					resp.Header["Cache-Status"])
			}
			if s := n.Stats(); !c.stored && s.Chunks != 0 {
				t.Errorf("bytes were stored: %+v", s)
			}
		})
	}
}

func TestNegativeTTL(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now, NegativeTTL: 7 * time.Second})
	for range 2 {
		resp, _ := n.get("/files/none")
		if resp.StatusCode != 404 {
			t.Fatal(resp.Status)
		}
	}
	now.Advance(8 * time.Second)
	n.get("/files/none")
	if o.Count() != 2 {
		t.Errorf("%d origin requests", o.Count())
	}
}

func TestHeuristicLimit(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now, HeuristicLimit: 30 * time.Second})
	f := origintest.File{Size: 10, Modified: origintest.Old}
	o.Handle("/f", f.ServeHTTP)
	n.expect(200, origintest.Content(0, 0, 10), "/files/f")
	now.Advance(29 * time.Second)
	n.cacheStatus(n.expect(200, origintest.Content(0, 0, 10), "/files/f"), "hit; ttl=1")
	now.Advance(2 * time.Second)
	n.cacheStatus(n.expect(200, origintest.Content(0, 0, 10), "/files/f"),
		"fwd=stale; fwd-status=304")
}

func TestRequestDirectives(t *testing.T) {
	oneNode(t)
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	o.Handle("/f", origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	want := origintest.Content(0, 0, 10)
	n.expect(504, []byte("504 Gateway Timeout\n"), "/files/f", "Cache-Control: only-if-cached")
	o.Handle("/private", origintest.File{Size: 10,
		Header: http.Header{"Cache-Control": {"private"}}}.ServeHTTP)
	n.expect(200, origintest.Content(0, 0, 10), "/files/private")
	n.expect(504, []byte("504 Gateway Timeout\n"), "/files/private",
		"Cache-Control: only-if-cached")
	o.Forget()
	if o.Count() != 0 {
		t.Error("only-if-cached went to the origin")
	}
	n.expect(200, want, "/files/f")
	n.cacheStatus(n.expect(200, want, "/files/f", "Cache-Control: only-if-cached"), "hit")
	n.cacheStatus(n.expect(200, want, "/files/f", "Cache-Control: no-cache"),
		"fwd=request; fwd-status=304")
	now.Advance(10 * time.Second)
	n.cacheStatus(n.expect(200, want, "/files/f", "Cache-Control: max-age=5"),
		"fwd=request; fwd-status=304")
	now.Advance(70 * time.Second)
	n.cacheStatus(n.expect(200, want, "/files/f", "Cache-Control: max-stale=60"), "hit; ttl=-10")
}

// TestNotStorableIsNeverShared: each client gets its own answer, and the leader's request isn't
// repeated.
func TestNotStorableIsNeverShared(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	all := make(chan struct{})
	o.Handle("/me", func(w http.ResponseWriter, r *http.Request) {
		<-all
		w.Header().Set("Cache-Control", "private")
		fmt.Fprint(w, r.Header.Get("Cookie"))
	})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			me := fmt.Sprint("id=", i)
			n.expect(200, []byte(me), "/files/me", "Cookie: "+me)
		})
	}
	close(all)
	wg.Wait()
	if o.Count() != 50 {
		t.Errorf("%d origin requests for 50 clients", o.Count())
	}
}

// TestNoCacheIsNotShared: what is to be validated before each use isn't handed to those who waited
// for it, either.
func TestNoCacheIsNotShared(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	all := make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		<-all
		origintest.File{Size: 2 * first, ETag: `"1"`,
			Header: http.Header{"Cache-Control": {"no-cache"}}}.ServeHTTP(w, r)
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { n.expect(200, origintest.Content(0, 0, 2*first), "/files/f") })
	}
	close(all)
	wg.Wait()
	if o.Count() != 20 || n.Stats().OriginBytes > 20*2*first {
		t.Errorf("%d origin requests for 20 clients", o.Count())
	}
}

func TestVary(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	all := make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		<-all
		lang := r.Header.Get("Accept-Language")
		w.Header().Set("Vary", "Accept-Language")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Etag", `"`+lang+`"`)
		io.WriteString(w, "in "+lang)
	})
	langs := []string{"de", "fr", "en", "hu", ""}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if lang := langs[i%len(langs)]; lang != "" {
				n.expect(200, []byte("in "+lang), "/files/f", "Accept-Language: "+lang)
			} else {
				n.expect(200, []byte("in "), "/files/f")
			}
		})
	}
	close(all)
	wg.Wait()
	if o.Count() != len(langs) {
		t.Errorf("%d origin requests for %d variants", o.Count(), len(langs))
	}
	for _, lang := range langs[:4] {
		n.cacheStatus(n.expect(200, []byte("in "+lang), "/files/f", "Accept-Language: "+lang),
			"hit")
	}
}

func TestStaleWhenTheOriginIsAway(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now, MaxStale: 10 * time.Minute})
	want := origintest.Content(0, 0, 10)
	o.Handle("/f", origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	o.Handle("/strict", origintest.File{Size: 10, ETag: `"1"`,
		Header: http.Header{"Cache-Control": {"max-age=60, must-revalidate"}}}.ServeHTTP)
	for _, path := range []string{"/files/f", "/files/strict"} {
		n.expect(200, want, path)
	}
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
	now.Advance(2 * time.Minute)
	n.cacheStatus(n.expect(200, want, "/files/f"), `hit; ttl=-60; key="f"; detail=`)
	o.Forget()
	n.expect(200, want, "/files/f") // at once, without another try
	if o.Count() != 0 {
		t.Error("an origin that has just failed was asked again")
	}
	now.Advance(3 * time.Second)
	o.CloseClientConnections()
	o.Listener.Close()
	n.cacheStatus(n.expect(200, want, "/files/f"), "detail=connection_refused")
	if resp, _ := n.get("/files/strict"); resp.StatusCode != 504 {
		t.Errorf("must-revalidate: %s", resp.Status)
	}
	now.Advance(time.Hour)
	if resp, _ := n.get("/files/f"); resp.StatusCode != 502 {
		t.Errorf("staler than MaxStale: %s", resp.Status)
	}
}

func TestUnsafeMethodInvalidates(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	get := origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}
	status := 500
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			get.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(status)
	})
	n.expect(200, origintest.Content(0, 0, 10), "/files/f")
	n.read(n.do(http.MethodPut, "/files/f"))
	n.cacheStatus(n.expect(200, origintest.Content(0, 0, 10), "/files/f"), "hit") // it failed
	status = 204
	get.Seed, get.ETag = 3, `"3"`
	for _, method := range []string{http.MethodPut, "SCATTER"} {
		n.read(n.do(method, "/files/f"))
		n.cacheStatus(n.expect(200, origintest.Content(3, 0, 10), "/files/f"), "fwd=stale")
	}
}

// TestInvalidationOvertakesAFill: what was asked for before an invalidation isn't stored after it.
func TestInvalidationOvertakesAFill(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	entered, leave := make(chan struct{}), make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			entered <- struct{}{}
			<-leave
			origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP(w, r)
		}
	})
	var wg sync.WaitGroup
	wg.Go(func() { n.expect(200, origintest.Content(0, 0, 10), "/files/f") })
	<-entered
	n.read(n.do(http.MethodDelete, "/files/f"))
	close(leave)
	wg.Wait()
	o.Handle("/f", origintest.File{Size: 10, Seed: 1, ETag: `"2"`, Header: maxAge("60")}.ServeHTTP)
	n.expect(200, origintest.Content(1, 0, 10), "/files/f")
}
