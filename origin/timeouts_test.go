package origin

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/http1"
)

// TestSetTimeouts: a request that has begun keeps its timeouts and its connection, and what comes
// after the change has the new ones, on connections of its own.
func TestSetTimeouts(t *testing.T) {
	goOn := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusOK)
			http.NewResponseController(w).Flush()
			<-goOn
		}
		io.WriteString(w, r.RemoteAddr)
	}))
	end := sync.OnceFunc(func() { close(goOn) })
	defer server.Close()
	defer end()
	base, err := url.Parse(server.URL)
	check(t, err)
	s := newServer(t, base)
	get := func(path string) (body string, err error) {
		_, body, err = fetch(s, target(t, "GET", s.BaseURL(), path))
		return body, err
	}
	first, err := get("/")
	check(t, err)
	begun, err := s.RoundTrip(target(t, "GET", s.BaseURL(), "/waits"))
	check(t, err)
	defer begun.Body.Close()

	s.SetTimeouts(Timeouts{BodyTimeout: short})
	if _, err := get("/waits"); !http1.IsTimeout(err) { // the other one waits longer than that, too
		t.Errorf("no timeout but %v", err)
	}
	second, err := get("/")
	if check(t, err); second == first {
		t.Error("a connection is used that was made before")
	}
	s.SetTimeouts(Timeouts{})
	end()
	if b, err := io.ReadAll(begun.Body); err != nil || string(b) != first {
		t.Errorf("what had begun ends with %q, %v", b, err)
	}
	if _, err := get("/waits"); err != nil {
		t.Error(err)
	}
}
