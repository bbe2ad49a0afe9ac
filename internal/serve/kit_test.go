package serve

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/origin"
)

// The geometry of the tests' contents: chunks of 1 to 4 KiB, slabs of 64 KiB.
const smallest, largest, slab = 1 << 10, 4 << 10, 64 << 10

// bench is a Server over a store of its own, in front of an origin.
type bench struct {
	*Server
	o *origintest.Origin
	t testing.TB
	// of the last request
	entry   logging.Entry
	aborted bool
}

func newBench(t testing.TB) *bench {
	t.Helper()
	o := origintest.New(t)
	server := origin.HTTP(o.Base)
	t.Cleanup(server.CloseIdleConnections)
	log := zerolog.Nop()
	mount := site.New(site.Config{Mount: "/files/", Base: o.Base,
		Policy: httpcache.Policy{Limits: httpcache.Limits{MaxStale: time.Hour}}})
	var s *store.Store
	streams := func(rec *store.Record) bool { return s.Streams(rec) }
	source := fetch.New(fetch.Config{Site: mount, Origin: server, Name: decide.Name, Loop: "loop",
		Now: time.Now,
		Log: &log, Streams: streams})
	s, err := store.New(store.Config{Memory: 1 << 20, Source: source, Keys: mount,
		Policy:   mount.Policy,
		Geometry: chunk.Geometry{First: smallest, Max: largest, Slab: slab}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &bench{o: o, t: t, Server: New(Config{
		Rules: decide.Rules{Policy: mount.Policy, Now: time.Now, Streams: streams},
		Site:  mount, Store: s, Origin: source, Now: time.Now, MaxContent: 1 << 10,
	})}
}

// handle has the origin answer with a file that is fresh for an hour, but for what header says.
func (b *bench) handle(resource string, size int64, header ...string) origintest.File {
	f := origintest.File{Size: size, Seed: byte(len(resource)), ETag: `"1"`,
		Modified: origintest.Old,
		Header:   fields(append([]string{"Cache-Control: max-age=3600"}, header...)...)}
	b.o.Handle("/"+resource, f.ServeHTTP)
	return f
}

// fields is a header, in which a later line takes the place of an earlier one.
func fields(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	return h
}

// request is what ask makes of its arguments.
func request(method, resource string, lines []string) *http.Request {
	r := httptest.NewRequest(method, "/files/"+resource, nil)
	r.Header = fields(lines...)
	// by which httputil.ReverseProxy knows that it may abort
	return r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{}))
}

// ask has the Server answer a client's request for a resource.
func (b *bench) ask(method, resource string, lines ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.answer(b.Resource, request(method, resource, lines), resource)
}

func (b *bench) answer(by func(*logging.Writer, *http.Request, string), r *http.Request,
	resource string) (w *httptest.ResponseRecorder) {
	b.t.Helper()
	w = httptest.NewRecorder()
	log := zerolog.Nop()
	b.aborted = false
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			b.aborted = true
		} else if p != nil {
			panic(p)
		}
	}()
	logging.Access(&logging.AccessLog{Logger: &log}, http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		own := w.(*logging.Writer)
		defer func() { b.entry = own.Entry }()
		by(own, r, resource)
	})).ServeHTTP(w, r)
	return w
}

// asked is what the origin has been asked since the last call, by methods.
func (b *bench) asked() string {
	var methods []string
	for _, q := range b.o.Requests() {
		methods = append(methods, q.Method)
	}
	b.o.Forget()
	return strings.Join(methods, " ")
}

// hit has the Server answer without net/http, and returns the response as it would be sent.
func (b *bench) hit(method, resource string, lines ...string) (text string, ok bool) {
	b.t.Helper()
	var h Hit
	q := b.Request(request(method, resource, lines), resource)
	if !b.Hit(&q, &h, false) {
		return "", false
	}
	defer h.Close()
	var all strings.Builder
	all.Write(h.AppendHead(nil))
	if method != http.MethodHead {
		for _, part := range h.AppendContent(nil) {
			all.Write(part)
		}
	}
	return all.String(), true
}

// held asks for a resource, or a part of it, and waits until Hit answers that.
func (b *bench) held(resource string, lines ...string) {
	b.t.Helper()
	b.ask("GET", resource, lines...)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for late := time.After(10 * time.Second); ; {
		if _, ok := b.hit("GET", resource, lines...); ok {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			b.t.Fatalf("%s %q is no hit", resource, lines)
		}
	}
}

// parsed reads what hit returns.
func parsed(t *testing.T, method, text string) (resp *http.Response, content string) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)),
		&http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}
