package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestMissThenHit: a file is fetched by one request; among several nodes, by one for as many slabs
// in a row as one of them owns.
func TestMissThenHit(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	for _, size := range edges() {
		path := fmt.Sprint("/f", size)
		f := origintest.File{Size: size, ETag: `"1"`, Modified: origintest.Old,
			Header: maxAge("60")}
		o.Handle(path, f.ServeHTTP)
		var owners []int
		if amongPeers > 1 {
			owners = slabOwners(n, o, append([]*proxy.Proxy{n.Proxy}, n.peers...), fmt.Sprint(size),
				f)
		}
		o.Forget()
		want := origintest.Content(0, 0, size)
		n.cacheStatus(n.expect(200, want, "/files"+path), "fwd=uri-miss; fwd-status=200; stored")
		resp := n.expect(200, want, "/files"+path)
		n.cacheStatus(resp, "scurry; hit; ttl=")
		if resp.ContentLength != size || resp.Header.Get("Age") == "" ||
			resp.Header.Get("Via") != "1.1 scurry" {
			t.Errorf("length %d, header %v", resp.ContentLength, resp.Header)
		}
		if got := o.Count(); got != spans(owners) {
			t.Errorf("size %d: %d origin requests for slabs of %v: %s", size, got, owners,
				origintest.Ranges(o.Requests()))
		}
	}
}

// edges are sizes around every boundary of the geometry.
func edges() []int64 {
	sizes := []int64{0, 1}
	for _, b := range []int64{first, 2 * first, 4 * first, most, 2 * most, slab, slab + first,
		2 * slab} {
		sizes = append(sizes, b-1, b, b+1)
	}
	return append(sizes, 3*slab+2*most+7)
}

func TestEdgeSizesWithoutRangesAndChunked(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	for _, size := range edges() {
		for name, f := range map[string]origintest.File{
			"noranges": {NoRanges: true},
			"chunked":  {Chunked: true},
			"weak":     {ETag: `W/"1"`},
		} {
			f.Size, f.Header = size, maxAge("60")
			path := fmt.Sprint("/", name, size)
			o.Handle(path, f.ServeHTTP)
			o.Forget()
			for range 2 {
				n.expect(200, origintest.Content(0, 0, size), "/files"+path)
			}
			if got := o.Count(); got != 1 {
				t.Errorf("%s: %d origin requests", path, got)
			}
			n.idle()
		}
	}
}

// TestBytesArriveAsTheyCome shows causally that nothing is held back: the origin sends the next
// piece only when all clients have received the last.
func TestBytesArriveAsTheyCome(t *testing.T) {
	for _, length := range []int64{20 << 10, -1} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			more := make(chan int64)
			o.Handle("/drip", drip(7, length, maxAge("60"), more))
			var clients []*http.Response
			join := func(has int64) {
				resp := n.do(http.MethodGet, "/files/drip")
				t.Cleanup(func() { resp.Body.Close() })
				receive(t, resp.Body, 0, has)
				clients = append(clients, resp)
			}
			join(0)
			for sent := int64(0); sent < 20<<10; sent += 1 << 10 {
				if i := sent >> 10; i == 5 || i == 7 || i == 8 {
					for range 5 {
						join(sent)
					}
				}
				more <- sent + 1<<10
				for _, c := range clients {
					receive(t, c.Body, sent, sent+1<<10)
				}
			}
			close(more)
			for i, c := range clients {
				if n, err := c.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("client %d ends with %d bytes, %v", i, n, err)
				}
			}
			if len(clients) != 16 || o.Count() != 1 {
				t.Errorf("%d clients, %d origin requests", len(clients), o.Count())
			}
			n.cacheStatus(n.expect(200, origintest.Content(7, 0, 20<<10), "/files/drip"), "hit")
		})
	}
}

// receive reads the content [start, end) off body.
func receive(t *testing.T, body io.Reader, start, end int64) {
	t.Helper()
	got := make([]byte, end-start)
	if _, err := io.ReadFull(body, got); err != nil {
		t.Fatalf("bytes [%d, %d): %v", start, end, err)
	}
	if !bytes.Equal(got, origintest.Content(7, start, end)) {
		t.Fatalf("bytes [%d, %d) are wrong", start, end)
	}
}

func TestManyClientsOneRequest(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	f := origintest.File{Size: slab, ETag: `"1"`, Modified: origintest.Old}
	all := make(chan struct{})
	o.Handle("/cold", func(w http.ResponseWriter, r *http.Request) {
		<-all
		f.ServeHTTP(w, r)
	})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			resp, err := n.try(http.MethodGet, "/files/cold")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			v := &origintest.Verifier{}
			if _, err := io.Copy(v, resp.Body); err != nil || v.Off != f.Size {
				t.Errorf("%v after %d bytes", err, v.Off)
			}
		})
	}
	close(all)
	wg.Wait()
	if o.Count() != 1 {
		t.Errorf("%d origin requests for 100 clients", o.Count())
	}
}

func TestFirstClientHangsUp(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	more := make(chan int64)
	o.Handle("/drip", drip(7, 20<<10, maxAge("60"), more))
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/files/drip", nil)
	if err != nil {
		t.Fatal(err)
	}
	leader, err := n.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	more <- 1 << 10
	receive(t, leader.Body, 0, 1<<10)
	follower := n.do(http.MethodGet, "/files/drip")
	defer follower.Body.Close()
	receive(t, follower.Body, 0, 1<<10)
	cancel()
	if _, err := io.ReadAll(leader.Body); !errors.Is(err, context.Canceled) {
		t.Fatalf("the leader ended with %v", err)
	}
	leader.Body.Close()
	more <- 2 << 10
	receive(t, follower.Body, 1<<10, 2<<10)
	follower.Body.Close()
	more <- 20 << 10 // nobody listens any more, yet it is taken
	close(more)
	n.expect(200, origintest.Content(7, 0, 20<<10), "/files/drip")
	if o.Count() != 1 {
		t.Errorf("%d origin requests", o.Count())
	}
}

// TestShortChunkedBodiesAskedForByMany: fills of bodies of unknown length that end at once, between
// any two steps of those who ask for them.
func TestShortChunkedBodiesAskedForByMany(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	// else the transport would hide aborted answers
	n.client.Transport.(*http.Transport).DisableKeepAlives = true
	const files, clients = 60, 10
	for _, size := range []int64{0, 1, first} {
		o.Forget()
		for i := range files {
			o.Handle(fmt.Sprint("/", size, "-", i), origintest.File{Size: size, Chunked: true,
				Header: maxAge("60")}.ServeHTTP)
		}
		for i := range files {
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for range 3 {
						n.expect(200, origintest.Content(0, 0, size), fmt.Sprint("/files/", size,
							"-", i))
					}
				})
			}
			wg.Wait()
		}
		if o.Count() != files {
			t.Errorf("%d bytes: %d origin requests for %d files", size, o.Count(), files)
		}
	}
}
