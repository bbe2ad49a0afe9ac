package fetch

import (
	"net/http"
	"slices"
	"strings"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// Looped reports whether the request with that header has passed through this cluster before (RFC
// 8586).
func (o *Origin) Looped(h http.Header) bool {
	for member := range httpcache.Members(h["Cdn-Loop"]) {
		id, _, _ := strings.Cut(member, ";") // its parameters
		if strings.TrimSpace(id) == o.Loop {
			return true
		}
	}
	return false
}

// Mark adds this cache to Via and CDN-Loop in the header of a request that was received by the
// protocol proto.
func (o *Origin) Mark(h http.Header, proto string) {
	h["Via"] = o.Via(h["Via"], proto)
	h["Cdn-Loop"] = append(slices.Clip(h["Cdn-Loop"]), o.Loop)
}

// Via appends this cache to the Via field of a message received by the protocol proto (RFC 9110
// section 7.6.3).
func (o *Origin) Via(values []string, proto string) []string {
	return append(slices.Clip(values), strings.TrimPrefix(proto, "HTTP/")+" "+o.Name)
}
