package proxy_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// impatience is the timeout of the nodes below; what they serve takes more than twice as long, at a
// steady pace.
const impatience = 400 * time.Millisecond

// slowly calls step at a pace that is slow, but quick enough for impatience.
func slowly(step func(i int)) {
	pace := time.NewTicker(impatience / 10)
	defer pace.Stop()
	for i := range 25 {
		<-pace.C
		step(i)
	}
}

func impatient(t *testing.T) (*node, *origintest.Origin) {
	return fronting(t, proxy.Config{WriteTimeout: impatience})
}

// TestTransfersMayTakeLong: only standing still is limited, whatever path a response takes and
// however little of it comes at a time.
func TestTransfersMayTakeLong(t *testing.T) {
	n, o := impatient(t)
	drip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		slowly(func(i int) {
			w.Write(origintest.Content(0, int64(i)*10, int64(i+1)*10))
			w.(http.Flusher).Flush()
		})
	}
	o.Handle("/drip", drip)
	o.Handle("/late", func(w http.ResponseWriter, r *http.Request) {
		slowly(func(int) {})
		io.WriteString(w, "at last")
	})
	var clients sync.WaitGroup
	clients.Go(func() { n.expect(200, origintest.Content(0, 0, 250), "/files/drip") })
	clients.Go(func() {
		n.expect(200, origintest.Content(0, 0, 250), "/files/drip?passed",
			"Authorization: x")
	})
	clients.Go(func() { n.expect(200, []byte("at last"), "/files/late") })
	clients.Go(func() { n.expect(200, []byte("at last"), "/files/late", "Authorization: x") })
	clients.Wait()
}

func TestUploadsMayTakeLong(t *testing.T) {
	n, o := impatient(t)
	o.Handle("/up", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	r, w := io.Pipe()
	go func() {
		slowly(func(i int) { fmt.Fprintf(w, "%02d", i) })
		w.Close()
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, n.URL+"/files/up", r)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := n.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp, b := n.read(resp); resp.StatusCode != 200 || len(b) != 50 {
		t.Errorf("%s %q", resp.Status, b)
	}
}

// TestBodyThatNeverComes: a GET is answered whether its body comes or not, and the connection
// doesn't wait for it for ever.
func TestBodyThatNeverComes(t *testing.T) {
	n, o := impatient(t)
	o.Handle("/f", origintest.File{Size: 10, Header: maxAge("60")}.ServeHTTP)
	n.expect(200, origintest.Content(0, 0, 10), "/files/f")
	for _, method := range []string{"GET", "POST"} {
		// returns when the connection is closed
		answer := n.raw(method + " /files/f HTTP/1.1\r\nHost: n\r\nContent-Length: 10\r\n\r\n")
		if method == "GET" && !strings.HasPrefix(answer, "HTTP/1.1 200 OK\r\n") {
			t.Errorf("%s: %q", method, answer)
		}
	}
}

// TestCutHTTP10ResponseBreaks: to an HTTP/1.0 client, without a Content-Length, the end of the
// connection is the end of the content, unless it is reset.
func TestCutHTTP10ResponseBreaks(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	f := origintest.File{Size: 50_000, Chunked: true, Header: maxAge("60")}
	for _, fields := range []string{"", "Authorization: x\r\n"} {
		o.Handle("/f", dropping(f, 20_000, f.ServeHTTP))
		c, err := net.Dial("tcp", n.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /files/f HTTP/1.0\r\n%s\r\n", fields)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%q: the cut response ends with %v", fields, err)
		}
		n.expect(200, origintest.Content(0, 0, 50_000), "/files/f")
		o.Handle("/f", nil)
	}
}

func TestMaxForwards(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w,
			r.Header.Get("Max-Forwards"))
	})
	n.read(n.do("OPTIONS", "/files/f", "Max-Forwards: 0"))
	n.read(n.do("TRACE", "/files/f", "Max-Forwards: 0"))
	if o.Count() != 0 {
		t.Errorf("the origin was asked %v", o.Requests())
	}
	for sent, want := range map[string]string{"Max-Forwards: 3": "2", "Max-Forwards: many": "many",
		"X: y": ""} {
		if _, b := n.read(n.do("OPTIONS", "/files/f", sent)); string(b) != want {
			t.Errorf("%s became %q", sent, b)
		}
	}
	if _, b := n.read(n.do("POST", "/files/f", "Max-Forwards: 3")); string(b) != "3" {
		t.Errorf("a POST's became %q", b)
	}
}

// TestWebSocketPasses: a protocol switch goes through, both ways.
func TestWebSocketPasses(t *testing.T) {
	n, o := fronting(t, proxy.Config{WebSocket: true})
	o.Handle("/ws", func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+
			"websocket\r\n\r\n")
		rw.Flush()
		io.Copy(c, rw)
	})
	c, err := net.Dial("tcp", n.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET /files/ws HTTP/1.1\r\nHost: n\r\nConnection: Upgrade\r\nUpgrade: "+
		"websocket\r\n\r\n")
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	fmt.Fprint(c, "nuts")
	echo := make([]byte, 4)
	if _, err := io.ReadFull(r, echo); err != nil || string(echo) != "nuts" {
		t.Errorf("%q %v", echo, err)
	}
}

// TestStuckClientOfAServerWithoutTimeouts: an embedder's server may have none; the proxy's own
// still counts.
func TestStuckClientOfAServerWithoutTimeouts(t *testing.T) {
	n, o := impatient(t)
	o.Handle("/f", origintest.File{Size: 20 << 10, Header: maxAge("60")}.ServeHTTP)
	closed := make(chan struct{})
	bare := httptest.NewUnstartedServer(n.Proxy)
	bare.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			close(closed)
		}
	}
	bare.Start()
	defer bare.Close()
	c, err := net.Dial("tcp", bare.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var sending sync.WaitGroup
	sending.Go(func() { // and reads nothing
		io.WriteString(c, strings.Repeat("GET /files/f HTTP/1.1\r\nHost: n\r\n\r\n", 3000))
	})
	<-closed
	sending.Wait()
}

// TestQuietOriginOverHTTP2: a deadline there is the response's own, and would fire while nothing is
// being written.
func TestQuietOriginOverHTTP2(t *testing.T) {
	t.Parallel()
	n, o := impatient(t)
	o.Handle("/drip", func(w http.ResponseWriter, r *http.Request) {
		for i := range int64(3) {
			<-time.After(impatience * 3 / 2)
			w.Write(origintest.Content(0, i, i+1))
			w.(http.Flusher).Flush()
		}
	})
	for _, timeout := range []time.Duration{0, impatience} {
		t.Run(fmt.Sprint("server's timeout ", timeout), func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(n.Proxy)
			defer s.Close()
			s.EnableHTTP2 = true
			s.Config.WriteTimeout = timeout
			s.StartTLS()
			resp, err := s.Client().Get(s.URL + "/files/drip")
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(b) != string(origintest.Content(0, 0, 3)) ||
				resp.ProtoMajor != 2 {
				t.Errorf("%s %q, %v", resp.Proto, b, err)
			}
		})
	}
}

// TestStalledUploadIsTheClientsFault: neither the origin nor its log is blamed.
func TestStalledUploadIsTheClientsFault(t *testing.T) {
	n, o := impatient(t)
	o.Handle("/up", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	answer := n.raw("PUT /files/up HTTP/1.1\r\nHost: n\r\nContent-Length: 10\r\n\r\nnut")
	if !strings.HasPrefix(answer, "HTTP/1.1 408 Request Timeout\r\n") {
		t.Errorf("%q", answer)
	}
	if s := n.Stats(); s.Failures != 0 {
		t.Errorf("%+v", s)
	}
}

// TestPieces: a server that waits for slow clients by itself is given large pieces of the content.
func TestPieces(t *testing.T) {
	n, o := fronting(t, proxy.Config{WriteTimeout: impatience, Memory: 16 << 20,
		FirstChunk: 32 << 10, MaxChunk: 1 << 20, Slab: 2 << 20})
	const size = 1 << 20
	o.Handle("/f", origintest.File{Size: size, Header: maxAge("60")}.ServeHTTP)
	n.expect(200, origintest.Content(0, 0, size), "/files/f")
	for timeout, large := range map[time.Duration]bool{impatience: true, 2 * impatience: false} {
		w := &pieceWriter{ResponseRecorder: httptest.NewRecorder(), timeout: timeout}
		n.ServeHTTP(w, httptest.NewRequest("GET", "/files/f", nil))
		if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), origintest.Content(0, 0, size)) {
			t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
		}
		if w.largest > 64<<10 != large {
			t.Errorf("with a server that waits for %s, %d bytes are written at once", timeout,
				w.largest)
		}
	}
}

// pieceWriter knows the most bytes that were written at once.
type pieceWriter struct {
	*httptest.ResponseRecorder
	timeout time.Duration
	largest int
}

func (w *pieceWriter) StallTimeout() time.Duration { return w.timeout }

func (w *pieceWriter) Write(p []byte) (int, error) {
	w.largest = max(w.largest, len(p))
	return w.ResponseRecorder.Write(p)
}
