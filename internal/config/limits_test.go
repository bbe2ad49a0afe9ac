package config_test

import (
	"encoding"
	"fmt"
	"testing"

	"github.com/scurrycache/scurry/internal/config"
)

func TestNumbers(t *testing.T) {
	tests := []struct {
		value      encoding.TextUnmarshaler
		good, evil []string
	}{
		{new(config.Count), []string{"0", "1", "2147483647"},
			[]string{"", "-1", "1.5", "1e3", "x", "2147483648", " 1"}},
		{new(config.Rate), []string{"0", "0.5", "20", "1e+06"},
			[]string{"", "-1", "-0.1", "x", "NaN", "Inf", "+Inf", "20/s"}},
	}
	for _, tt := range tests {
		for _, text := range tt.good {
			if err := tt.value.UnmarshalText([]byte(text)); err != nil ||
				fmt.Sprint(deref(tt.value)) != text {
				t.Errorf("%q is %v, %v", text, deref(tt.value), err)
			}
		}
		for _, text := range tt.evil {
			if err := tt.value.UnmarshalText([]byte(text)); err == nil {
				t.Errorf("%q is read as %v", text, deref(tt.value))
			}
		}
	}
}

func deref(v any) any {
	switch v := v.(type) {
	case *config.Count:
		return *v
	case *config.Rate:
		return *v
	}
	return v
}

// TestLimitsInAFile: networks may be a list there, and numbers are numbers.
func TestLimitsInAFile(t *testing.T) {
	path := file(t, "scurry.yaml",
		"trusted-proxies: [10.0.0.0/8, fd00::/8]\nclient-rate: 0.5\nmax-requests: 7\n")
	c, _, err := resolve(nil, "--config", path)
	if err != nil {
		t.Fatal(err)
	}
	if c.TrustedProxies != "10.0.0.0/8,fd00::/8" || c.ClientRate != 0.5 || c.MaxRequests != 7 {
		t.Errorf("%+v", c.Limits)
	}
	_, _, err = resolve(nil, "--config", file(t, "bad.toml", "max-requests = -1\n"))
	if err == nil {
		t.Error("-1 is a number of requests")
	}
}

// TestQueryNames: all, none, or names.
func TestQueryNames(t *testing.T) {
	for text, want := range map[string]string{"all": "[] true", "none": "[] false",
		"id": "[id] false", "a,b-c,é": "[a b-c é] false"} {
		var q config.QueryNames
		if err := q.UnmarshalText([]byte(text)); err != nil || fmt.Sprint(q.Names(),
			q.Names() == nil) != want {
			t.Errorf("%q: %v, %v", text, q.Names(), err)
		}
	}
	for _, text := range []string{"", "a,", "a b", "a=b", "a&b", "?a"} {
		var q config.QueryNames
		if q.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is read as %q", text, q.Names())
		}
	}
}
