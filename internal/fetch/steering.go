package fetch

import (
	"maps"
	"net/http"
	"slices"
	"strings"
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
