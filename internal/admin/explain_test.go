package admin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/explain"
)

// explained explains a request by what it is.
func explained(r *http.Request, probe bool) *explain.Explanation {
	asked := fmt.Sprint(r.Method, " ", r.URL, " ", r.Header, " ", probe)
	return &explain.Explanation{Action: "hit", Lines: []explain.Line{{Name: "Asked", Text: asked}}}
}

func TestExplain(t *testing.T) {
	server := httptest.NewServer(admin.Handler(admin.Config{Ready: func() bool { return true },
		Explain: explained}))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	const text, json, document = "text/plain; charset=utf-8", "application/json",
		"application/problem+json"
	tests := []struct {
		method, query, accept string
		status                int
		contentType, body     string // the body begins so
	}{
		{"GET", "url=/files/a", "", 200, text, "Asked        GET /files/a map[] true"},
		{"GET", "url=http://h:1/files/a%3Fb%26c&method=HEAD&probe=0", "", 200, text,
			"Asked        HEAD http://h:1/files/a?b&c map[] false"},
		{"GET", "url=/files/a&h=accept:+x&h=Accept:y&probe=1", "", 200, text,
			"Asked        GET /files/a map[Accept:[x y]] true"},
		{"GET", "url=/files/a&format=json", "", 200, json, "{\n  \"action\": \"hit\",\n  " +
			"\"lines\": [\n    {\n      \"name\": \"Asked\",\n      \"text\": \"GET /files/a " +
			"map[] true\"\n    }\n  ]\n}\n"},
		{"GET", "url=/files/a", "text/html, application/json;q=0.9", 200, json, "{"},
		{"GET", "url=/files/a&format=text", json, 200, text, "Asked        GET /files/a"},
		{"HEAD", "url=/files/a", "", 200, text, ""},
		{"POST", "url=/files/a", "", 405, document, `{
  "title": "Method Not Allowed",
  "status": 405,
  "detail": "this path has GET, HEAD"`},
		{"GET", "url=files/a&format=json", "", 400, document,
			"{\n  \"title\": \"Bad Request\",\n  \"status\": 400,\n  \"detail\": \"url=files/a: " +
				"expected a path"},
		{"GET", "x=1", json, 400, document, "{"},

		{"GET", "", "", 400, document, "url=: expected a path that begins with a slash, as in " +
			"/explain?url=/files/1.txt"},
		{"GET", "url=files/a", "", 400, document, "url=files/a: expected a path that begins with " +
			"a slash"},
		{"GET", "url=mailto:a", "", 400, document, "url=mailto:a: expected"},
		{"GET", "url=%2525%25zz", "", 400, document,
			`no client can ask for that: parse "%25%zz": invalid URL escape`},
		{"GET", "url=/files/a&url=/files/b", "", 400, document, "url is given 2 times"},
		{"GET", "url=/files/a?b=c&d=e", "", 400, document,
			`unknown parameter "d": there are url, method, h, probe and format; if it belongs to the url, write its & as %26`},
		{"GET", "url=/files/a&probe=no", "", 400, document, "probe=no: expected 0"},
		{"GET", "url=/files/a&format=xml", "", 400, document, "format=xml: expected text or json"},
		{"GET", "url=/files/a&h=Accept", "", 400, document,
			`h="Accept": expected a field of the request as in h=Accept-Encoding:+gzip`},
		{"GET", "url=/files/%zz", "", 400, document, "the query can't be read"},
		{"GET", "url=/files/a&method=A+B", "", 400, document,
			`no client can ask for that: net/http: invalid method "A B"`},
		{"GET", "url=/files/a&h=A+B:+c", "", 400, document, `h="A B: c": expected`},
		{"GET", "url=/files/a&h=A:+b%0D%0Ac", "", 400, document, `h="A: b\r\nc": expected`},
		{"GET", "url=/files/a" + strings.Repeat("&h=a:b", 101), "", 400, document,
			"there are 101 fields: give 100 at most"},
	}
	for _, tt := range tests {
		t.Run(tt.query[:min(60, len(tt.query))], func(t *testing.T) {
			req, err := http.NewRequest(tt.method, server.URL+"/explain", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.URL.RawQuery = tt.query
			if tt.accept != "" {
				req.Header.Set("Accept", tt.accept)
			}
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			contentType := res.Header.Get("Content-Type")
			if tt.status == 400 && !strings.HasPrefix(tt.body, "{") {
				body = []byte(problem(t, body).Detail)
			}
			if res.StatusCode != tt.status || !strings.HasPrefix(string(body), tt.body) ||
				contentType != tt.contentType && tt.contentType != "" {
				t.Errorf("got %d %s %q, want %d %s %q", res.StatusCode, contentType, body,
					tt.status, tt.contentType, tt.body)
			}
			if res.Header.Get("Cache-Control") != "no-store" {
				t.Error("it may be stored")
			}
		})
	}
}

// FuzzExplain: whatever is asked, there is an answer.
func FuzzExplain(f *testing.F) {
	handler := admin.Handler(admin.Config{Ready: func() bool { return true }, Explain: explained})
	f.Add("url=/files/a&h=a:b&probe=0")
	f.Fuzz(func(t *testing.T, query string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, &http.Request{Method: "GET", Host: "localhost",
			URL: &url.URL{Path: "/explain", RawQuery: query}, Header: http.Header{}})
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("%q: %d", query, w.Code)
		}
	})
}
