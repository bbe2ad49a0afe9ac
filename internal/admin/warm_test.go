package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/warm"
)

// files answers as a cache that warms itself does. A request for /slow waits for goOn, or for its
// context, and says to came that it is there.
type files struct{ came, goOn chan struct{} }

func (f files) RoundTrip(r *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{},
		Body: http.NoBody, ContentLength: 7, Request: r}
	switch {
	case strings.HasPrefix(r.URL.Path, "/hit"):
		resp.Header.Set("Cache-Status", "scurry; hit")
	case strings.HasPrefix(r.URL.Path, "/missing"):
		resp.StatusCode, resp.Status, resp.ContentLength = 404, "404 Not Found", 0
	case r.URL.Path == "/slow":
		f.came <- struct{}{}
		select {
		case <-f.goOn:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		fallthrough
	default:
		resp.Header.Set("Cache-Status", "scurry; fwd=uri-miss; stored")
	}
	return resp, nil
}

// warming is a listener that warms by files.
func warming(t *testing.T) (server *httptest.Server, f files, draining chan struct{}) {
	f, draining = files{make(chan struct{}, 1), make(chan struct{})}, make(chan struct{})
	c := full()
	c.Warm = admin.NewWarm(f, draining)
	server = httptest.NewServer(admin.Handler(c))
	t.Cleanup(server.Close)
	t.Cleanup(server.Client().CloseIdleConnections)
	return server, f, draining
}

// warmWith sends a POST /warm.
func warmWith(ctx context.Context, t *testing.T, server *httptest.Server, body string,
	fields ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/warm",
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func reportIn(t *testing.T, res *http.Response) (report warm.Report) {
	t.Helper()
	if err := json.NewDecoder(res.Body).Decode(&report); err != nil {
		t.Fatal(err)
	}
	report.Seconds = 0
	return report
}

// TestWarmReport: the answer is what has come of all, and of each that failed.
func TestWarmReport(t *testing.T) {
	server, _, _ := warming(t)
	res := warmWith(t.Context(), t, server, `{"files":["/hit/1","http://h/a","/b"],"concurrency":2,"rate":1e6}`)
	if got := reportIn(t, res); res.StatusCode != 200 || !got.Success || got.Hits != 1 ||
		got.Stored != 2 || got.Bytes != 21 || got.URLs != 3 {
		t.Errorf("%s %+v", res.Status, got)
	}
	res = warmWith(t.Context(), t, server, `{"files":["/hit/1","/missing"]}`)
	if got := reportIn(t, res); res.StatusCode != 207 || got.Success || got.Failed != 1 ||
		len(got.Failures) != 1 ||
		got.Failures[0] != (warm.Line{URL: "/missing", Outcome: "failed", Error: "404 Not Found"}) {
		t.Errorf("%s %+v", res.Status, got)
	}
}

// TestWarmAgain: who has the report can ask again at once.
func TestWarmAgain(t *testing.T) {
	server, _, _ := warming(t)
	for range 200 {
		res := warmWith(t.Context(), t, server, `{"files":["/a"]}`, "Accept",
			"application/x-ndjson")
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), `{"success":true`) {
		}
		if res.StatusCode != 200 {
			t.Fatal(res.Status)
		}
	}
}

// TestWarmStreams: each URL is told as soon as it is done, in the two forms that there are.
func TestWarmStreams(t *testing.T) {
	for media, format := range map[string]struct{ url, report string }{
		"application/x-ndjson": {`{"url":"/hit","outcome":"hit","bytes":7}`,
			`{"success":true,"urls":2,`},
		"text/event-stream": {"event: url", "event: report"},
	} {
		server, f, _ := warming(t)
		res := warmWith(t.Context(), t, server, `{"files":["/hit","/slow"],"concurrency":1}`,
			"Accept", "text/html;q=0.1, "+media)
		lines := bufio.NewScanner(res.Body)
		if !lines.Scan() || lines.Text() != format.url || res.Header.Get("Content-Type") != media {
			t.Errorf("%s: the first line is %q", media, lines.Text())
		}
		<-f.came // the other one isn't done yet
		f.goOn <- struct{}{}
		found := false
		for lines.Scan() {
			found = found || strings.HasPrefix(lines.Text(), format.report)
		}
		if !found {
			t.Errorf("%s: there is no report", media)
		}
	}
}

// TestWarmEnds: a warming ends with its client and with the node, and one runs at a time.
func TestWarmEnds(t *testing.T) {
	server, f, draining := warming(t)
	ctx, leave := context.WithCancel(t.Context())
	const slow = `{"files":["/slow"]}`
	warmWith(ctx, t, server, slow, "Accept", "application/x-ndjson")
	<-f.came
	if res := warmWith(t.Context(), t, server, slow); res.StatusCode != 409 {
		t.Errorf("a second one: %s", res.Status)
	}
	leave()
	ended := make(chan *http.Response)
	go func() {
		for {
			res := warmWith(t.Context(), t, server, slow)
			if res.StatusCode != 409 {
				ended <- res
				return
			}
		}
	}()
	<-f.came // the first one has ended
	close(draining)
	res := <-ended
	if got := reportIn(t, res); res.StatusCode != 503 || got.Success ||
		got.Error != "the node is draining" {
		t.Errorf("%s %+v", res.Status, got)
	}
	if res := warmWith(t.Context(), t, server, slow); res.StatusCode != 503 {
		t.Errorf("on a node that drains: %s", res.Status)
	}
}

// TestWarmRefuses: what is wrong with a request is said.
func TestWarmRefuses(t *testing.T) {
	server, _, _ := warming(t)
	for body, want := range map[string]struct {
		status int
		detail string
	}{
		``:                                      {400, "isn't the JSON of a warming"},
		`{}`:                                    {400, "no URL is named"},
		`{"files":[]}`:                          {400, "no URL is named"},
		`{"files":"/a"}`:                        {400, "isn't the JSON"},
		`{"urls":["/a"]}`:                       {400, `unknown field "urls"`},
		`{"files":["/a"]}x`:                     {400, "something follows"},
		`{"files":["/a"],"concurrency":65}`:     {400, "concurrency 65: expected 1 to 64"},
		`{"files":["/a"],"rate":-1}`:            {400, "rate: expected"},
		`{"files":["/a"],"header":{"a b":"c"}}`: {400, "isn't a field"},
		`{"files":["` + strings.Repeat("a", 17<<20) + `"]}`: {413, "in parts"},
	} {
		res := warmWith(t.Context(), t, server, body)
		text, _ := io.ReadAll(res.Body)
		if p := problem(t, text); res.StatusCode != want.status || !strings.Contains(p.Detail,
			want.detail) {
			t.Errorf("%.60s: %s %q", body, res.Status, p.Detail)
		}
	}
	if res := warmWith(t.Context(), t, server, `{"files":["/a"]}`, "Content-Type",
		"text/plain"); res.StatusCode != 415 {
		t.Errorf("a form of a web page: %s", res.Status)
	}
}
