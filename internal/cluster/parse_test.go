package cluster

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Source
	}{
		{"a:1", Source{Nodes: []string{"a:1"}}},
		{" b:2 , a:1,, ", Source{Nodes: []string{"b:2", "a:1"}}},
		{"10.0.0.1:8001,[fd00::1]:8001,node_1.example.:65535",
			Source{Nodes: []string{"10.0.0.1:8001", "[fd00::1]:8001", "node_1.example.:65535"}}},
		{"dns:scurry.default.svc:8001", Source{Host: "scurry.default.svc", Port: 8001}},
		{"dns:[::1]:1", Source{Host: "::1", Port: 1}},
		{"file:/etc/scurry/peers", Source{Path: "/etc/scurry/peers"}},
		{"file:a,b:c", Source{Path: "a,b:c"}},
	} {
		got, err := Parse(c.in)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", c.in, got, err, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, part := range map[string]string{
		"":                              "expected the peer addresses",
		" , ":                           "expected the peer addresses",
		"http://127.0.0.1:8001":         "leave out http://",
		"a:1,https://b:2/x":             "leave out https:// and the path",
		"127.0.0.1":                     "no port",
		"a:1,b":                         `"b": it has no port`,
		"a:":                            "a port is a number from 1 to 65535",
		"a:0":                           "a port is a number from 1 to 65535",
		"a:65536":                       "a port is a number from 1 to 65535",
		"a:-1":                          "a port is a number from 1 to 65535",
		"a:+1":                          "a port is a number from 1 to 65535",
		"a:01":                          "a port is a number from 1 to 65535",
		"a:http":                        "a port is a number from 1 to 65535",
		":8001":                         "it has no host",
		"0.0.0.0:8001":                  "other nodes can't dial 0.0.0.0",
		"[::]:8001":                     "other nodes can't dial ::",
		"fd00::1:8001":                  "in brackets",
		"fd00::1":                       "in brackets",
		"[fd00::1]":                     "missing port",
		"[fe80::1%eth0]:8001":           "leave out %eth0",
		"10.0.0.256:8001":               "10.0.0.256 is not an IP address",
		"10.0.0:8001":                   "10.0.0 is not an IP address",
		"a b:1":                         "doesn't have ' ' in it",
		"a/b:1":                         "doesn't have '/' in it",
		"me@a:1":                        "doesn't have '@' in it",
		"ä:1":                           "doesn't have 'ä' in it",
		strings.Repeat("a", 254) + ":1": "at most 253 letters",
		"dns:":                          "no port",
		"dns:scurry":                    "dns:scurry: expected HOST:PORT",
		"dns:scurry:0":                  "a port is a number",
		"dns:http://scurry:1":           "leave out http://",
		"dns:a:1,b:2":                   "in brackets",
		"a:1,dns:b:2":                   "dns: stands alone",
		"a:1, file:b":                   "file: stands alone",
		"file:a,file:b":                 "file: stands alone",
		"file:":                         "names no file",
	} {
		_, err := Parse(in)
		wantError(t, err, part)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("10.0.0.1:8001,b:2")
	f.Add("dns:scurry.default.svc:8001")
	f.Add("file:/etc/scurry/peers")
	f.Fuzz(func(t *testing.T, in string) {
		s, err := Parse(in)
		if err != nil {
			return
		}
		set := 0
		for _, is := range []bool{len(s.Nodes) > 0, s.Host != "" && s.Port != 0, s.Path != ""} {
			if is {
				set++
			}
		}
		if set != 1 {
			t.Errorf("Parse(%q) = %+v: %d kinds", in, s, set)
		}
	})
}
