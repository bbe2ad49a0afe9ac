package listen

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// requests are pieces of streams: requests one after the other, some of which look like others
// within. The first are good.
var requests = []string{
	"GET / HTTP/1.1\r\nHost: n\r\n\r\n",
	"GET / HTTP/1.1\nHost: n\n\n",
	"HEAD /a HTTP/1.0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n\r\nacorn",
	"POST / HTTP/1.1\r\nHost: n\r\ncontent-length:\t0007 \r\n\r\n\r\n\r\nnut",
	"POST / HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: n\r\nContent-Length: 39\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: " +
		"other\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n27\r\nGET /smuggled " +
		"HTTP/1.1\r\nHost: other\r\n\r\n\r\n0\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: " +
		"Chunked\r\n\r\n3;a=b;c=\"d\"\r\nnut\r\n00002 \t\r\n\r\n\r\n0;x\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\nTrailer: " +
		"A\r\n\r\n3\r\nnut\r\n0\r\nA: b\r\nContent-Length: 9\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: n\r\nX: " + strings.Repeat("x", 5000) + "\r\n\r\n",
	"\r\nGET / HTTP/1.1\r\nHost: n\r\n\r\n",
	"\r\n\r\n\n\r\nGET / HTTP/1.1\r\nHost: n\r\n\r\n\r\n",
	// Bad or odd ones, after which nothing is served.
	"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: n\r\nX: a\r\n b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: n\r\nContent-Length: +5\r\n\r\nacorn",
	"PUT / HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnutX\r\n0\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n3\nnut\r\n0\r\n\r\n",
	"\rGET / HTTP/1.1\r\nHost: n\r\n\r\n",
}

// TestScannerAgreesWithHTTP: on any stream of requests, read in whatever pieces, the scanner takes
// for heads what net/http takes for heads, up to a request that is odd, or that either can't read.
func TestScannerAgreesWithHTTP(t *testing.T) {
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 1))
		var stream string
		good := random.IntN(8)
		for range good {
			stream += requests[random.IntN(goodRequests)]
		}
		if served := agree(t, stream, random); served != good {
			t.Fatalf("%.400q: %d requests are served, not %d", stream, served, good)
		}
		stream += requests[random.IntN(len(requests))] + requests[0]
		if random.IntN(4) == 0 && stream != "" { // and a byte that is wrong
			i := random.IntN(len(stream))
			stream = stream[:i] + string("\r\n :;0a\x00"[random.IntN(8)]) + stream[i+1:]
		}
		agree(t, stream, random)
	}
}

func FuzzScanner(f *testing.F) {
	for _, r := range requests {
		f.Add(r+requests[0], uint64(1))
	}
	f.Fuzz(func(t *testing.T, stream string, seed uint64) {
		agree(t, stream,
			rand.New(rand.NewPCG(seed, 2)))
	})
}

const goodRequests = 13

// agree scans stream in pieces, has net/http read what the scanner lets pass, and returns how many
// requests are served.
func agree(t *testing.T, stream string, random *rand.Rand) (served int) {
	t.Helper()
	source := &scanned{rest: []byte(stream), random: random}
	r := bufio.NewReaderSize(source, 4096)
	for n := 1; ; n++ {
		req, err := http.ReadRequest(r)
		s := &source.scanner
		if err == io.EOF && s.part == between && s.heads != n-1 {
			t.Fatalf("%.400q: the scanner has seen %d heads, not %d", stream, s.heads, n-1)
		}
		if err != nil {
			return n - 1
		}
		if s.odd.number == n {
			return n - 1 // it is refused, or the last one
		}
		if s.odd.number != 0 && s.odd.number < n {
			t.Fatalf("%.400q: request %d is served after an odd one, %v", stream, n, s.odd)
		}
		if s.heads < n {
			return n - 1 // it is refused
		}
		if len(req.TransferEncoding) > 0 && req.ProtoMinor == 0 {
			t.Fatalf("%.400q: request %d passes", stream, n)
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return n - 1
		}
		if clean := s.clean(n); clean && r.Buffered() > 0 {
			t.Fatalf("%.400q: after request %d, the scanner expects a head where %d bytes are left",
				stream, n, r.Buffered())
		}
		if !s.clean(n) && r.Buffered() == 0 && s.part != lost {
			t.Fatalf("%.400q: after request %d, the scanner expects more of it", stream, n)
		}
	}
}

// scanned is a reader of what a scanner lets pass.
type scanned struct {
	scanner scanner
	rest    []byte
	random  *rand.Rand
}

func (s *scanned) Read(p []byte) (int, error) {
	for len(s.rest) > 0 {
		n := copy(p[:min(len(p), 1+s.random.IntN(1+s.random.IntN(len(s.rest))))], s.rest)
		s.rest = s.rest[n:]
		if n = len(s.scanner.scan(p[:n])); n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

// TestOddities: what the scanner finds odd, and why.
func TestOddities(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: n\r\n\r\n"
	for head, want := range map[string]oddity{
		"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n": {2,
			"a Transfer-Encoding in HTTP/1.0"},
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n": {2, ""},
		"GET / HTTP/1.1\r\nContent-Length: 5\r\nTRANSFER-ENCODING:chunked\r\n":  {2, ""},
		"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n": {2,
			"an unknown Transfer-Encoding"},
		"GET / HTTP/1.1\r\nTransfer-Encoding:\r\n": {2,
			"an unknown Transfer-Encoding"},
		"GET / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n": {2,
			"an unknown Transfer-Encoding"},
		"GET / HTTP/1.1\r\nContent-Length:\r\n": {2,
			"a malformed Content-Length"},
		"GET / HTTP/1.1\r\nContent-Length: -1\r\n": {2,
			"a malformed Content-Length"},
		"GET / HTTP/1.1\r\nContent-Length: 5, 5\r\n": {2,
			"a malformed Content-Length"},
		"GET / HTTP/1.1\r\nContent-Length: 9223372036854775808\r\n": {2,
			"a malformed Content-Length"},
		"GET / HTTP/1.1\r\nX: y\r\n z\r\n": {2, "a field line that is folded"},
		"GET / HTTP/1.1\r\n X: y\r\n":      {2, "a field line that is folded"},
		"GET / HTTP/1.1\r\nHost: [::1\r\n": {2, "a malformed Host"},
		"\rGET / HTTP/1.1\r\n": {2,
			"a CR without LF before the request line"},
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n": {},
		"GET / HTTP/1.1\r\nContent-Length: 0\r\n":          {},
	} {
		for size := 1; size < 100; size += 7 {
			var s scanner
			for piece := range bytesOf(get+head+"\r\n0\r\n\r\n", size) {
				s.scan(piece)
			}
			if s.odd != want {
				t.Errorf("%.400q: %v, want %v", head, s.odd, want)
				break
			}
		}
	}
}

func bytesOf(s string, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(s) > 0 {
			n := min(size, len(s))
			if !yield([]byte(s[:n])) {
				return
			}
			s = s[n:]
		}
	}
}

// BenchmarkScan is what a browser's request costs the scanner.
func BenchmarkScan(b *testing.B) {
	var head bytes.Buffer
	fmt.Fprintf(&head, "GET /files/a HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUser-Agent: "+
		"%s\r\nAccept: %s\r\nAccept-Language: en,de;q=0.5\r\n",
		strings.Repeat("Mozilla/5.0 ", 8), strings.Repeat("text/html,", 9))
	head.WriteString("Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: " +
		"keep-alive\r\nCookie: a=b\r\nTe: trailers\r\n\r\n")
	var s scanner
	b.ReportAllocs()
	for b.Loop() {
		s.scan(head.Bytes())
	}
}
