package fetch

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Identified returns the fields that tell the origin which client sends r. They are sent with a
// request for one client whose response may still be stored for all; it is not stored if it varies
// by them.
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

// VariesByIdentity reports whether a response varies by one of the identity fields, so that it
// isn't for other clients.
func VariesByIdentity(header, identity http.Header) bool {
	names, _ := httpcache.VaryNames(header)
	return slices.ContainsFunc(names, func(name string) bool { return len(identity[name]) > 0 })
}

// fieldsTold returns the identity fields that are sent to the origin: those of a request with
// credentials, whose response is for that client unless it says otherwise.
func fieldsTold(by store.Fields) http.Header {
	if len(by.Header["Authorization"]) == 0 {
		return nil
	}
	return by.From
}
