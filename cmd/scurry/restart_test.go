package main

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

const (
	begun = 100 << 10 // of a transfer, when something happens
	large = 32 << 20  // more than is under way to a client that doesn't read
)

// TestRollingRestart restarts the nodes one after the other under load. Requests are sent to nodes
// that are up only, and none fails, nor does a transfer that is in progress when its node, or the
// node that owns its file, is told to stop.
func TestRollingRestart(t *testing.T) {
	f := newFleet(t, 3)
	load := f.startLoad(t, f.assorted())
	file := origintest.File{Size: 300 << 10, ETag: `"1"`, Header: maxAge(600)}
	for i, m := range f.all {
		load.await(t, 100)
		path := f.owned(t, m, 1, fmt.Sprint("held", i), file)[0]
		goOn := f.pause(t, path, file, begun)
		transfers := []*transfer{f.begin(t, m, path, file, begun), f.begin(t, f.but(m)[0], path,
			file, begun)}

		before := f.marks()
		load.avoid(m)
		send(t, m.cmd, syscall.SIGTERM)
		for _, other := range f.but(m) {
			other.awaitPeer(t, before[other], "peer leaves", m)
		}
		load.await(t, 100)
		goOn()
		for _, b := range transfers {
			if cut := b.finish(t, file); cut != nil {
				t.Errorf("a transfer that was in progress: %v", cut)
			}
		}
		if code := m.exit(); code != exitOK {
			t.Errorf("exit code %d", code)
		}
		load.await(t, 100)
		m.start(t)
		f.await(t, f.all...)
		load.resume(m)
	}
	load.await(t, 100)
	load.stop()
}

// assorted makes files of many sizes, of which some can be resumed and some can't, and some are
// fresh for a second only.
func (f *fleet) assorted() map[string]origintest.File {
	files := map[string]origintest.File{}
	for i := range 60 {
		path := fmt.Sprint("f", i)
		file := origintest.File{
			Size: int64(i * i * 100), Seed: byte(i), Header: maxAge([]int{1, 600}[i%2]),
			ETag: []string{`"1"`, `W/"1"`, ""}[i%3], Chunked: i%5 == 0,
		}
		files[path] = file
		f.o.Handle("/"+path, file.ServeHTTP)
	}
	return files
}

// TestLeaveIsTold: a node that has nothing to wait for tells the others that it leaves, all the
// same.
func TestLeaveIsTold(t *testing.T) {
	f := newFleet(t, 3)
	m := f.all[0]
	for range 5 {
		before := f.marks()
		send(t, m.cmd, syscall.SIGTERM)
		if code := m.exit(); code != exitOK {
			t.Errorf("exit code %d", code)
		}
		for _, other := range f.but(m) {
			other.awaitPeer(t, before[other], "peer left", m)
		}
		m.start(t)
		f.await(t, f.all...)
	}
}

// TestDrainLetsPeersFinish: what a node is sending to clients of others when it is told to stop it
// sends to the end, like what it is sending to clients of its own.
func TestDrainLetsPeersFinish(t *testing.T) {
	for _, from := range []string{"origin", "memory"} {
		t.Run(from, func(t *testing.T) {
			f := newFleet(t, 3)
			m, goOn := f.all[0], func() {}
			// nothing else can take its place
			file := origintest.File{Size: large, Header: maxAge(600)}
			path := f.owned(t, m, 1, "f", file)[0]
			if from == "memory" {
				f.expect(t, m, path, file)
			} else {
				goOn = f.pause(t, path, file, begun)
			}
			transfer := f.begin(t, f.but(m)[0], path, file, begun)
			before := f.marks()
			send(t, m.cmd, syscall.SIGTERM)
			for _, other := range f.but(m) {
				other.awaitPeer(t, before[other], "peer leaves", m)
			}
			if !eventually(refused(m.url("nothing"))) { // which the origin answers at once
				t.Error("takes connections while it drains")
			}
			goOn()
			if cut := transfer.finish(t, file); cut != nil {
				t.Errorf("%d bytes, %v", transfer.v.Off, cut)
			}
			if code := m.exit(); code != exitOK {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestOwnerComesBack: a transfer from a node that has stood in for another goes on to its end when
// that one is back.
func TestOwnerComesBack(t *testing.T) {
	f := newFleet(t, 3)
	owner := f.all[0]
	file := origintest.File{Size: large, Header: maxAge(600)}
	path := f.owned(t, owner, 1, "f", file)[0]
	owner.kill(t)
	f.await(t, f.but(owner)...)
	standIn := f.owner(t, f.all[1], path)
	f.expect(t, standIn, path, file)
	var other *member
	for _, m := range f.but(owner) {
		if m != standIn {
			other = m
		}
	}
	transfer := f.begin(t, other, path, file, begun)
	owner.start(t)
	f.await(t, f.all...)
	if cut := transfer.finish(t, file); cut != nil {
		t.Errorf("%d bytes, %v", transfer.v.Off, cut)
	}
}
