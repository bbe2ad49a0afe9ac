package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/config"
)

func TestSize(t *testing.T) {
	tests := []struct {
		text  string
		bytes config.Size
		again string
	}{
		{"1", 1, "1B"}, {"1023B", 1023, "1023B"}, {"1024", 1024, "1KiB"}, {"1KiB", 1024, "1KiB"},
		{"1kB", 1000, "1000B"},
		{"512 MiB", 512 << 20, "512MiB"}, {"512mib", 512 << 20, "512MiB"}, {"1.5GiB", 3 << 29,
			"1536MiB"},
		{"9223372036854775807", 1<<63 - 1, "9223372036854775807B"}, {"4EiB", 4 << 60, "4EiB"},
	}
	for _, tt := range tests {
		var s config.Size
		if err := s.UnmarshalText([]byte(tt.text)); err != nil || s != tt.bytes ||
			s.String() != tt.again {
			t.Errorf("%q: %d bytes, %q, %v; want %d, %q", tt.text, int64(s), s, err,
				int64(tt.bytes), tt.again)
		}
		var again config.Size
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("%q read back: %v, %v", s, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "0", "0MiB", "1,5GiB", "1e9", "8EiB",
		"1 furlong", "٣", "."} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, s)
		}
	}
}

func TestDurationText(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0s", "30s": "30s", "60s": "1m", "90s": "1m30s", "2m": "2m", "1h": "1h", "61m": "1h1m",
		"1h0m1s": "1h0m1s",
		"10m":    "10m", "10h": "10h", "1.5s": "1.5s", "100ms": "100ms",
	} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("%q is %q, %v; want %q", text, d, err, want)
		}
	}
}

func TestOrigin(t *testing.T) {
	tests := []struct{ text, dir, shown, err string }{
		{".", ".", ".", ""},
		{"/srv/a b", "/srv/a b", "/srv/a b", ""},
		{"C:\\files", "C:\\files", "C:\\files", ""},
		{"http://h", "", "http://h", ""},
		{"HTTPS://h:1/base/?q", "", "https://h:1/base/?q", ""},
		{"https://user:secret@h/", "", "https://xxxxx@h/", ""},
		{"https://token@h/", "", "https://xxxxx@h/", ""},
		{"", "", "", `expected an http or https URL, or a folder, not ""`},
		{"ftp://h/", "", "", "expected a URL that begins with http:// or https://, not ftp://"},
		{"http:///path", "", "", "expected a URL with a host, such as https://example.org/files/"},
		{"http://:80/", "", "", "expected a URL with a host, such as https://example.org/files/"},
		{"http://h:port/", "", "", `expected an http or https URL, or a folder: invalid port ":port" after host`},
		{"http://user:sec/ret@h/", "", "", "expected an http or https URL, or a folder: the URL " +
			"is malformed"},
		{"://h", "", "", "expected an http or https URL, or a folder: missing protocol scheme"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var o config.Origin
			err := o.UnmarshalText([]byte(tt.text))
			if tt.err != "" {
				if fmt.Sprint(err) != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || o.Dir != tt.dir || (o.URL == nil) != (tt.dir != "") ||
				o.String() != tt.shown {
				t.Errorf("folder %q, URL %v, shown as %q, error %v", o.Dir, o.URL, o, err)
			}
			if o.URL != nil && strings.Contains(tt.text, "@") && o.URL.User == nil {
				t.Error("the credentials are lost")
			}
		})
	}
}

func TestLooksLikeHost(t *testing.T) {
	for text, want := range map[string]bool{
		"localhost:8080": true, "localhost": true, "example.com": true, "example.com/files": true,
		"10.0.0.1": true,
		"h:80/x":   true, "site": false, ".": false, "..": false, "../site": false, "./site": false,
		"/srv":    false,
		".hidden": false, "C:\\files": false, "a/b.txt": false,
	} {
		if got := config.LooksLikeHost(text); got != want {
			t.Errorf("LooksLikeHost(%q) = %v", text, got)
		}
	}
}
