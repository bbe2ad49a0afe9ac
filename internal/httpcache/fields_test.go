package httpcache_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/httpcache"
)

func TestEndToEnd_RFC9110_7_6_1(t *testing.T) {
	tests := []struct {
		name string
		in   http.Header
		want http.Header
	}{
		{"nil", nil, http.Header{}},
		{"kept", head("Cache-Control: a", "Cache-Control: b", "Www-Authenticate: c",
			"Set-Cookie: d"),
			head("Cache-Control: a", "Cache-Control: b", "Www-Authenticate: c", "Set-Cookie: d")},
		{"hop-by-hop", head("Connection: close", "Keep-Alive: x", "Proxy-Connection: x",
			"TE: trailers", "Trailer: x",
			"Transfer-Encoding: chunked", "Upgrade: h2c", "Date: x"), head("Date: x")},
		{"proxy's own RFC 9111 §3.1", head("Proxy-Authenticate: x", "Proxy-Authentication-Info: x",
			"Proxy-Authorization: x", "Authorization: y"), head("Authorization: y")},
		{"named by Connection", head("Connection: x-a , ,X-B,", "Connection: X-c", "X-A: 1",
			"X-B: 2", "X-C: 3", "X-D: 4"), head("X-D: 4")},
		{"Connection names what isn't there", head("Connection: x-a, bad name", "X-D: 4"),
			head("X-D: 4")},
		{"empty field", http.Header{"X-A": {}, "X-B": {""}}, http.Header{"X-A": {}, "X-B": {""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.in.Clone()
			if got := httpcache.EndToEnd(tt.in); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if !reflect.DeepEqual(tt.in, before) {
				t.Errorf("argument changed to %v", tt.in)
			}
		})
	}
}

func TestEndToEndSharesNothing(t *testing.T) {
	in := head("A: 1", "A: 2", "B: 3")
	out := httpcache.EndToEnd(in)
	out["A"][0] = "x"
	out.Add("A", "y")
	out.Add("B", "z")
	if want := head("A: 1", "A: 2", "B: 3"); !reflect.DeepEqual(in, want) {
		t.Errorf("argument is %v", in)
	}
	if want := (http.Header{"A": {"x", "2", "y"}, "B": {"3", "z"}}); !reflect.DeepEqual(out, want) {
		t.Errorf("copy is %v", out)
	}
}

func FuzzEndToEnd(f *testing.F) {
	f.Add("close, X-A", "x-a")
	f.Add(",, ,", "Cache-Control")
	f.Fuzz(func(t *testing.T, connection, name string) {
		in := http.Header{"Connection": {connection}, http.CanonicalHeaderKey(name): {"v"},
			"X-B": {"w"}}
		out := httpcache.EndToEnd(in)
		for option := range strings.SplitSeq(connection, ",") {
			if option = strings.Trim(option, " \t"); option != "" && out.Get(option) != "" {
				t.Errorf("%v kept in %v", option, out)
			}
		}
	})
}
