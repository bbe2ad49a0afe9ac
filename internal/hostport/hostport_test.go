package hostport_test

import (
	"testing"

	"github.com/scurrycache/scurry/internal/hostport"
)

func TestValid(t *testing.T) {
	for _, s := range []string{
		"", "n", "example.org", "EXAMPLE.org:80", "a_b~c", "127.0.0.1:9001", "[::1]", "[::1]:443",
		"[fe80::1]:", "n:", "n:0", "n:65535",
		"xn--bcher-kva.example", "a%20b", "a!$&'()*+,;=b", "999.1.1.1", "[::ffff:192.0.2.1]:80",
	} {
		if !hostport.Valid(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{
		"a:b:c", "a:b", "[::1", "::1", "[::1]x", "[::1]:x", "[]", "[n]", "[127.0.0.1]",
		"[fe80::1%25eth0]", "[fe80::1%eth0]", "[v1.x]",
		"u@n", "u:p@n", "n:80@x", "a b", " n", "n ", "a/b", "a?b", "a#b", `a\b`, "a\x00b", "a%2",
		"a%zz", "a,b:c", "n:-1", "n:+1", "n:65536", "n:000080",
		"é.example", ":80", ":", "a[b]", "a]", "http://n", "a\"b", "a<b>", "a^b", "a|b", "a`b",
		"a{b}",
	} {
		if hostport.Valid(s) {
			t.Errorf("%q passes", s)
		}
	}
}
