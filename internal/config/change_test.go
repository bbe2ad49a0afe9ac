package config_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestChanges: a change is told with both values, without credentials, and with whether it can be
// made live.
func TestChanges(t *testing.T) {
	const cluster = "--peer-listen=127.0.0.1:8001 "
	for _, tt := range []struct{ from, to, want string }{
		{"", "", "[]"},
		{"--memory=1GiB", "--memory=1024MiB", "[]"},
		{"--max-stale=2h", "--max-stale=0s", "[max-stale is 0s, and was 2h live]"},
		{"--origin=http://a:b@h/", "--origin=http://a:c@h/",
			"[origin is http://xxxxx@h/, and was http://xxxxx@h/ fixed]"},
		{"--listen=:80", "--listen=:81", "[listen is :81, and was :80 fixed admin-listen is " +
			"127.0.0.1:1081, and was 127.0.0.1:1080 fixed]"},
		{cluster + "--peers=h:1", cluster + "--peers=h:1,h:2",
			"[peers is h:1,h:2, and was h:1 live]"},
		{cluster + "--peers=h:1", cluster + "--peers=dns:h:1",
			"[peers is dns:h:1, and was h:1 fixed]"},
		{cluster + "--peers=file:a", cluster + "--peers=file:b",
			"[peers is file:b, and was file:a fixed]"},
		{cluster + "--peers=h:1", cluster + "--peers=h:1 --peer-secret-file=s",
			"[peer-secret-file is s, and was - live]"},
		{"", "--log-level=warn --browse", "[browse is true, and was false fixed log-level is " +
			"warn, and was info live]"},
	} {
		a, _, err := resolve(nil, strings.Fields(tt.from)...)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := resolve(nil, strings.Fields(tt.to)...)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, c := range a.Changes(b) {
			got = append(got, c.String()+map[bool]string{true: " live", false: " fixed"}[c.Live])
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s to %s: %v, want %s", tt.from, tt.to, got, tt.want)
		}
	}
}
