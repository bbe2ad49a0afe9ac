package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/workers"
)

// asTask sends a request as a Task whose caller leaves with ctx. It returns what comes of the
// request, and whether the caller was there to the end.
func asTask(ctx context.Context, t *testing.T, p *workers.Pool, c *Client, path string) (
	body string, stayed bool, err error) {
	t.Helper()
	over := make(chan bool)
	p.Run(ctx, func(task *workers.Task) {
		defer close(over)
		body, err = whole(c, get(task.Context(t.Context()), path))
		stayed = task.Attached()
	})
	<-over
	return body, stayed, err
}

// TestTaskAwaitsTheHead: while the server takes its time, a request over a kept connection is
// waited for by the task's caller, also through TLS and with interim responses. If the caller
// leaves, the request goes on without it, and so does the next one over that connection.
func TestTaskAwaitsTheHead(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	example := httptest.NewUnstartedServer(nil)
	example.StartTLS()
	example.Close()
	for name, secure := range map[string]bool{"TCP": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			asked, answer := make(chan string, 1), make(chan string)
			s := start(t, func(c net.Conn, r *bufio.Reader) {
				if secure {
					c = tls.Server(c, example.TLS)
					r = bufio.NewReader(c)
				}
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					asked <- req.URL.Path
					for text := range answer {
						if text == "" {
							break
						}
						io.WriteString(c, text)
					}
				}
			})
			c := newClient(func(ctx context.Context) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr().String())
				if err != nil {
					return nil, err
				}
				if conn = NewSocket(conn, secure); secure {
					conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
				}
				return conn, nil
			})
			c.HeaderTimeout = time.Minute
			t.Cleanup(c.CloseIdle)
			p := workers.New()
			t.Cleanup(p.Close)
			for i, want := range []struct {
				parts  []string
				leaves bool
				stays  bool
			}{
				{parts: []string{ok("dials")}, stays: false},
				{parts: []string{ok("waits")}, stays: true},
				{parts: []string{"HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 OK\r\n",
					"Content-Length: 5\r\n\r\nhints"}, stays: true},
				{parts: []string{ok("leave")}, leaves: true},
				{parts: []string{ok("again")}, stays: true},
			} {
				ctx, leave := context.WithCancel(t.Context())
				go func() {
					<-asked
					if want.leaves {
						leave()
					}
					for _, part := range want.parts {
						answer <- part
					}
					answer <- ""
				}()
				body, stayed, err := asTask(ctx, t, p, c, "/")
				leave()
				// If the answer has come already, the caller stays, also one that leaves.
				if len(body) != 5 || err != nil || !want.leaves && stayed != want.stays {
					t.Errorf("%d: %q, %v; the caller stayed: %v", i, body, err, stayed)
				}
			}
		})
	}
}

// TestTaskLeaves: a caller who leaves while nothing comes is free at once. The deadlines stay as
// they were.
func TestTaskLeaves(t *testing.T) {
	if !CanPoll {
		t.Skip("this system uses no connection twice")
	}
	asked, answer := make(chan bool), make(chan bool)
	s := start(t, func(c net.Conn, r *bufio.Reader) {
		for n := 0; ; n++ {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			if n > 0 {
				asked <- true
				<-answer
			}
			io.WriteString(c, ok("acorn"))
		}
	})
	c := s.client(t)
	p := workers.New()
	defer p.Close()
	if _, _, err := asTask(t.Context(), t, p, c, "/"); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-asked; leave() }()
	type result struct {
		body string
		err  error
	}
	over := make(chan result)
	p.Run(ctx, func(task *workers.Task) {
		body, err := whole(c, get(task.Context(t.Context()), "/"))
		over <- result{body, err}
	}) // returns although nothing comes
	answer <- true
	if got := <-over; got != (result{"acorn", nil}) {
		t.Error(got)
	}

	c.HeaderTimeout = 50 * time.Millisecond
	go func() { <-asked }()
	if _, stayed, err := asTask(t.Context(), t, p, c, "/"); !IsTimeout(err) || !stayed {
		t.Errorf("a silent server: %v, the caller stayed: %v", err, stayed)
	}
	close(answer)
}
