package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestOwnerIsStopped stops a node without ending it, which is how a machine looks that hangs. The
// others go on without it. When it is back it owns what it owned before, and validates that, since
// it may have missed something. While it is stopped, it may be idle or have bytes under way to it,
// which it finds when it wakes.
func TestOwnerIsStopped(t *testing.T) {
	for name, nodes := range map[string]int{"idle": 3, "busy": 2} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, nodes, "--peer-heartbeat=50ms", "--lease=300ms")
			owner := f.all[0]
			file := origintest.File{Size: 1 << 20, ETag: `"1"`, Header: maxAge(600)}
			paths := f.owned(t, owner, 20, "f", file)
			known, first, then := paths[0], paths[1:11], paths[11:]
			f.expect(t, owner, known, file)
			var transfers []*transfer
			goOn := func() {}
			if name == "busy" {
				path := f.owned(t, f.all[1], 1, "other", file)[0]
				goOn = f.pause(t, path, file, 100<<10)
				transfers = append(transfers, f.begin(t, owner, path, file, 100<<10))
			}

			before := f.marks()
			send(t, owner.cmd, syscall.SIGSTOP)
			goOn()
			for _, m := range f.but(owner) {
				f.expectAll(t, m, first, file)
				m.awaitPeer(t, before[m], "peer down", owner)
			}
			f.expectWithout(t, owner, append(then, known), file)
			for _, m := range f.but(owner) {
				if !eventually(func() bool { return connectionsTo(t, m.peer) == nodes-2 }) {
					t.Error("a node that is silent stays connected")
				}
			}

			before = f.marks()
			send(t, owner.cmd, syscall.SIGCONT)
			for _, m := range f.but(owner) {
				m.awaitPeer(t, before[m], "peer joined", owner)
				owner.awaitPeer(t, before[owner], "peer joined", m)
			}
			for _, b := range transfers {
				if cut := b.finish(t, file); cut != nil {
					t.Error(cut)
				}
			}
			f.o.Forget()
			f.expect(t, owner, known, file)
			if asked := f.o.Requests(); len(asked) != 1 ||
				asked[0].Header.Get("If-None-Match") != file.ETag {
				t.Errorf("after it was away, it asks the origin %v", asked)
			}
			f.await(t, f.all...)
			for _, m := range f.all {
				f.expectAll(t, m, paths, file)
			}
		})
	}
}

// TestOwnerIsStoppedBriefly stops a node for less than a lease, but for so long that the others
// give it up. When it is back, it exchanges logs with them, and then validates nothing: it has
// missed nothing.
func TestOwnerIsStoppedBriefly(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, "--peer-heartbeat=500ms", "--lease=5m")
	owner, other := f.all[0], f.all[1]
	file := origintest.File{Size: 1000, ETag: `"1"`, Header: maxAge(600)}
	paths := f.owned(t, owner, 200, "f", file)
	f.expectAll(t, owner, paths, file)

	before := f.marks()
	send(t, owner.cmd, syscall.SIGSTOP)
	other.awaitPeer(t, before[other], "peer down", owner)
	send(t, owner.cmd, syscall.SIGCONT)
	next := 0
	if !eventually(func() bool {
		asked := len(f.o.Requests())
		f.expect(t, owner, paths[next], file)
		next++
		return len(f.o.Requests()) == asked || next == len(paths)
	}) || next == len(paths) {
		t.Fatalf("after %d files it validates what it has", next)
	}
	f.await(t, f.all...)
	asked := len(f.o.Requests())
	f.expectAll(t, owner, paths, file)
	if more := len(f.o.Requests()) - asked; more > 0 {
		t.Errorf("%d files are validated although no entry is about them", more)
	}
}

// expectAll asks m for paths, each of which is file.
func (f *fleet) expectAll(t *testing.T, m *member, paths []string, file origintest.File) {
	t.Helper()
	for _, path := range paths {
		f.expect(t, m, path, file)
	}
}

// expectWithout is expectAll at all nodes but gone, none of which may have to do with that one.
func (f *fleet) expectWithout(t *testing.T, gone *member, paths []string, file origintest.File) {
	t.Helper()
	for _, m := range f.but(gone) {
		before := m.settled(t)
		f.expectAll(t, m, paths, file)
		if !eventually(func() bool { return len(m.log.with(before, "request")) >= len(paths) }) {
			t.Errorf("the log of %s lacks requests", m.peer)
		}
		for _, line := range m.log.with(before, "request") {
			if line["owner"] == gone.peer || line["peer"] == gone.peer {
				t.Errorf("asked although it isn't in the ring: %v", line)
			}
		}
	}
}

// settled is how long m's log is once it has the lines on what is over, which m writes in their
// order but not at once.
func (m *member) settled(t *testing.T) int {
	t.Helper()
	before := m.log.length()
	send(t, m.cmd, syscall.SIGHUP)
	m.log.awaitAfter(t, before, "reloaded", nil)
	return m.log.length()
}

// connectionsTo is how many connections there are to the listener at addr.
func connectionsTo(t *testing.T, addr string) (n int) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	ip := net.ParseIP(host).To4()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	const established = "01"
	local := fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], number)
	for line := range strings.Lines(string(table)) {
		if words := strings.Fields(line); words[1] == local && words[3] == established {
			n++
		}
	}
	return n
}
