package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
)

// scripted is an origin that says, byte for byte, what a transcript has queued for the request, and
// holds the request to what the transcript says of it.
type scripted struct {
	base  *url.URL
	clock *clock
	wg    sync.WaitGroup

	mu       sync.Mutex
	queue    []*exchange   // guarded by mu, as is all below: not asked for yet
	pending  int           // asked for but not answered yet
	problems []string      // that requests had
	gate     chan struct{} // closed to let what is held go on
	loop     string        // CDN-Loop of the last request
	open     map[net.Conn]bool
	closed   bool
}

// newScripted starts an origin with nothing queued. The RoundTripper asks it.
func newScripted(t testing.TB, clock *clock) (*scripted, http.RoundTripper) {
	t.Helper()
	l := origintest.Listen(t)
	o := &scripted{
		base:  &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"},
		clock: clock, gate: make(chan struct{}), open: map[net.Conn]bool{},
	}
	o.wg.Go(func() { o.accept(l) })
	server := origin.HTTP(o.base)
	// a connection that closes is the transcript's doing then, and no request is sent twice for it
	server.MaxIdleConns = -1
	t.Cleanup(func() {
		server.CloseIdleConnections()
		l.Close()
		o.release()
		o.mu.Lock()
		o.closed = true
		for c := range o.open {
			c.Close()
		}
		o.mu.Unlock()
		o.wg.Wait()
	})
	return o, server
}

func (o *scripted) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		if o.closed {
			c.Close()
		}
		o.open[c] = true
		o.mu.Unlock()
		o.wg.Go(func() {
			o.serve(c)
			c.Close()
			o.mu.Lock()
			delete(o.open, c)
			o.mu.Unlock()
		})
	}
}

// serve answers the one request of a connection.
func (o *scripted) serve(c net.Conn) {
	r := bufio.NewReader(c)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	x := o.take(req, string(body))
	if x == nil {
		io.WriteString(c, "HTTP/1.1 599 Not Queued\r\nContent-Length: 0\r\n\r\n")
		return
	}
	if x.held {
		<-x.gate
	}
	o.clock.Advance(x.takes)
	io.WriteString(c, x.answer(req.Method))
	if len(x.heads) > 0 {
		c.(*net.TCPConn).CloseWrite() // at once: what breaks off does so right behind what has come
	}
	o.mu.Lock()
	o.pending--
	o.mu.Unlock()
	if len(x.heads) > 0 {
		io.Copy(io.Discard, r) // the other side closes; else a reset could overtake the answer
	}
}

// take removes from the queue what req asks for.
func (o *scripted) take(req *http.Request, body string) *exchange {
	o.mu.Lock()
	defer o.mu.Unlock()
	req.Header["Host"] = []string{req.Host}
	i := slices.IndexFunc(o.queue, func(x *exchange) bool { return x.answers(req, body) })
	if i < 0 {
		o.problems = append(o.problems, fmt.Sprintf("the origin was asked for what isn't queued: "+
			"%s %s %v", req.Method, req.RequestURI, req.Header))
		return nil
	}
	x := o.queue[i]
	o.queue = slices.Delete(o.queue, i, i+1)
	if len(x.heads) == 0 && !x.again && (req.Method == http.MethodGet ||
		req.Method == http.MethodHead) {
		again := *x
		again.again, again.maybe = true, true // origin.HTTP tries once more where that does no harm
		o.queue = append(o.queue, &again)
	}
	o.pending++
	o.loop = strings.Join(req.Header["Cdn-Loop"], ", ")
	for _, want := range x.wants {
		if problem := unlike(req.Header, body, want.text); problem != "" {
			o.problems = append(o.problems, fmt.Sprintf("line %d: the origin was asked with %s, "+
				"want %s: %s %s %v",
				want.n, problem, want.text, req.Method, req.RequestURI, req.Header))
		}
	}
	return x
}

// unlike says what a request is that isn't as wanted.
func unlike(h http.Header, body, want string) string {
	if absent, ok := strings.CutPrefix(want, "!"); ok {
		if values := h.Values(absent); len(values) > 0 {
			return fmt.Sprintf("%q", values)
		}
		return ""
	}
	name, value, _ := strings.Cut(want, ":")
	value = strings.TrimPrefix(value, " ")
	if name == "body" {
		if !holds(body, value) {
			return fmt.Sprintf("the content %q", body)
		}
		return ""
	}
	if values := h.Values(name); len(values) == 0 || !holds(strings.Join(values, ", "), value) {
		return fmt.Sprintf("%q", values)
	}
	return ""
}

// put queues x.
func (o *scripted) put(x *exchange) {
	o.mu.Lock()
	defer o.mu.Unlock()
	x.gate = o.gate
	o.queue = append(o.queue, x)
}

// release lets what has been held answer.
func (o *scripted) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.gate)
	o.gate = make(chan struct{})
}

// lastLoop is the CDN-Loop of the last request.
func (o *scripted) lastLoop() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.loop
}

// idle reports whether all that was queued has been asked for and answered.
func (o *scripted) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pending == 0 && !slices.ContainsFunc(o.queue,
		func(x *exchange) bool { return !x.maybe })
}

// wrong says what has gone wrong so far; what hasn't been asked for has if it is due.
func (o *scripted) wrong(due bool) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	problems := slices.Clone(o.problems)
	for _, x := range o.queue {
		if due && !x.maybe {
			problems = append(problems, fmt.Sprintf("line %d: the origin wasn't asked for %s %s",
				x.line, x.method, x.uri))
		}
	}
	return problems
}
