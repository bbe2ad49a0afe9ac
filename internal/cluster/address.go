package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const (
	wantAddr = "HOST:PORT such as 10.0.0.1:8001"
	maxName  = 253 // of a DNS name, RFC 1035
)

// splitAddr is the parts of s, an address to listen on: the host may be empty and the port 0.
func splitAddr(s string) (host string, port uint16, err error) {
	refuse := func(why string) (string, uint16, error) {
		return "", 0, fmt.Errorf("expected %s, not %q: %s", wantAddr, s, why)
	}
	if scheme, rest, found := strings.Cut(s, "://"); found {
		if strings.Contains(rest, "/") {
			return refuse("leave out " + scheme + ":// and the path")
		}
		return refuse("leave out " + scheme + "://")
	}
	host, digits, err := net.SplitHostPort(s)
	if err != nil {
		return refuse(splitProblem(s, err))
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != digits {
		return refuse("a port is a number from 1 to 65535")
	}
	if problem := hostProblem(host); host != "" && problem != "" {
		return refuse(problem)
	}
	return host, uint16(n), nil
}

// splitPeer is splitAddr for an address that other nodes are to dial.
func splitPeer(s string) (host string, port uint16, err error) {
	host, port, err = splitAddr(s)
	if err != nil {
		return "", 0, err
	}
	ip, _ := netip.ParseAddr(host)
	switch {
	case host == "":
		err = fmt.Errorf("expected %s, not %q: it has no host", wantAddr, s)
	case ip.IsUnspecified():
		err = fmt.Errorf("expected %s, not %q: other nodes can't dial %s", wantAddr, s, host)
	case port == 0:
		err = fmt.Errorf("expected %s, not %q: a port is a number from 1 to 65535", wantAddr, s)
	}
	return host, port, err
}

func splitProblem(s string, err error) string {
	var problem *net.AddrError
	switch {
	case !strings.Contains(s, ":"):
		return "it has no port"
	case strings.Count(s, ":") > 1 && !strings.Contains(s, "["):
		return "an IPv6 address goes in brackets, as in [fd00::1]:8001"
	case errors.As(err, &problem):
		return problem.Err
	}
	return err.Error()
}

// hostProblem says why host is neither an IP address nor a name, if so.
func hostProblem(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "leave out %" + ip.Zone() + ", which other nodes don't know"
		}
		return ""
	}
	if len(host) > maxName {
		return fmt.Sprintf("a host name has at most %d letters", maxName)
	}
	for _, c := range host {
		if !isNameByte(c) {
			return fmt.Sprintf("a host name doesn't have %q in it", c)
		}
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if _, err := strconv.ParseUint(labels[len(labels)-1], 10, 64); err == nil { // no top-level domain is a number
		return host + " is not an IP address"
	}
	return ""
}

func isNameByte(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_'
}

// splitList is the addresses in s, which commas separate.
func splitList(s string) ([]string, error) {
	var nodes []string
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if _, _, err := splitPeer(item); err != nil {
			return nil, err
		}
		nodes = append(nodes, item)
	}
	return nodes, nil
}
