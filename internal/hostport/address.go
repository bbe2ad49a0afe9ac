package hostport

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const (
	maxName   = 253 // of a DNS name, RFC 1035
	nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
)

// Split returns the parts of s, an address to listen on: the host may be empty and the port 0. The
// error is for people. It says what is wrong with s, and that want was expected, such as "HOST:PORT
// such as 127.0.0.1:9001".
func Split(s, want string) (host string, port uint16, err error) { return split(s, want, 0) }

// SplitNode is Split for an address that other nodes are to dial: it has a host, of one machine,
// and a port.
func SplitNode(s, want string) (host string, port uint16, err error) { return split(s, want, 1) }

// split is Split, or SplitNode if least, the lowest port, isn't 0.
func split(s, want string, least uint64) (string, uint16, error) {
	host, digits, err := net.SplitHostPort(s)
	port, notPort := strconv.ParseUint(digits, 10, 16)
	ip, notIP := netip.ParseAddr(host)
	scheme, rest, isURL := strings.Cut(s, "://")
	problem := ""
	switch {
	case isURL && strings.Contains(rest, "/"):
		problem = "leave out " + scheme + ":// and the path"
	case isURL:
		problem = "leave out " + scheme + "://"
	case err != nil:
		problem = splitProblem(s, err)
	case notPort != nil || strconv.FormatUint(port, 10) != digits || port < least:
		problem = fmt.Sprintf("a port is a number from %d to %d", least, math.MaxUint16)
	case host != "" && notIP != nil:
		problem = nameProblem(host)
	case least == 0:
	case host == "":
		problem = "it has no host"
	case ip.IsUnspecified():
		problem = fmt.Sprintf("other nodes can't dial %s", host)
	case ip.Zone() != "":
		problem = "leave out %" + ip.Zone() + ", which other nodes don't know"
	}
	if problem != "" {
		return "", 0, fmt.Errorf("expected %s, not %q: %s", want, s, problem)
	}
	return host, uint16(port), nil
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

// nameProblem says why host, which isn't an IP address, isn't a name either, or returns "".
func nameProblem(host string) string {
	if len(host) > maxName {
		return fmt.Sprintf("a host name has at most %d letters", maxName)
	}
	for _, c := range host {
		if !strings.ContainsRune(nameChars, c) {
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
