package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// CIDRs is networks, with commas between them, or "none". A network is an address and the length of
// its prefix, such as 10.0.0.0/8; an address alone stands for itself.
type CIDRs string

const wantCIDRs = "networks such as 10.0.0.0/8,fd00::/8, or none"

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *CIDRs) UnmarshalText(text []byte) error {
	joined := strings.ReplaceAll(string(text), " ", "")
	if joined == "none" {
		*c = CIDRs(joined)
		return nil
	}
	for word := range strings.SplitSeq(joined, ",") {
		p, err := parsePrefix(word)
		switch {
		case err != nil:
			return unexpected(wantCIDRs, text)
		case p.Addr().Is4In6():
			return fmt.Errorf("%w: %s is written as an address of IPv4",
				unexpected(wantCIDRs, text), word)
		case p != p.Masked():
			return fmt.Errorf("%w: %s isn't a network, is %s meant?",
				unexpected(wantCIDRs, text), word, p.Masked())
		}
	}
	*c = CIDRs(joined)
	return nil
}

// Prefixes is the networks in c.
func (c CIDRs) Prefixes() (all []netip.Prefix) {
	if c == "none" || c == "" {
		return nil
	}
	for word := range strings.SplitSeq(string(c), ",") {
		p, _ := parsePrefix(word) // it was parsed before
		all = append(all, p)
	}
	return all
}

// parsePrefix parses a network, or an address as the network that has only that.
func parsePrefix(word string) (netip.Prefix, error) {
	if strings.Contains(word, "/") {
		return netip.ParsePrefix(word)
	}
	a, err := netip.ParseAddr(word)
	if err == nil && a.Zone() != "" {
		err = fmt.Errorf("%s has a zone", word)
	}
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Prefix(a.BitLen())
}
