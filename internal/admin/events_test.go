package admin_test

import (
	"bufio"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/admin"
)

// next reads an event's data, which are stats.
func next(t *testing.T, lines *bufio.Scanner) (s admin.Stats, ok bool) {
	t.Helper()
	event := ""
	for lines.Scan() {
		switch field, value, _ := strings.Cut(lines.Text(), ": "); field {
		case "event":
			event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &s); err != nil || event != "stats" {
				t.Errorf("%v in the event %s: %s", err, event, value)
			}
		case "":
			return s, true
		}
	}
	return s, false
}

// TestEvents: they come again and again, although a request and a response may take but a moment,
// and end with one that says that the node drains.
func TestEvents(t *testing.T) {
	var told atomic.Int64
	draining := make(chan struct{})
	c := full()
	c.Draining = draining
	c.Stats = func() admin.Stats {
		s := admin.Stats{Requests: admin.RequestStats{Hit: told.Add(1)}}
		select {
		case <-draining:
			s.Draining = true
		default:
		}
		return s
	}
	server := httptest.NewUnstartedServer(admin.Handler(c))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 20*time.Millisecond, 20*time.Millisecond
	server.Start()
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" ||
		res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	for want := int64(1); want <= 2; want++ {
		if s, ok := next(t, lines); !ok || s.Requests.Hit != want || s.Draining {
			t.Fatalf("event %d: %+v, %v", want, s, lines.Err())
		}
	}
	close(draining)
	last, ok := next(t, lines)
	for s := last; ok; s, ok = next(t, lines) {
		last = s
	}
	if !last.Draining || lines.Err() != nil {
		t.Errorf("at the end: %+v, %v", last, lines.Err())
	}
}
