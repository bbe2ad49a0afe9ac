package top_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/scurrycache/scurry/internal/admin"
	"github.com/scurrycache/scurry/internal/top"
)

// histogram has counted n durations of up to 1 s in two buckets, and beyond in none.
func histogram(upTo10ms, upTo1s, all uint64) admin.Histogram {
	return admin.Histogram{Count: all, Buckets: []admin.Bucket{{LeSeconds: 0.01, Count: upTo10ms},
		{LeSeconds: 1, Count: upTo1s}}}
}

// busy is a node that has been up for so many seconds, with n things of each kind in each.
func busy(up float64, n int64) *admin.Stats {
	failed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := int64(up) * n
	s := &admin.Stats{Time: failed.Add(time.Duration(up * 1e9)), UptimeSeconds: up, Connections: 7}
	s.Requests = admin.RequestStats{Hit: 8 * c, Miss: c, Revalidated: c, Failed: c, InFlight: 3}
	s.Responses = admin.ResponseStats{MemoryBytes: c << 20, OriginBytes: c << 20,
		Duration: histogram(uint64(5*c), uint64(9*c), uint64(10*c))}
	s.Origin = admin.OriginStats{Requests: 2 * c, Errors: c, LastError: &failed,
		LastErrorText: "no\x1b[31m\nroute"}
	s.Cache = admin.CacheStats{EvictionAgeSeconds: 90, LimitBytes: 100 << 20,
		Main: admin.PartStats{Bytes: 50 << 20, Evictions: c}}
	s.Cluster.RingNodes = 2
	return s
}

func peers(requests int64) admin.Peers {
	return admin.Peers{Self: "10.0.0.1:8001", Ring: []admin.RingNode{{Name: "10.0.0.1:8001",
		Share: 0.625}, {Name: "10.0.0.2:8001", Share: 0.375}}, Peers: []admin.Peer{
		{Name: "10.0.0.2:8001", State: "live", Requests: requests, LatencySeconds: 0.0123},
		{Name: "10.0.0.3:8001", State: "down", Failure: "it is\x07 silent"},
	}}
}

// screen is what is seen in that width, without colours.
func screen(v *top.View, width int) string { return strings.Join(v.Screen(width, 0, false), "\n") }

// TestScreen: what is shown are the rates between two looks, and states.
func TestScreen(t *testing.T) {
	v := &top.View{Node: "127.0.0.1:10001"}
	if got := screen(v, 80); got != "scurry    127.0.0.1:10001  no word yet" {
		t.Errorf("before the first word: %q", got)
	}
	v.Take(busy(100, 10), peers(100))
	if got := screen(v, 80); !strings.Contains(got, "requests  –/s  hit ratio –  in flight 3  "+
		"connections 7") {
		t.Errorf("after the first:\n%s", got)
	}
	v.Take(busy(102, 10), peers(112))
	got := screen(v, 200)
	for _, want := range []string{
		"127.0.0.1:10001  up 1 min 42 s", "requests  100/s  hit ratio 80.0 %", "hit 80  miss 10",
		"failed 10",
		"bytes     20 MiB/s  without the origin 50.0 %", "latency   p50 10.0 ms  p90 1.0 s  p99 " +
			"> 5 min",
		"origin    20/s  errors 10/s", "last error 1 minute ago: no [31m route",
		"[##########----------]  50 MiB of 100 MiB", "evictions 10/s  evicted after 1 min 30 s",
		"nodes     10.0.0.1:8001  itself  owns 62.5 %\n", "          10.0.0.2:8001  live  owns " +
			"37.5 %  6.0 requests/s  errors 0/s  12.3 ms\n",
		"          10.0.0.3:8001  down  owns nothing  for ", "it is silent",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if line := v.Line(); !regexp.MustCompile(`^\d\d:\d\d:\d\d  100 requests/s  hit ratio 80.0 %  20 MiB/s  p50 10.0 ms  p99 > 5 min  origin 20/s, errors 10/s  memory 50 MiB of 100 MiB  nodes 2 of 3$`).MatchString(line) {
		t.Error(line)
	}
	young := busy(102, 10)
	young.Cache.Main.Evictions = 0
	other := &top.View{}
	other.Take(young, peers(0))
	if got := screen(other, 200); strings.Contains(got, "evicted after") {
		t.Errorf("before anything has been evicted:\n%s", got)
	}
	v.Lost = "gone"
	if got := screen(v, 80); !strings.Contains(got, "gone; trying again") || !strings.Contains(got,
		"100/s") || !strings.HasSuffix(v.Line(), "  gone") {
		t.Errorf("when it is lost: %s\n%s", v.Line(), got)
	}
	restarted := busy(3, 1)
	restarted.Draining = true
	v.Take(restarted, peers(0))
	if got := screen(v, 80); !strings.Contains(got, "–/s") || !strings.Contains(got,
		"doesn't take requests") || strings.Contains(got, "gone") {
		t.Errorf("after another start:\n%s", got)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestScreenFits: no line is longer than the terminal is wide, no screen higher, and colours are
// the only escapes.
func TestScreenFits(t *testing.T) {
	v := &top.View{Node: "127.0.0.1:10001"}
	v.Take(busy(100, 12345), peers(1))
	v.Take(busy(101, 12345), peers(99))
	for width := 40; width < 200; width++ {
		plain, coloured := v.Screen(width, 0, false), v.Screen(width, 0, true)
		for i, line := range plain {
			if n := utf8.RuneCountInString(line); n > width || strings.ContainsRune(line, '\x1b') {
				t.Fatalf("%d columns of %d: %q", n, width, line)
			}
			if escapes.ReplaceAllString(coloured[i], "") != line {
				t.Fatalf("with colours: %q, without: %q", coloured[i], line)
			}
		}
		if got := v.Screen(width, 5, true); len(got) != 5 || !escapes.MatchString(got[0]) {
			t.Fatalf("%d lines of 5: %q", len(got), got)
		}
	}
}

// TestEvents: events named stats are read, and others passed over.
func TestEvents(t *testing.T) {
	one, _ := json.Marshal(busy(1, 1))
	var up []float64
	take := func(s *admin.Stats) error {
		up = append(up, s.UptimeSeconds)
		return nil
	}
	stream := fmt.Sprintf(": comment\nevent: other\ndata: x\n\nevent: stats\ndata: %s\n\nevent: "+
		"stats\ndata:%[1]s\n\nevent: stats\ndata: {", one)
	if err := top.Events(strings.NewReader(stream), take); err != nil || fmt.Sprint(up) != "[1 1]" {
		t.Errorf("%v, %v", up, err)
	}
	if err := top.Events(strings.NewReader("event: stats\ndata: {\n\n"), take); err == nil {
		t.Error("an event that is cut is read")
	}
	stop := errors.New("stop")
	if err := top.Events(strings.NewReader(stream),
		func(*admin.Stats) error { return stop }); err != stop {
		t.Error(err)
	}
}
