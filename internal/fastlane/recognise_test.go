package fastlane

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/trace"
)

const browser = "GET /files/a.js?v=1 HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: " +
	"*/*\r\n" +
	"Sec-Fetch-Site: same-origin\r\nReferer: http://localhost:8080/files/\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\nIf-None-Match: \"1\"\r\n\r\n"

// FuzzRecognise holds what the lane admits to what net/http reads: the same method, target, host
// and fields, no content, and a connection that stays.
func FuzzRecognise(f *testing.F) {
	for _, text := range []string{
		browser, browser + browser,
		"HEAD / HTTP/1.1\r\nHost: [::1]:80\r\naccept: a\r\nRange: bytes=0-\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nAccept: a: b \r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\n Accept: b\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\nAccept: b\r\n\r\n",
		"GET /%61 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
		"GET //a@b:c/..;?? HTTP/1.1\r\nHost: a\r\nCookie: a=b; c\r\n\r\n",
		"GET /a HTTP/1.1\r\ntraceparent: 1\r\nHost: a\r\nTracestate: b\r\n\r\n",
		"GET /a HTTP/1.1\r\ntraceparent: 1\r\nHost: a\r\n Tracestate: b\r\n\r\n",
		"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET  /a HTTP/1.1\r\n\r\n\r\n", "\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	l := New(serve.New(serve.Config{Origin: &fetch.Origin{}, Site: new(site.Site)}),
		admission.New(admission.Config{}),
		new(logging.AccessLog))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, ok := l.recognise(text)
		if !ok {
			return
		}
		rest := bufio.NewReader(bytes.NewReader(text))
		q, err := http.ReadRequest(rest)
		if err != nil {
			t.Fatalf("%q: net/http refuses it: %v", text, err)
		}
		header := q.Header.Clone()
		header.Del("Connection")
		for _, name := range carriers {
			if len(header[name]) > 1 {
				t.Errorf("%q: two of %s", text, name)
			}
			header.Del(name)
		}
		if q.Method == http.MethodHead {
			header.Del("Range")
			header.Del("If-Range")
		}
		request := r.fields.request
		if q.Method != request.Method || q.RequestURI != r.target || q.Host != r.fields.host ||
			q.UserAgent() != r.fields.userAgent || !reflect.DeepEqual(header, request.Header) ||
			q.ContentLength != 0 || q.TransferEncoding != nil || q.Close || !q.ProtoAtLeast(1, 1) ||
			q.URL.Opaque != "" || q.URL.Host != "" && !strings.HasPrefix(r.target, "//") {
			t.Errorf("%q: %+v, %+v", text, r.fields, q)
		}
		if left := rest.Buffered(); len(text) <= 4096 && left != len(text)-r.size {
			t.Errorf("%q: %d bytes are left, want %d", text, len(text)-r.size, left)
		}
	})
}

// TestTracesAreCut: requests that differ by their traces share their fields, and requests whose
// trace isn't plain aren't.
func TestTracesAreCut(t *testing.T) {
	log := &logging.AccessLog{Tracer: new(trace.Tracer)}
	l := New(serve.New(serve.Config{Origin: &fetch.Origin{}, Site: new(site.Site)}),
		admission.New(admission.Config{}), log)
	of := func(lines string) (request, bool) {
		return l.recognise([]byte("GET /a HTTP/1.1\r\n" + lines + "\r\n\r\n"))
	}
	none, _ := of("Host: a\r\nAccept: b")
	if none.trace != nil {
		t.Error(none.trace)
	}
	for lines, want := range map[string]http.Header{
		"Host: a\r\nTraceparent: 1\r\nAccept: b": {"Traceparent": {"1"}},
		"traceparent: 2\r\nHost: a\r\nAccept: b\r\nTRACESTATE: c=d": {"Traceparent": {"2"},
			"Tracestate": {"c=d"}},
		"Host: a\r\nAccept: b\r\ntracestate: e": {"Tracestate": {"e"}},
	} {
		r, ok := of(lines)
		if !ok || r.fields != none.fields || !reflect.DeepEqual(r.trace, want) {
			t.Errorf("%q: %v, %v", lines, ok, r.trace)
		}
	}
	for _, lines := range []string{
		"Host: a\r\nTraceparent: 1\r\ntraceparent: 1", "Host: a\r\nTraceparent:  1",
		"Host: a\r\nTraceparent: ",
		"Host: a\r\nTraceparent: 1\nAccept: b", "Host: a\r\nAccept: b\nTraceparent: 1",
		"Traceparent: 1",
		"Host: a\r\nTraceparent: 1\r\n b", "Host: a\r\nTraceparent : 1", "Host: a\r\nTraceparent:1",
	} {
		if r, ok := of(lines); ok {
			t.Errorf("%q: %v", lines, r.trace)
		}
	}
	l.log.Tracer = nil
	if r, ok := of("Host: a\r\nTraceparent: 1"); !ok || r.trace != nil {
		t.Errorf("nothing is traced, but %v", r.trace)
	}
}

// TestRecognise shows that what browsers send is plain, and that requests share their fields.
func TestRecognise(t *testing.T) {
	l := New(serve.New(serve.Config{Origin: &fetch.Origin{}, Site: new(site.Site)}),
		admission.New(admission.Config{}), nil)
	first, ok := l.recognise([]byte(browser))
	if !ok || first.target != "/files/a.js?v=1" || first.fields.host != "localhost:8080" ||
		first.size != len(browser) {
		t.Fatalf("%+v, %v", first, ok)
	}
	again, _ := l.recognise([]byte(strings.Replace(browser, "a.js", "b.js", 1)))
	if again.fields != first.fields || again.target != "/files/b.js?v=1" {
		t.Errorf("%+v, want the fields of %+v", again, first)
	}
	head, _ := l.recognise([]byte(strings.Replace(browser, "GET", "HEAD", 1)))
	if head.fields == first.fields || head.fields.request.Method != http.MethodHead {
		t.Errorf("%+v", head.fields)
	}
	for end := range len(browser) {
		if _, ok := l.recognise([]byte(browser[:end])); ok {
			t.Errorf("%q is no whole request", browser[:end])
		}
	}
}
