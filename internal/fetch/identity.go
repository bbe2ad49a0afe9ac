package fetch

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Identified are the fields that tell the origin who sends r, and nothing else. They go with what
// is asked for one client alone, though the answer may turn out to be for all: then it must not
// vary by them.
func Identified(r *http.Request) http.Header {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return http.Header{"Forwarded": {"for=unknown"}}
	}
	node := host
	if strings.Contains(host, ":") {
		node = `"[` + host + `]"`
	}
	chain := append(slices.Clip(r.Header["X-Forwarded-For"]), host)
	return http.Header{
		"Forwarded":       {"for=" + node},
		"X-Forwarded-For": {strings.Join(chain, ", ")},
	}
}

// VariesByIdentity reports whether a response says that another client would have got another one.
func VariesByIdentity(header, identity http.Header) bool {
	names, _ := httpcache.VaryNames(header)
	return slices.ContainsFunc(names, func(name string) bool { return len(identity[name]) > 0 })
}

// fieldsTold is what the origin is told of who asks: such an answer is for one, unless it says
// otherwise.
func fieldsTold(by store.Fields) http.Header {
	if len(by.Header["Authorization"]) == 0 {
		return nil
	}
	return by.From
}
