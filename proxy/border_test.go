package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// whole is what large is without a Range.
func whole(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Range")
	large.ServeHTTP(w, r)
}

// part answers a request for a range with that status and those fields, and as many bytes of large
// as status and range say.
func part(status int, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var start, end int64
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &start, &end); n < 2 {
			end = large.Size - 1
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, end, large.Size))
		w.Header().Set("Cache-Control", "max-age=60")
		for i := 0; i < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		if status != 200 && status != 206 {
			end = start + 99
		}
		w.Header().Set("Content-Length", fmt.Sprint(end+1-start))
		w.WriteHeader(status)
		_, _ = w.Write(origintest.Content(0, start, end+1))
	}
}

// refusing are origins that serve a plain GET of large, and answer a request for a range in one of
// the ways in which real ones have been seen to refuse it.
func refusing() map[string]http.HandlerFunc {
	ranged := map[string]http.HandlerFunc{
		"the whole":    whole,
		"400":          part(400),
		"403":          part(403),
		"404":          part(404),
		"410":          part(410),
		"412":          part(412),
		"416":          part(416),
		"429":          part(429),
		"500":          part(500),
		"501":          part(501),
		"503":          part(503),
		"redirect":     part(302, "Location", "/elsewhere"),
		"204":          part(204),
		"another etag": part(206, "Etag", `"other"`),
		"a weak etag":  part(206, "Etag", `W/"v1"`),
		"no validator": part(206),
		"no range":     part(206, "Etag", `"v1"`, "Content-Range", ""),
		"another start": part(206, "Etag", `"v1"`, "Content-Range", fmt.Sprintf("bytes 0-9/%d",
			large.Size)),
		"another length": part(206, "Etag", `"v1"`, "Content-Range",
			fmt.Sprintf("bytes %d-%d/7777777", slab, 2*slab-1)),
		"no total": part(206, "Etag", `"v1"`, "Content-Range", fmt.Sprintf("bytes %d-%d/*",
			slab, 2*slab-1)),
		"another coding": part(206, "Etag", `"v1"`, "Content-Encoding", "gzip"),
		"hangs up":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	origins := map[string]http.HandlerFunc{}
	for name, h := range ranged {
		origins[name] = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				h(w, r)
				return
			}
			large.ServeHTTP(w, r)
		}
	}
	return origins
}

// TestPlainGetAcrossSlabs: a file that an origin serves in answer to a plain GET is served,
// whatever the origin makes of ranges; and by a node on its own for a single request.
func TestPlainGetAcrossSlabs(t *testing.T) {
	origins := refusing()
	origins["gives ranges"] = large.ServeHTTP
	for name, h := range origins {
		t.Run(name, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			o.Handle("/f", h)
			n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
			if got := o.Count(); amongPeers <= 1 && got != 1 {
				t.Errorf("%d origin requests: %q", got, origintest.Ranges(o.Requests()))
			}
			plain := 0
			for _, r := range o.Requests() {
				if r.Header.Get("Range") == "" {
					plain++
				}
			}
			if plain != 1 {
				t.Errorf("%d plain requests", plain)
			}
			n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
		})
	}
}

// TestFieldsOfTheRequestThatIsContinued: an origin that answers only requests with certain fields
// gets them with each request, so that it is one like any other.
func TestFieldsOfTheRequestThatIsContinued(t *testing.T) {
	for _, field := range []string{"User-Agent: nut/1", "Referer: http://a/", "Cookie: a=b",
		"X-Api-Key: 7", "Authorization: Basic eA==", "Accept: nut/*"} {
		t.Run(field, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			name, value, _ := strings.Cut(field, ": ")
			f := large
			f.Header = http.Header{"Cache-Control": {"public, max-age=60"}}
			serve := dropping(f, 3*slab+100, f.ServeHTTP)
			o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get(name) != value {
					w.WriteHeader(403)
					return
				}
				serve(w, r)
			})
			n.expect(200, origintest.Content(0, 0, large.Size), "/files/f", field)
			for _, r := range o.Requests()[1:] {
				if r.Header.Get("Range") == "" {
					t.Errorf("a request without a range: %v", r)
				}
			}
		})
	}
}

// TestMirrors: each request comes to another mirror, which has an ETag of its own.
func TestMirrors(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	var asked atomic.Int64
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		f := large
		f.ETag = fmt.Sprintf(`"mirror %d"`, asked.Add(1))
		f.ServeHTTP(w, r)
	})
	n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
}

// TestLinkForOneUse: the second request for it is refused.
func TestLinkForOneUse(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	var used atomic.Bool
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if used.Swap(true) {
			w.WriteHeader(403)
			return
		}
		large.ServeHTTP(w, r)
	})
	n.expect(200, origintest.Content(0, 0, large.Size), "/files/f?signed")
}

// TestBrokenBodyOfOriginThatRefusesRanges: the body goes on in another whole one, under the same
// validator.
func TestBrokenBodyOfOriginThatRefusesRanges(t *testing.T) {
	for name, h := range refusing() {
		for _, at := range []int{100, slab + 100, 5 * slab} {
			t.Run(fmt.Sprint(name, " ", at), func(t *testing.T) {
				t.Parallel()
				n, o := fronting(t, proxy.Config{})
				var broken atomic.Bool
				o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Range") == "" && !broken.Swap(true) {
						large.ServeHTTP(&cutter{ResponseWriter: w, left: at}, r)
						return
					}
					h(w, r)
				})
				n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
			})
		}
	}
}

// TestSeeksInAFileWithoutRanges: they get the right bytes, and the refusal is paid for once.
func TestSeeksInAFileWithoutRanges(t *testing.T) {
	for name, h := range refusing() {
		t.Run(name, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			o.Handle("/f", h)
			ranged := 0
			for i, at := range []int64{5 * slab, 9*slab + 7, 100, 2*slab - 5, 7 * slab} {
				n.expect(206, origintest.Content(0, at, at+10), "/files/f",
					fmt.Sprintf("Range: bytes=%d-%d", at, at+9))
				if i == 0 {
					ranged = len(strings.Fields(origintest.Ranges(o.Requests())))
				}
			}
			again := len(strings.Fields(origintest.Ranges(o.Requests()))) - ranged
			if ranged > 5 || again > max(0, amongPeers-1)*ranged { // each node learns it for itself
				t.Errorf("%d requests for ranges, then %d: %q", ranged, again,
					origintest.Ranges(o.Requests()))
			}
		})
	}
}

// TestLargeBodyThatCantBeAskedForAgain isn't shared: each client gets its own, at its own pace.
func TestLargeBodyThatCantBeAskedForAgain(t *testing.T) {
	const size, clients = memory, 8
	c := newCluster(t, 3, proxy.Config{})
	f := origintest.File{Size: size, NoRanges: true, Header: maxAge("60")}
	c.o.Handle("/f", f.ServeHTTP)
	stalled := c.nodes[0].do(http.MethodGet, "/files/f") // and takes nothing
	defer stalled.Body.Close()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			resp, err := c.nodes[i%3].try(http.MethodGet, "/files/f")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			v := &origintest.Verifier{}
			if _, err := io.Copy(v, resp.Body); err != nil || v.Off != size ||
				!strings.Contains(resp.Header.Get("Cache-Status"), "detail=too-large") {
				t.Errorf("%d bytes, %v, %v", v.Off, err, resp.Header)
			}
		})
	}
	wg.Wait()
	if got := c.o.Count(); got != clients+1 {
		t.Errorf("%d origin requests for %d clients", got, clients+1)
	}
}

// TestBodyIsReadOnThroughOtherNodes: where the origin refuses ranges, one body serves the clients
// of all nodes.
func TestBodyIsReadOnThroughOtherNodes(t *testing.T) {
	for name, h := range refusing() {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 3, proxy.Config{Memory: 8 << 20})
			asked := make(chan struct{})
			c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
				<-asked
				h(w, r)
			})
			var wg sync.WaitGroup
			var begun sync.WaitGroup
			for i := range 6 {
				begun.Add(1)
				wg.Go(func() {
					begun.Done()
					c.nodes[i%3].expect(200, origintest.Content(0, 0, large.Size), "/files/f")
				})
			}
			begun.Wait()
			close(asked)
			wg.Wait()
			plain := 0
			for _, r := range c.o.Requests() {
				if r.Header.Get("Range") == "" {
					plain++
				}
			}
			if plain != 1 {
				t.Errorf("%d plain requests: %q", plain, origintest.Ranges(c.o.Requests()))
			}
			// what is known of the origin doesn't change what is stored, nor where it is found
			for _, n := range c.nodes {
				at := int64(7*slab + 5)
				n.expect(206, origintest.Content(0, at, at+10), "/files/f",
					fmt.Sprintf("Range: bytes=%d-%d", at, at+9))
			}
		})
	}
}

// TestClientsAtTheirOwnPace: those who come while a file is being read, and who are slower or
// faster than others, make no more requests than one, since the body goes on while anyone is still
// to read from it.
func TestClientsAtTheirOwnPace(t *testing.T) {
	oneNode(t)
	n, o := fronting(t, proxy.Config{Memory: 8 << 20})
	for i := range 40 {
		path := fmt.Sprint("/f", i)
		o.Handle(path, refusing()["403"])
		o.Forget()
		var wg sync.WaitGroup
		slow := n.do(http.MethodGet, "/files"+path)
		for range 3 {
			wg.Go(func() { n.expect(200, origintest.Content(0, 0, large.Size), "/files"+path) })
		}
		v := &origintest.Verifier{}
		_, err := io.CopyBuffer(struct{ io.Writer }{v}, struct{ io.Reader }{slow.Body}, make([]byte,
			100))
		slow.Body.Close()
		if err != nil || v.Off != large.Size {
			t.Errorf("%d bytes, %v", v.Off, err)
		}
		wg.Wait()
		if got := o.Count(); got != 1 {
			t.Errorf("%s: %d origin requests: %q", path, got, origintest.Ranges(o.Requests()))
		}
	}
}
