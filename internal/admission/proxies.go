package admission

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of proxies that are believed. Each appends to X-Forwarded-For, or to
// Forwarded (RFC 7239), who has sent it the request. So the last address that isn't a trusted
// proxy's is the client's. What stands before it may be anything.
type Proxies []netip.Prefix

// Trusts reports whether the host at that address is one of p.
func (p Proxies) Trusts(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// Client is the address of the client whose request has that header and has come over a connection
// of a proxy that is trusted. It reports false if none is told. Where both fields are there and
// differ, neither is believed: the proxy writes one of them, and the client may have sent the
// other.
func (p Proxies) Client(h http.Header) (client netip.Addr, told bool) {
	chain, forwarded := h["X-Forwarded-For"], h["Forwarded"]
	if len(chain) > 0 {
		client, told = p.last(addresses(chain))
	}
	if len(forwarded) > 0 {
		other, ok := p.last(elements(forwarded))
		if len(chain) > 0 && (other != client || ok != told) {
			return netip.Addr{}, false
		}
		return other, ok
	}
	return client, told
}

// last returns the last of the addresses that isn't a trusted proxy's, or the first one if all are.
// It stops at what is no address: of a client who is hidden, the proxy before it is what is known.
func (p Proxies) last(chain []string) (client netip.Addr, told bool) {
	for i := len(chain) - 1; i >= 0; i-- {
		a, ok := address(chain[i])
		if !ok {
			break
		}
		if client, told = a, true; !p.Trusts(a) {
			break
		}
	}
	return client, told
}

// addresses are the members of X-Forwarded-For.
func addresses(values []string) []string { return strings.Split(strings.Join(values, ","), ",") }

// elements are the nodes that the elements of Forwarded are "for", "" where that isn't said, or is
// said twice, or is malformed.
func elements(lines []string) (nodes []string) {
	for _, line := range lines {
		for _, element := range split(line, ',') {
			nodes = append(nodes, nodeOf(element))
		}
	}
	return nodes
}

func nodeOf(element string) (node string) {
	said := false
	for _, pair := range split(element, ';') {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "for") {
			continue
		}
		if said {
			return ""
		}
		node, said = strings.Trim(strings.TrimSpace(value), `"`), true
	}
	return node
}

// split splits text at the separators that aren't quoted: the Host in an element is the client's.
// If a quote has no end, it returns one part, which is empty.
func split(text string, separator byte) (parts []string) {
	quoted, start := false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == separator && !quoted:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	if quoted {
		return []string{""}
	}
	return append(parts, text[start:])
}

// address is the address in text, which may have a port.
func address(text string) (a netip.Addr, ok bool) {
	text = strings.TrimSpace(text)
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(text)
		a = withPort.Addr()
	}
	return a.Unmap(), err == nil && a.Zone() == ""
}

// AddrOf is the address of a connection's other end, as net/http and the log write it. It is the
// zero Addr if that is none.
func AddrOf(remote string) netip.Addr {
	withPort, _ := netip.ParseAddrPort(remote)
	return withPort.Addr().Unmap()
}
