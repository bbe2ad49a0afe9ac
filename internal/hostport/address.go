package hostport

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

const maxName = 253 // of a DNS name, RFC 1035

// Split returns the parts of s, an address to listen on: the host may be empty and the port 0. The
// error is for people. It says what is wrong with s, and that want was expected, such as "HOST:PORT
// such as 127.0.0.1:9001".
func Split(s, want string) (host string, port uint16, err error) {
	host, port, problem := split(s, 0)
	if problem != "" {
		return "", 0, fmt.Errorf("expected %s, not %q: %s", want, s, problem)
	}
	return host, port, nil
}

// SplitNode is Split for an address that other nodes are to dial: it has a host, of one machine,
// and a port.
func SplitNode(s, want string) (host string, port uint16, err error) {
	host, port, problem := split(s, 1)
	ip, _ := netip.ParseAddr(host)
	switch {
	case problem != "":
	case host == "":
		problem = "it has no host"
	case ip.IsUnspecified():
		problem = fmt.Sprintf("other nodes can't dial %s", host)
	case ip.Zone() != "":
		problem = "leave out %" + ip.Zone() + ", which other nodes don't know"
	default:
		return host, port, nil
	}
	return "", 0, fmt.Errorf("expected %s, not %q: %s", want, s, problem)
}

// split returns the parts of s, or what is wrong with it. The port must not be below least.
func split(s string, least uint16) (host string, port uint16, problem string) {
	if scheme, rest, found := strings.Cut(s, "://"); found {
		problem = "leave out " + scheme + "://"
		if strings.Contains(rest, "/") {
			problem += " and the path"
		}
		return "", 0, problem
	}
	host, digits, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, splitProblem(s, err)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != digits || uint16(n) < least {
		return "", 0, fmt.Sprintf("a port is a number from %d to %d", least, math.MaxUint16)
	}
	if host != "" {
		problem = hostProblem(host)
	}
	return host, uint16(n), problem
}

func splitProblem(s string, err error) string {
	switch problem, ok := errors.AsType[*net.AddrError](err); {
	case !strings.Contains(s, ":"):
		return "it has no port"
	case strings.Count(s, ":") > 1 && !strings.Contains(s, "["):
		return "an IPv6 address goes in brackets, as in [fd00::1]:8001"
	case ok:
		return problem.Err
	}
	return err.Error()
}

// hostProblem says why host is neither an IP address nor a name, or returns "".
func hostProblem(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	if len(host) > maxName {
		return fmt.Sprintf("a host name has at most %d letters", maxName)
	}
	for _, c := range host {
		if c > unicode.MaxASCII || !alphanumeric(byte(c)) && !strings.ContainsRune("-._", c) {
			return fmt.Sprintf("a host name doesn't have %q in it", c)
		}
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	// No top-level domain is a number.
	if _, err := strconv.ParseUint(labels[len(labels)-1], 10, 64); err == nil {
		return host + " is not an IP address"
	}
	return ""
}
