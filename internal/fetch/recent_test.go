package fetch

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/store"
)

// TestRecent: the last failures are kept, those of a body among them, with what operators need to
// know, and no others.
func TestRecent(t *testing.T) {
	o := serving(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/fine":
			io.WriteString(w, "fine")
		case r.URL.Path == "/half":
			w.Header().Set("Content-Length", "100000")
			w.Write(make([]byte, 50000))
			fallthrough
		default:
			panic(http.ErrAbortHandler)
		}
	})
	ask := func(key string) {
		resp, err := o.Fetch(t.Context(), &store.Request{Key: key,
			Fields: store.Fields{Proto: "HTTP/1.1"}}, nil)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	ask("fine")
	if got := o.Recent(); len(got) != 0 {
		t.Errorf("without a failure: %+v", got)
	}
	ask("half")
	if got := o.Recent(); len(got) != 1 || !strings.HasSuffix(got[0].URL, "/half") ||
		got[0].Text != "origin: unexpected EOF" &&
			got[0].Text != "unexpected EOF" {
		t.Errorf("a body that breaks off: %+v", got)
	}
	for i := range recentFailures + 1 {
		ask(fmt.Sprint("broken", i))
	}
	ask("long" + strings.Repeat("x", 3*longestText))
	got := o.Recent()
	if len(got) != recentFailures || got[0].Method != "GET" || got[0].At.Before(got[1].At) ||
		len(got[0].URL) > longestText+len("…") || len(got[0].Text) > longestText+len("…") ||
		!strings.HasSuffix(got[1].URL, "/broken20") || got[1].Text != "EOF" &&
		got[1].Text != "origin: EOF" {
		t.Errorf("%d: %+v", len(got), got[:2])
	}
}

// TestUnusableIsAFailure: a response that can't be used, or of which only a part comes, is counted
// and remembered as a failure, once, in words that make sense without the request.
func TestUnusableIsAFailure(t *testing.T) {
	o := serving(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/part":
			w.Header().Set("Content-Range", "bytes 0-4/100")
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, "acorn")
		case "/unmodified":
			w.WriteHeader(http.StatusNotModified)
		case "/half":
			w.Header().Set("Content-Length", "100000")
			w.Write(make([]byte, 50000))
			panic(http.ErrAbortHandler)
		}
	})
	for i, c := range []struct{ key, text string }{
		{"part", ErrUnasked.Error()}, {"unmodified", ErrUnasked.Error()},
		{"half", "unexpected EOF"},
	} {
		resp, err := o.Fetch(t.Context(), &store.Request{Key: c.key,
			Fields: store.Fields{Proto: "HTTP/1.1"}}, nil)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		got := o.Recent()
		if n := o.Counts().Errors; n != int64(i+1) || len(got) != i+1 ||
			!strings.HasSuffix(got[0].Text, c.text) {
			t.Errorf("%s: %d errors, %+v", c.key, n, got)
		}
	}
	var r recent
	r.add(Failed{Method: "GET", URL: "http://a/b",
		Text: "origin: read body of GET http://a/b: no byte for 5s"})
	r.add(Failed{Method: "GET", URL: "http://a/b", Text: "origin: GET http://a/b: EOF"})
	if got := r.latest(); got[0].Text != "origin: EOF" ||
		got[1].Text != "origin: read body: no byte for 5s" {
		t.Errorf("%+v", got)
	}
}
