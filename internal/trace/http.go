package trace

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// The names of attributes: those of OpenTelemetry's conventions for HTTP, and ours.
const (
	Method = "http.request.method"
	Status = "http.response.status_code"
	Size   = "http.response.body.size"

	Outcome = "scurry.cache" // as in the access log
	Source  = "scurry.source"
	Owner   = "scurry.owner"
	Peer    = "scurry.peer"
	Reason  = "scurry.reason" // why the origin is asked, as in its log line
)

// Attributes are what is told of a Span. Empty texts are left out.
type Attributes []attribute.KeyValue

// Text appends an attribute.
func (a Attributes) Text(name, value string) Attributes {
	if value == "" {
		return a
	}
	return append(a, attribute.String(name, value))
}

// Int appends an attribute.
func (a Attributes) Int(name string, value int64) Attributes {
	return append(a, attribute.Int64(name, value))
}

// Flag appends an attribute if it is set.
func (a Attributes) Flag(name string, value bool) Attributes {
	if !value {
		return a
	}
	return append(a, attribute.Bool(name, true))
}

// Address appends the host and the port of an address, as prefix.address and prefix.port.
func (a Attributes) Address(prefix, address string) Attributes {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return a.Text(prefix+".address", strings.Trim(address, "[]"))
	}
	a = a.Text(prefix+".address", host)
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		a = a.Int(prefix+".port", int64(n))
	}
	return a
}

// URL appends a URL that a server is asked for, without credentials.
func (a Attributes) URL(u *url.URL) Attributes {
	shown := *u
	shown.User, shown.RawQuery = nil, redacted(u.RawQuery)
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	a = a.Text("url.full", shown.String())
	if u.Hostname() == "" {
		return a
	}
	return a.Address("server", net.JoinHostPort(u.Hostname(), port))
}

// Protocol appends a version of HTTP, which net/http writes as "HTTP/1.1" or "HTTP/2.0".
func (a Attributes) Protocol(proto string) Attributes {
	version := strings.TrimPrefix(proto, "HTTP/")
	return a.Text("network.protocol.version", strings.TrimSuffix(version, ".0"))
}

// known reports whether a method is one of those that the conventions have.
func known(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace, http.MethodPatch:
		return true
	}
	return false
}

// target returns the path and the query of a request's target, in whichever form that is.
func target(uri string) (path, query string) {
	if !strings.HasPrefix(uri, "/") {
		if _, rest, ok := strings.Cut(uri, "://"); ok {
			uri = "/"
			if i := strings.IndexAny(rest, "/?"); i >= 0 {
				uri = rest[i:]
			}
		}
	}
	path, query, _ = strings.Cut(uri, "?")
	return path, query
}

// secret are the parameters of queries whose values the conventions have left out: signatures,
// which are as good as passwords.
var secret = []string{"AWSAccessKeyId", "Signature", "X-Amz-Signature", "X-Amz-Credential",
	"X-Amz-Security-Token", "X-Goog-Signature", "sig"}

// redacted is a query without the values of what is secret.
func redacted(query string) string {
	found := false
	for _, name := range secret {
		found = found || strings.Contains(query, name+"=")
	}
	if !found {
		return query
	}
	parameters := strings.Split(query, "&")
	for i, p := range parameters {
		name, _, _ := strings.Cut(p, "=")
		for _, s := range secret {
			if name == s {
				parameters[i] = name + "=REDACTED"
			}
		}
	}
	return strings.Join(parameters, "&")
}
