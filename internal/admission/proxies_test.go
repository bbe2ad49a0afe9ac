package admission_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/admission"
)

// TestClient: who is taken for the client behind trusted proxies.
func TestClient(t *testing.T) {
	g := admission.New(admission.Config{Trusted: admission.Proxies{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}})
	const proxy, stranger = "10.0.0.1:80", "192.0.2.9:80"
	tests := []struct{ name, remote, fields, want string }{
		{"no field", proxy, "", "10.0.0.1"},
		{"a stranger", stranger, "X-Forwarded-For: 1.1.1.1", "192.0.2.9"},
		{"a stranger, both", stranger, "X-Forwarded-For: 1.1.1.1|Forwarded: for=1.1.1.1",
			"192.0.2.9"},
		{"one proxy", proxy, "X-Forwarded-For: 198.51.100.1", "told 198.51.100.1"},
		{"mapped", "[::ffff:10.0.0.1]:80", "X-Forwarded-For: ::ffff:198.51.100.1",
			"told 198.51.100.1"},
		{"IPv6", "[fd00::1]:80", "X-Forwarded-For: 2001:db8::7", "told 2001:db8::7"},
		{"spoofed", proxy, "X-Forwarded-For: 1.1.1.1, 198.51.100.1", "told 198.51.100.1"},
		{"spoofed, two lines", proxy, "X-Forwarded-For: 1.1.1.1|X-Forwarded-For: 198.51.100.1",
			"told 198.51.100.1"},
		{"two proxies", proxy, "X-Forwarded-For: 1.1.1.1, 198.51.100.1,10.9.9.9",
			"told 198.51.100.1"},
		{"all are trusted", proxy, "X-Forwarded-For: 10.0.0.3, 10.0.0.2", "told 10.0.0.3"},
		{"hidden", proxy, "X-Forwarded-For: 1.1.1.1, unknown", "10.0.0.1"},
		{"hidden behind another", proxy, "X-Forwarded-For: 1.1.1.1, unknown, 10.0.0.2",
			"told 10.0.0.2"},
		{"with ports", proxy, "X-Forwarded-For: 198.51.100.1:4711, 10.0.0.2:1",
			"told 198.51.100.1"},
		{"IPv6 with a port", proxy, "X-Forwarded-For: [2001:db8::7]:4711", "told 2001:db8::7"},
		{"empty", proxy, "X-Forwarded-For: ", "10.0.0.1"},
		{"with a zone", proxy, "X-Forwarded-For: fe80::1%eth0", "10.0.0.1"},
		{"Forwarded", proxy,
			`Forwarded: for=1.1.1.1, For="[2001:db8::7]:4711";proto=http;by=10.0.0.1`,
			"told 2001:db8::7"},
		{"Forwarded, two proxies", proxy, "Forwarded: for=198.51.100.1;proto=https, for=10.0.0.5",
			"told 198.51.100.1"},
		{"Forwarded, hidden", proxy, "Forwarded: for=1.1.1.1, for=_secret", "10.0.0.1"},
		{"Forwarded, not said", proxy, "Forwarded: for=1.1.1.1, proto=http", "10.0.0.1"},
		{"Forwarded, said twice", proxy, "Forwarded: for=1.1.1.1;for=2.2.2.2", "10.0.0.1"},
		{"a comma in the host", proxy, `Forwarded: for=198.51.100.1;host="a,for=1.1.1.1"`,
			"told 198.51.100.1"},
		{"a semicolon in the host", proxy, `Forwarded: host="a;for=1.1.1.1";for=198.51.100.1`,
			"told 198.51.100.1"},
		{"a quoted quote in the host", proxy, `Forwarded: for=198.51.100.1;host="a\",for=1.1.1.1"`,
			"told 198.51.100.1"},
		{"a quote without an end", proxy, `Forwarded: for=1.1.1.1, for=1.1.1.2;a="b`, "10.0.0.1"},
		{"both, the same", proxy, "X-Forwarded-For: 198.51.100.1|Forwarded: for=198.51.100.1",
			"told 198.51.100.1"},
		{"both, which differ", proxy, "X-Forwarded-For: 198.51.100.1|Forwarded: for=1.1.1.1",
			"10.0.0.1"},
		{"both, one hidden", proxy, "X-Forwarded-For: 1.1.1.1|Forwarded: for=unknown", "10.0.0.1"},
		{"no address", "@", "X-Forwarded-For: 1.1.1.1", "invalid IP"},
	}
	for _, tt := range tests {
		h := http.Header{}
		for _, line := range strings.Split(tt.fields, "|") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				h.Add(name, value)
			}
		}
		client, told := g.Client(tt.remote, h)
		got := client.String()
		if told {
			got = "told " + got
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
