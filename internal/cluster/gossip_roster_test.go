package cluster

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/hashicorp/memberlist"
)

func TestRosterIgnoresNodesThatAreNotNamedByTheirPeerAddress(t *testing.T) {
	var told []error
	r := roster{problems: &problems{notify: func(err error) { told = append(told, err) }}, members: map[string]netip.AddrPort{}}
	node := func(name string) *memberlist.Node {
		return &memberlist.Node{Name: name, Addr: net.IP{10, 0, 0, 1}, Port: 7946}
	}
	want := func(nodes ...string) {
		t.Helper()
		got, _ := r.peers()
		if got = tidy(got); !slices.Equal(got, nodes) {
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
	if len(told) != 1 {
		t.Fatalf("told %v", told)
	}
	wantError(t, told[0], `node "http://b:2" at 10.0.0.1:7946`, "leave out http://")
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
	if len(told) != 2 {
		t.Errorf("told %v", told)
	}
}

func TestParseLine(t *testing.T) {
	for in, want := range map[string]struct {
		level slog.Level
		line  string
	}{
		"[DEBUG] memberlist: Stream connection\n": {slog.LevelDebug, "Stream connection"},
		"[INFO] memberlist: a [b]\n":              {slog.LevelInfo, "a [b]"},
		"[WARN] memberlist: a":                    {slog.LevelWarn, "a"},
		"[ERR] Failed to shutdown transport: x\n": {slog.LevelError, "Failed to shutdown transport: x"},
		"[ERROR] memberlist: a\n":                 {slog.LevelError, "a"},
		"Err: Could not set the deadline: x\n":    {slog.LevelError, "Could not set the deadline: x"},
		"odd\n":                                   {slog.LevelWarn, "odd"},
		"":                                        {slog.LevelWarn, ""},
	} {
		level, line := parseLine(in)
		if level != want.level || line != want.line {
			t.Errorf("parseLine(%q) = %v, %q", in, level, line)
		}
	}
}

func TestOutletIsSilentWhenShut(t *testing.T) {
	told := 0
	o := outlet{log: func(slog.Level, string) { told++ }, problem: func(error) { told++ }}
	call := func() {
		if n, err := o.Write([]byte("x\n")); n != 2 || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
		o.notify(nil)
	}
	call()
	o.shut()
	call()
	if told != 2 {
		t.Errorf("told %d times, want 2", told)
	}
}
