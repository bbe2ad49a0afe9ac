// Package hostport checks what names a host and a port: the Host of a request, and the addresses
// that nodes listen at and dial.
package hostport

import (
	"net/netip"
	"strings"
)

// Valid reports whether s is a uri-host with or without a port (RFC 9110 section 7.2), or empty.
func Valid(s string) bool {
	host, port, literal := s, "", strings.HasPrefix(s, "[")
	if literal {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		host, port = s[:end+1], s[end+1:]
	} else if colon := strings.IndexByte(s, ':'); colon >= 0 {
		host, port = s[:colon], s[colon:]
	}
	if !validPort(port) {
		return false
	}
	if literal {
		return validLiteral(host[1 : len(host)-1])
	}
	return validName(host) && (host != "" || port == "")
}

// validPort reports whether s is empty, or a colon and the digits of a port, which may be none.
func validPort(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' || len(s) > len(":65535") {
		return false
	}
	n := 0
	for _, c := range []byte(s[1:]) {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n < 1<<16
}

// validName reports whether s is a reg-name or an IPv4 address (RFC 3986 section 3.2.2).
func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-':
		case 'A' <= c && c <= 'Z' || strings.IndexByte("_~!$&'()*+,;=", c) >= 0:
		case c == '%' && i+2 < len(s) && hex(s[i+1]) && hex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

// validLiteral reports whether s is what may stand in brackets: an IPv6 address without a zone. No
// form of address is known for IPvFuture.
func validLiteral(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && ip.Is6() && ip.Zone() == ""
}

func hex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
