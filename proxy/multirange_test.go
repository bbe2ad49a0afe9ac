package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestSeveralRangesOfWhatIsPartlyEvicted: a content that can't be asked for by ranges, some of
// which has been evicted, is asked for anew before anything is sent of it, whichever of the parts
// is missing.
func TestSeveralRangesOfWhatIsPartlyEvicted(t *testing.T) {
	oneNode(t) // which chunks are evicted where depends on the ring
	const size = 6 * most
	noRanges := func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Etag"], w.Header()["Cache-Control"] = []string{`"1"`}, []string{"max-age=600"}
		w.Header()["Accept-Ranges"], w.Header()["Content-Length"] = []string{"none"},
			[]string{fmt.Sprint(size)}
		w.Write(origintest.Content(0, 0, size))
	}
	for name, serve := range map[string]http.HandlerFunc{
		"no validator": origintest.File{Size: size, Header: maxAge("600")}.ServeHTTP,
		"a weak validator": origintest.File{Size: size, ETag: `W/"1"`,
			Header: maxAge("600")}.ServeHTTP,
		"no ranges": noRanges,
	} {
		for _, ranges := range [][][2]int64{
			{{0, 10}, {20000, 20010}}, {{20000, 20010}, {0, 10}}, {{0, 10}, {size - 10, size},
				{20000, 30000}},
		} {
			t.Run(fmt.Sprint(name, " ", ranges), func(t *testing.T) {
				n, o := fronting(t, proxy.Config{})
				o.Handle("/f", serve)
				o.Handle("/filler", origintest.File{Size: most, Header: maxAge("600")}.ServeHTTP)
				n.expect(200, origintest.Content(0, 0, size), "/files/f")
				// which evicts what isn't asked for meanwhile: the middle
				for i := range 2 * memory / most {
					for range 2 {
						n.expect(200, origintest.Content(0, 0, most), fmt.Sprint("/files/filler?",
							i))
					}
					n.expect(206, origintest.Content(0, 0, 10), "/files/f", "Range: bytes=0-9")
					n.expect(206, origintest.Content(0, size-10, size), "/files/f",
						"Range: bytes=-10")
				}
				o.Forget()
				n.expectParts("/files/f", ranges)
				if o.Count() != 1 {
					t.Errorf("the origin has been asked %d times", o.Count())
				}
				n.expectParts("/files/f", ranges)
				if o.Count() != 1 {
					t.Errorf("the origin has been asked once more, %d times", o.Count())
				}
			})
		}
	}
}

// expectParts asks for those ranges of a content and checks what comes.
func (n *node) expectParts(path string, ranges [][2]int64) {
	n.t.Helper()
	field := "Range: bytes="
	for _, r := range ranges {
		field += fmt.Sprintf("%d-%d,", r[0], r[1]-1)
	}
	// over one that it has used before, the transport would try an aborted request again
	n.client.CloseIdleConnections()
	resp, b := n.get(path, field)
	kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || resp.StatusCode != 206 || kind != "multipart/byteranges" {
		n.t.Fatalf("%s: %s, %q", path, resp.Status, resp.Header.Get("Content-Type"))
	}
	m := multipart.NewReader(bytes.NewReader(b), params["boundary"])
	for _, r := range ranges {
		part, err := m.NextPart()
		if err != nil {
			n.t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, origintest.Content(0, r[0],
			r[1])) {
			n.t.Errorf("%s %v: %d bytes, %v", path, r, len(got), err)
		}
	}
	if _, err := m.NextPart(); err != io.EOF {
		n.t.Errorf("%s: after the last part: %v", path, err)
	}
}
