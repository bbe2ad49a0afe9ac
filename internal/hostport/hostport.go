// Package hostport checks texts that name a host and a port: the Host of a request, and the
// addresses that nodes listen on and dial.
package hostport

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Valid reports whether s is a uri-host with or without a port (RFC 9110 section 7.2), or empty.
func Valid(s string) bool {
	if literal, ok := strings.CutPrefix(s, "["); ok {
		ip, rest, closed := strings.Cut(literal, "]")
		between, port, _ := strings.Cut(rest, ":")
		return closed && between == "" && validLiteral(ip) && validPort(port)
	}
	host, port, colon := strings.Cut(s, ":")
	return validName(host) && validPort(port) && (host != "" || !colon)
}

// validPort reports whether s is the digits of a port, which may be none.
func validPort(s string) bool {
	if s == "" {
		return true
	}
	_, err := strconv.ParseUint(s, 10, 16)
	return len(s) <= len("65535") && err == nil
}

// validName reports whether s is a reg-name or an IPv4 address (RFC 3986 section 3.2.2).
func validName(s string) bool {
	_, err := url.PathUnescape(s)
	return err == nil && httpguts.ValidHostHeader(s) && !strings.ContainsAny(s, ":[]")
}

// validLiteral reports whether s may stand in brackets: it is an IPv6 address without a zone. The
// form IPvFuture isn't in use.
func validLiteral(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && ip.Is6() && ip.Zone() == ""
}
