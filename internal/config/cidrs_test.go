package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/config"
)

func TestCIDRs(t *testing.T) {
	for text, want := range map[string]string{
		"none": "[]", "10.0.0.0/8": "[10.0.0.0/8]", "10.1.2.3": "[10.1.2.3/32]", "::1": "[::1/128]",
		"10.0.0.0/8, fd00::/8,192.0.2.1": "[10.0.0.0/8 fd00::/8 192.0.2.1/32]",
		"0.0.0.0/0":                      "[0.0.0.0/0]",
	} {
		var c config.CIDRs
		if err := c.UnmarshalText([]byte(text)); err != nil || fmt.Sprint(c.Prefixes()) != want {
			t.Errorf("%q: %v, %v; want %s", text, c.Prefixes(), err, want)
		}
	}
	if got := config.CIDRs("").Prefixes(); got != nil {
		t.Errorf("nothing has the networks %v", got)
	}
	for text, want := range map[string]string{
		"": "", "10.0.0.0/33": "", "10.0.0": "", "h": "", "10.0.0.0/8,": "", "fe80::1%eth0": "",
		"fe80::%a/10": "", "10.0.0.1:80": "",
		"10.0.0.1/8":          "10.0.0.1/8 isn't a network, is 10.0.0.0/8 meant?",
		"::ffff:10.0.0.1":     "is written as an address of IPv4",
		"::ffff:10.0.0.0/104": "is written as an address of IPv4",
	} {
		var c config.CIDRs
		err := c.UnmarshalText([]byte(text))
		if err == nil || !strings.Contains(err.Error(), "expected networks such as") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want an error with %q", text, err, want)
		}
	}
}
