package origin

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/http1"
)

// lateTransport answers its first request with a timeout, after that long.
type lateTransport struct {
	took     time.Duration
	dialing  bool // what takes so long is to connect
	requests int
}

func (l *lateTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(req.Context())
	trace.GetConn("")
	if !l.dialing {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if l.requests++; l.requests == 1 {
		<-time.After(l.took)
		return nil, timeoutError("it has taken too long")
	}
	return &http.Response{StatusCode: 200, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader("ok"))}, nil
}

// TestTimeoutOfAStandstill: a request that has timed out is sent again if the timeout came late, as
// it does when the process has stood still, and only if it may be.
func TestTimeoutOfAStandstill(t *testing.T) {
	const step = time.Minute
	for name, c := range map[string]struct {
		lateTransport
		method   string
		requests int
	}{
		"in time":        {lateTransport{took: step}, "GET", 1},
		"late":           {lateTransport{took: step + 2*http1.Standstill}, "GET", 2},
		"late, a POST":   {lateTransport{took: step + 2*http1.Standstill}, "POST", 1},
		"dial in time":   {lateTransport{took: step, dialing: true}, "GET", 1},
		"dial that's so": {lateTransport{took: step + 2*http1.Standstill, dialing: true}, "HEAD", 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, &url.URL{Scheme: "http", Host: "a"})
				s.next = &transports{http1: &c.lateTransport, once: &c.lateTransport,
					closeIdle: func() {}, step: step, body: step}
				resp, err := s.RoundTrip(target(t, c.method, s.BaseURL(), "/"))
				sent := c.lateTransport.requests
				if sent != c.requests || (err == nil) != (sent == 2) || err != nil && !http1.IsTimeout(err) {
					t.Errorf("%d requests, want %d: %v", sent, c.requests, err)
				}
				if err == nil {
					check(t, resp.Body.Close())
				}
			})
		})
	}
}

// TestBodyTimeoutOfAStandstill: a body whose timer fires late is waited for once more, and no
// longer than that.
func TestBodyTimeoutOfAStandstill(t *testing.T) {
	const limit = time.Minute
	for after, ends := range map[time.Duration]bool{
		0: false, limit / 2: false, limit + limit/2: false, 2*limit + limit/2: true,
	} {
		synctest.Test(t, func(t *testing.T) {
			in, out := io.Pipe()
			req := target(t, "GET", &url.URL{Scheme: "http", Host: "a"}, "/")
			x := &exchange{req: req, limit: limit}
			x.ctx, x.cancel = context.WithCancelCause(t.Context())
			defer context.AfterFunc(x.ctx, func() { in.CloseWithError(context.Cause(x.ctx)) })()
			x.follow(&http.Response{StatusCode: 200, Body: in})
			var others sync.WaitGroup
			others.Go(func() {
				<-time.After(after)
				io.WriteString(out, "ok")
				out.Close()
			})
			others.Go(func() {
				synctest.Wait()
				x.timer.Reset(limit + limit/4) // the process stands still
			})
			b, err := io.ReadAll(x)
			if ends != (err != nil) || !ends && string(b) != "ok" || ends && !http1.IsTimeout(err) {
				t.Errorf("after %v: %q, %v", after, b, err)
			}
			in.Close()
			others.Wait()
		})
	}
}
