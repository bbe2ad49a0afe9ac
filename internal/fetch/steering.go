package fetch

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// Frameworks behind an origin obey some fields that override parts of the URL, the method or the
// client's address. With such a field, one client could choose the response that is stored for all.
// So a request whose response may be stored never has one, and a Vary that names one is ignored.
// Requests that are forwarded keep these fields, since only their client gets the response. A field
// that is in the key chooses for those clients only who send the same.
//
// X-Wap-Profile, X-Requested-With and similar fields aren't among them. They describe the client,
// as User-Agent does, and an origin that uses them says so in Vary.

// steeringFields are the steering fields without one of the usual prefixes, by what they override.
var steeringFields = strings.Fields("" +
	// the target
	`X-Override-Url X-Proxy-Url X-Request-Uri X-Request-Url X-Real-Url X-Real-Uri
	X-Envoy-Original-Path X-Http-Destinationurl X-Script-Name X-Sendfile-Type X-Accel-Mapping ` +
	// the host
	`X-Host X-Host-Override X-Http-Host-Override X-Real-Host Proxy-Host Proxy-Url ` +
	// the scheme and the port
	`X-Scheme X-Url-Scheme X-Proto X-Port Front-End-Https X-Arr-Ssl
	Cloudfront-Forwarded-Proto Cf-Visitor ` +
	// the method
	`X-Http-Method-Override X-Http-Method X-Method-Override X-Method ` +
	// the client
	`Forwarded Forwarded-For Forwarded-For-Ip X-Forward-For X-Forwarder-For
	X-Real-Ip Real-Ip X-Client-Ip Client-Ip True-Client-Ip X-True-Client-Ip X-Cluster-Client-Ip
	X-Originating-Ip X-Remote-Ip X-Remote-Addr X-Proxyuser-Ip Proxy-Client-Ip
	X-Custom-Ip-Authorization X-Envoy-External-Address X-Azure-Clientip X-Azure-Socketip
	Cf-Connecting-Ip Cf-Connecting-Ipv6 Cf-Pseudo-Ipv4 Fastly-Client-Ip Fly-Client-Ip
	X-Appengine-User-Ip X-Appengine-Remote-Addr`)

// steers reports whether the field with that canonical name is a steering field. CGI and its
// successors take '_' in a name for '-'.
func steers(name string) bool {
	if strings.Contains(name, "_") {
		name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	}
	return strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "X-Original-") ||
		strings.HasPrefix(name, "X-Rewrite-") || slices.Contains(steeringFields, name)
}

// steers reports whether the field steers the origin, and isn't in the key.
func (o *Origin) steers(name string) bool { return steers(name) && !o.Site.Keyed(name) }

// DropSteering removes the steering fields from h.
func (o *Origin) DropSteering(h http.Header) {
	maps.DeleteFunc(h, func(name string, _ []string) bool { return o.steers(name) })
}

// Steered reports whether h has a steering field.
func (o *Origin) Steered(h http.Header) bool {
	for name := range h {
		if o.steers(name) {
			return true
		}
	}
	return false
}

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
