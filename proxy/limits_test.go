package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// limited is a node with limits that is served with the fast lane and without. Its clock stands
// still.
type limited struct {
	*node
	o     *origintest.Origin
	now   *clock
	book  *logbook
	plain string // the address without the fast lane
}

func newLimited(t testing.TB, limits proxy.Limits) *limited {
	t.Helper()
	oneNode(t)
	l := &limited{now: newClock(), book: new(logbook)}
	logger := zerolog.New(l.book)
	if _, bench := t.(*testing.B); bench {
		logger = zerolog.Nop()
	}
	l.node, l.o = fronting(t, proxy.Config{Limits: limits, Logger: &logger, Now: l.now.Now})
	l.plain = served(t, &http.Server{Handler: l.Proxy}, nil)
	l.o.Handle("/f", origintest.File{Size: 100, ETag: `"1"`, Header: maxAge("60000")}.ServeHTTP)
	return l
}

// ask sends a GET by one of the lanes: 0 is the fast one.
func (l *limited) ask(lane int, path string, fields ...string) *http.Response {
	l.t.Helper()
	if lane == 0 {
		resp, _ := l.get(path, fields...)
		return resp
	}
	there := *l.node
	there.Server = &httptest.Server{URL: "http://" + l.plain}
	resp, _ := there.get(path, fields...)
	return resp
}

// logged are the lines of the access log, once there are so many.
func (l *limited) logged(n int) (lines []map[string]any) {
	l.t.Helper()
	eventually(l.t, fmt.Sprint(n, " lines"), func() bool {
		lines = l.book.lines(l.t.(*testing.T),
			"request")
		return len(lines) >= n
	})
	return lines
}

// TestClientRate: a client gets what the rate allows, by whichever lane, and then a 429 that says
// when to come again.
func TestClientRate(t *testing.T) {
	const burst = 6
	l := newLimited(t, proxy.Limits{ClientRate: 0.1, ClientBurst: burst})
	for i := range burst {
		if resp := l.ask(i%2, "/files/f"); resp.StatusCode != http.StatusOK {
			t.Fatalf("request %d of %d: %s", i, burst, resp.Status)
		}
	}
	for lane := range 2 {
		resp := l.ask(lane, "/files/f")
		if resp.StatusCode != http.StatusTooManyRequests ||
			resp.Header.Get("Retry-After") != "10" ||
			resp.Header.Get("Cache-Control") != "no-store" ||
			resp.Header.Get("Proxy-Status") != "scurry; error=http_request_denied" {
			t.Errorf("by %s: %s, %v", laneNames[lane], resp.Status, resp.Header)
		}
		l.cacheStatus(resp, "scurry; detail=too-many-requests")
	}
	if s := l.Stats(); s.Refused != (proxy.Refusals{ClientRate: 2}) || s.Hits != burst-1 ||
		s.Misses != 1 {
		t.Errorf("refused %+v, %d hits, %d misses", s.Refused, s.Hits, s.Misses)
	}
	for i, line := range l.logged(burst + 2) {
		if refused := i >= burst; refused != (line["note"] == "limit: client rate") ||
			refused != (line["status"] == 429.0) {
			t.Errorf("line %d: %v", i, line)
		}
	}
	l.now.Advance(10 * time.Second)
	for i, want := range []int{200, 429} {
		if resp := l.ask(i, "/files/f"); resp.StatusCode != want {
			t.Errorf("after the wait, request %d: %s", i, resp.Status)
		}
	}
}

// TestRequestsInFlight: one request too many gets a 503, a hit as well, until another one has
// ended.
func TestRequestsInFlight(t *testing.T) {
	l := newLimited(t, proxy.Limits{Requests: 1})
	asked, goOn := make(chan struct{}), make(chan struct{})
	l.o.Handle("/slow", func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-goOn
	})
	l.get("/files/f")
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := l.try(http.MethodGet, "/files/slow"); err == nil {
			resp.Body.Close()
		}
	}()
	<-asked
	for lane := range 2 {
		resp := l.ask(lane, "/files/f")
		if resp.StatusCode != http.StatusServiceUnavailable ||
			resp.Header.Get("Retry-After") != "1" {
			t.Errorf("by %s: %s, %v", laneNames[lane], resp.Status, resp.Header)
		}
	}
	close(goOn)
	<-done
	eventually(t, "the slow one isn't in flight", func() bool {
		return l.ask(0, "/files/f").StatusCode == http.StatusOK
	})
	for i := range 10 { // none of these stays in flight
		if resp := l.ask(i%2, "/files/f"); resp.StatusCode != http.StatusOK {
			eventually(t, "the last one isn't in flight", func() bool {
				return l.ask(0, "/files/f").StatusCode == http.StatusOK
			})
		}
	}
	if n := l.Stats().Refused.Requests; n < 2 {
		t.Errorf("%d are counted", n)
	}
}

// TestTrustedProxies: who the client is, in the log and for its rate, by both lanes.
func TestTrustedProxies(t *testing.T) {
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	const from = "X-Forwarded-For: 1.1.1.1, 198.51.100."
	t.Run("trusted", func(t *testing.T) {
		l := newLimited(t, proxy.Limits{ClientRate: 0.1, ClientBurst: 2,
			TrustedProxies: []netip.Prefix{loopback}})
		l.get("/files/f", from+"1")
		for client := 2; client < 5; client++ {
			for i, want := range []int{200, 200, 429, 429} {
				if resp := l.ask(i%2, "/files/f", fmt.Sprint(from,
					client)); resp.StatusCode != want {
					t.Errorf("request %d of client %d: %s", i, client, resp.Status)
				}
			}
		}
		if resp := l.ask(0, "/files/f", "Forwarded: for=198.51.100.4"); resp.StatusCode != 429 {
			t.Errorf("by the other field: %s", resp.Status)
		}
		for _, line := range l.logged(14) {
			remote, proxy := fmt.Sprint(line["remote"]), fmt.Sprint(line["proxy"])
			if !strings.HasPrefix(remote, "198.51.100.") || !strings.HasPrefix(proxy, "127.") {
				t.Errorf("remote %s, proxy %s", remote, proxy)
			}
		}
	})
	t.Run("not trusted", func(t *testing.T) {
		l := newLimited(t, proxy.Limits{ClientRate: 0.1, ClientBurst: 2})
		for i, want := range []int{200, 200, 429, 429} {
			if resp := l.ask(i%2, "/files/f", fmt.Sprint(from, i)); resp.StatusCode != want {
				t.Errorf("request %d: %s", i, resp.Status)
			}
		}
		for _, line := range l.logged(4) {
			if !strings.HasPrefix(fmt.Sprint(line["remote"]), "127.") || line["proxy"] != nil {
				t.Errorf("remote %v, proxy %v", line["remote"], line["proxy"])
			}
		}
	})
}

// TestLimitsAllocateNothing: a hit allocates no more with limits than without.
func TestLimitsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	l := newLimited(t, proxy.Limits{Requests: 100, ClientRate: 1e9,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("1.2.3.0/24")}})
	l.get("/files/f")
	text := []byte("GET /files/f HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n")
	var c laneClient
	if n := testing.AllocsPerRun(200, func() {
		c.Reset()
		if n, next, err := l.Lane().Serve(&c, text); n != len(text) || next != nil || err != nil {
			t.Fatalf("it takes %d bytes, %v", n, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLimitsAreChecked: what makes no sense is an error of New.
func TestLimitsAreChecked(t *testing.T) {
	for _, limits := range []proxy.Limits{
		{Requests: -1}, {ClientBurst: -1}, {ClientRate: -1}, {TrustedProxies: make([]netip.Prefix,
			1)},
	} {
		if err := (proxy.Config{Origin: refuse{}, Limits: limits}).Validate(); err == nil {
			t.Errorf("%+v is valid", limits)
		}
	}
}

// BenchmarkLimits is what a hit costs in the fast lane, with each limit.
func BenchmarkLimits(b *testing.B) {
	for _, bm := range []struct {
		name   string
		limits proxy.Limits
	}{
		{"none", proxy.Limits{}},
		{"requests", proxy.Limits{Requests: 1 << 20}},
		{"rate", proxy.Limits{ClientRate: 1e9}},
		{"proxies", proxy.Limits{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("1.2.3.0/24")}}},
		{"all", proxy.Limits{Requests: 1 << 20, ClientRate: 1e9,
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("1.2.3.0/24")}}},
	} {
		b.Run("limit="+bm.name, func(b *testing.B) {
			l := newLimited(b, bm.limits)
			l.get("/files/f")
			lane := l.Lane()
			text := []byte("GET /files/f HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " +
				"198.51.100.7\r\n\r\n")
			var c laneClient
			b.ReportAllocs()
			for b.Loop() {
				c.Reset()
				if n, next, err := lane.Serve(&c, text); n != len(text) || next != nil ||
					err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
