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
	node, address := "unknown", ""
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		node, address = host, host
		if strings.Contains(host, ":") {
			node = `"[` + host + `]"`
		}
	}
	h := http.Header{"Forwarded": {"for=" + node}}
	if chain := append(slices.Clip(r.Header["X-Forwarded-For"]), address); address != "" {
		h["X-Forwarded-For"] = []string{strings.Join(chain, ", ")}
	}
	return h
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
