package fetch

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// What frameworks behind an origin obey although it isn't part of the resource's URL would let one
// client choose what is stored for all. Such fields never go with a request whose answer may be
// stored; a Vary that names them selects nothing, since the origin has seen none of them. Requests
// that are forwarded have them as the client sent them, since nobody else gets the answer.
//
// X-Wap-Profile, X-Requested-With and the like aren't among them: like User-Agent they describe the
// client and not the request, and an origin that heeds them says so in Vary.

// steeringPrefixes are what the names of steering fields begin with.
var steeringPrefixes = []string{"X-Forwarded", "X-Original-", "X-Rewrite-"}

// steeringFields are all others, by what they override.
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

// steers reports whether a field of that canonical name is one of them. To CGI and its successors,
// '_' in a name is '-'.
func steers(name string) bool {
	if strings.Contains(name, "_") {
		name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	}
	begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	return slices.Contains(steeringFields, name) || slices.ContainsFunc(steeringPrefixes, begins)
}

// DropSteering removes from h what steers an origin.
func DropSteering(h http.Header) {
	maps.DeleteFunc(h, func(name string, _ []string) bool { return steers(name) })
}

// Steered reports whether h has something that steers an origin.
func Steered(h http.Header) bool {
	for name := range h {
		if steers(name) {
			return true
		}
	}
	return false
}
