package cluster

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/memberlist"
	"github.com/rs/zerolog"
)

func TestMembersIgnoreNodesThatAreNotNamedByTheirPeerAddress(t *testing.T) {
	var log strings.Builder
	r := members{problems: problems{log: zerolog.New(&log)}, at: map[string]netip.AddrPort{}}
	told := func() []string { return strings.SplitAfter(log.String(), "\n") }
	node := func(name string) *memberlist.Node {
		return &memberlist.Node{Name: name, Addr: net.IP{10, 0, 0, 1}, Port: 7946}
	}
	want := func(nodes ...string) {
		t.Helper()
		got, _ := r.roster.get()
		slices.Sort(got)
		if !slices.Equal(got, nodes) {
			t.Errorf("got %q, want %q", got, nodes)
		}
	}
	r.NotifyJoin(node("a:1"))
	if !r.alone() {
		t.Error("one node isn't alone")
	}
	for range 2 {
		r.NotifyJoin(node("http://b:2"))
	}
	if len(told()) != 2 {
		t.Fatalf("told %q", told())
	}
	wantError(t, errors.New(told()[0]), `node \"http://b:2\" at 10.0.0.1:7946`, "leave out http://")
	want("a:1")
	if r.alone() || !r.has(netip.MustParseAddrPort("10.0.0.1:7946")) {
		t.Error("two nodes are alone, or not where they are")
	}
	r.NotifyUpdate(node("b:2"))
	want("a:1", "b:2")
	r.NotifyLeave(node("b:2"))
	want("a:1")
	r.NotifyLeave(node("http://b:2"))
	r.NotifyJoin(node("http://b:2"))
	if len(told()) != 3 {
		t.Errorf("told %q", told())
	}
}

func TestParseLine(t *testing.T) {
	for in, want := range map[string]struct {
		level zerolog.Level
		line  string
	}{
		"[DEBUG] memberlist: Stream connection\n": {zerolog.DebugLevel, "Stream connection"},
		"[INFO] memberlist: a [b]\n":              {zerolog.InfoLevel, "a [b]"},
		"[WARN] memberlist: a":                    {zerolog.WarnLevel, "a"},
		"[ERR] Failed to shutdown transport: x\n": {zerolog.WarnLevel,
			"Failed to shutdown transport: x"},
		"[ERROR] memberlist: a\n": {zerolog.WarnLevel, "a"},
		"Err: Could not set the deadline: x\n": {zerolog.WarnLevel,
			"Could not set the deadline: x"},
		"odd\n": {zerolog.WarnLevel, "odd"},
		"":      {zerolog.WarnLevel, ""},
	} {
		level, line := parseLine(in)
		if level != want.level || line != want.line {
			t.Errorf("parseLine(%q) = %v, %q", in, level, line)
		}
	}
}

func TestLinesEndAtClose(t *testing.T) {
	var out strings.Builder
	base, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := lines{base, zerolog.New(&out)}
	for range 2 {
		if n, err := l.Write([]byte("x\n")); n != 2 || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
		cancel()
	}
	if out.String() != `{"level":"warn","message":"x"}`+"\n" {
		t.Errorf("logged %s", out.String())
	}
}
