package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/fastlane"
	"github.com/scurrycache/scurry/internal/listen"
	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// countingLane counts the calls of a lane that have answered something.
type countingLane struct {
	listen.Lane
	answered atomic.Int64
}

func (l *countingLane) Serve(c fastlane.Conn, p []byte) (int, *http.Request, error) {
	n, next, err := l.Lane.Serve(c, p)
	if n > 0 && next == nil {
		l.answered.Add(1)
	}
	return n, next, err
}

// TestLaneAsksTheOwner: what another node owns and holds is answered in the lane as well, as
// net/http answers it, unless it is large. What the owner doesn't hold goes on to net/http.
func TestLaneAsksTheOwner(t *testing.T) {
	book, clock := new(logbook), newClock()
	logger := zerolog.New(book)
	c := newCluster(t, 2, proxy.Config{Now: clock.Now}, func(i int, cfg *proxy.Config) {
		if i == 0 {
			cfg.Logger = &logger
		}
	})
	lane := &countingLane{Lane: c.nodes[0].Lane()}
	addresses := [2]string{
		served(t, &http.Server{Handler: c.nodes[0].Proxy}, lane),
		served(t, &http.Server{Handler: c.nodes[0].Proxy}, nil),
	}
	c.o.Handle("/small", origintest.File{Header: maxAge("600")}.ServeHTTP) // of talk
	c.nodes[0].expect(200, nil, "/files/small")
	next := 0
	// owned returns a new key of the second node's, which holds f there if it is to.
	owned := func(f origintest.File, held bool) string {
		for {
			next++
			if key := fmt.Sprintf("%05d", next); c.owner(key) == 1 {
				c.o.Handle("/"+key, f.ServeHTTP)
				if held {
					resp := c.nodes[1].do("GET", "/files/"+key, "Accept-Language: en")
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					c.nodes[1].idle()
				}
				return key
			}
		}
	}
	header := func(fields ...string) http.Header {
		h := maxAge("600")
		for i := 0; i < len(fields); i += 2 {
			h.Set(fields[i], fields[i+1])
		}
		return h
	}
	tagged := origintest.File{Size: first, ETag: `"1"`, Header: maxAge("600")}
	controlled := func(directives string) origintest.File {
		f := tagged
		f.Header = http.Header{"Cache-Control": {directives}}
		return f
	}
	sized := func(size int64) origintest.File {
		f := tagged
		f.Size = size
		return f
	}
	for name, tt := range map[string]struct {
		file    origintest.File
		request string
		absent  bool
		slow    bool // the lane leaves it to net/http
	}{
		"not storable": {file: controlled("no-store"), slow: true},
		"no-cache":     {file: controlled("no-cache"), slow: true},
		"private":      {file: controlled("private, max-age=60"), slow: true},
		"unlimited":    {file: origintest.File{Size: 10}, slow: true},
		"unvalidated":  {file: origintest.File{Size: 10, Header: maxAge("0")}, slow: true},
		"vary by all":  {file: origintest.File{Size: 10, Header: header("Vary", "*")}, slow: true},
		"empty":        {file: sized(0)},
		"in a record":  {file: sized(100)},
		"a chunk":      {file: tagged},
		"two chunks":   {file: sized(first + 1)},
		"more":         {file: sized(most)},
		"large":        {file: sized(most + 1), slow: true},
		"no validator": {file: origintest.File{Size: first + 1, Header: maxAge("600")}},
		"chunked":      {file: origintest.File{Size: first, Chunked: true, Header: maxAge("600")}},
		"HEAD":         {file: tagged, request: "HEAD"},
		"range":        {file: sized(3 * first), request: "GET Range: bytes=1500-2600"},
		"304":          {file: tagged, request: `GET If-None-Match: "1"`},
		"variant": {file: origintest.File{Size: first, Header: header("Vary",
			"Accept-Language")}, request: "GET Accept-Language: en"},
		"another": {file: origintest.File{Size: first, Header: header("Vary",
			"Accept-Language")}, request: "GET Accept-Language: fr", slow: true},
		"status above": {file: origintest.File{Size: 10, Header: header("Cache-Status",
			"upstream; hit")}},
		"stale":  {file: origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("0")}, slow: true},
		"absent": {file: tagged, absent: true, slow: true},
	} {
		t.Run(name, func(t *testing.T) {
			method, field, _ := strings.Cut(tt.request, " ")
			if method == "" {
				method = "GET"
			}
			if field != "" {
				field += "\r\n"
			}
			var shown [2]string
			var lines [2]map[string]any
			for i, address := range addresses {
				key := owned(tt.file, !tt.absent)
				book.clear()
				before := lane.answered.Load()
				got := talk(t, address, [][]byte{fmt.Appendf(nil,
					"%s /files/%s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, key, field)})
				if len(got) != 2 {
					t.Fatalf("%d responses", len(got))
				}
				if answered := lane.answered.Load() > before; i == 0 && answered == tt.slow {
					t.Errorf("that the lane has answered is %v", answered)
				}
				shown[i] = strings.ReplaceAll(got[0], key, "KEY")
				eventually(t, "both are logged", func() bool {
					return len(book.lines(t,
						"request")) == 2
				})
				lines[i] = book.lines(t, "request")[0]
				lines[i]["uri"] = ""
				for _, name := range []string{"id", "remote", "duration_ms", "ttfb_ms", "time",
					"version"} {
					delete(lines[i], name)
				}
			}
			if shown[0] != shown[1] {
				t.Errorf("the lane:  %.400q\nnet/http: %.400q", shown[0], shown[1])
			}
			if fmt.Sprint(lines[0]) != fmt.Sprint(lines[1]) {
				t.Errorf("the lane:  %v\nnet/http: %v", lines[0], lines[1])
			}
			if !tt.slow && (lines[0]["source"] != "peer" || lines[0]["cache"] != "hit") {
				t.Errorf("it isn't a hit by way of the owner: %v", lines[0])
			}
		})
	}
}

// TestLaneAsksARestartedOwner: what the lane answers by way of an owner that has restarted is what
// the origin has now, or one content from before, of which this node had a fresh copy. If the rest
// of that is gone, the response is aborted.
func TestLaneAsksARestartedOwner(t *testing.T) {
	const size = 2*first + 100 // which needs several questions
	file := func(n byte) origintest.File {
		return origintest.File{Size: size, Seed: n, ETag: fmt.Sprintf(`"%d"`, n), Header: maxAge("600")}
	}
	content := func(n byte) []byte { return origintest.Content(n, 0, size) }
	type asked struct {
		path   string
		before bool // it was asked for by way of the lane before the restart
		after  bool // it was asked for at the owner after that
	}
	for _, changed := range []bool{false, true} {
		t.Run(fmt.Sprintf("changed=%v", changed), func(t *testing.T) {
			c := newCluster(t, 2, proxy.Config{})
			lane := &countingLane{Lane: c.nodes[0].Lane()}
			address := served(t, &http.Server{Handler: c.nodes[0].Proxy}, lane)
			ask := func(a asked) (etag string, content []byte, whole bool) {
				client, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				fmt.Fprintf(client, "GET /files/%s HTTP/1.1\r\nHost: a\r\n\r\n", a.path)
				resp, err := http.ReadResponse(bufio.NewReader(client), nil)
				if err != nil || resp.StatusCode != 200 {
					t.Fatal(a, err)
				}
				content, err = io.ReadAll(resp.Body)
				return resp.Header.Get("Etag"), content, err == nil
			}
			var all []asked
			for i := range 32 {
				path := c.pathOwnedBy(1, fmt.Sprint("f", i))
				c.o.Handle("/"+path, file(1).ServeHTTP)
				c.nodes[1].expect(200, content(1), "/files/"+path)
				a := asked{path, i&1 > 0, i&2 > 0}
				if all = append(all, a); a.before {
					if _, got, whole := ask(a); !whole || !bytes.Equal(got, content(1)) {
						t.Errorf("%+v: %d bytes", a, len(got))
					}
				}
			}
			c.restart(1, memory)
			now := byte(1)
			if changed {
				now = 2
			}
			before := lane.answered.Load()
			for _, a := range all {
				c.o.Handle("/"+a.path, file(now).ServeHTTP)
				if a.after {
					c.nodes[1].expect(200, content(now), "/files/"+a.path)
				}
				for range 2 {
					tag, got, whole := ask(a)
					old := changed && a.before && tag == file(1).ETag &&
						bytes.HasPrefix(content(1), got)
					switch {
					case whole && tag == file(now).ETag && bytes.Equal(got, content(now)):
					case old && (!whole || len(got) == size): // the rest of a copy may be gone
					default:
						t.Errorf("%+v: %s and %d bytes, whole: %v", a, tag, len(got), whole)
					}
				}
			}
			if lane.answered.Load() == before {
				t.Error("the lane has answered nothing")
			}
		})
	}
}
