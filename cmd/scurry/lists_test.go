package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestListsDisagree: nodes that were given different lists work all the same, and each says once of
// each other whose list is another what both lists are.
func TestListsDisagree(t *testing.T) {
	for _, running := range []int{2, 3} {
		t.Run(fmt.Sprint(running, " of 3 run"), func(t *testing.T) {
			members := newMembers(t, 3)
			f := fleetOf(t, members[:running]...)
			long := (&fleet{all: members}).names()
			short := long[:2]
			lists := map[*member]string{}
			for _, m := range f.all {
				list := long
				if m == f.all[0] {
					list = short
				}
				m.serve(f.o.URL, "--peers="+strings.Join(list, ","))
				m.start(t)
				lists[m] = fmt.Sprint(slices.Sorted(slices.Values(list)))
			}
			f.exercise(t)
			f.end(t)
			for _, m := range f.all {
				for _, other := range f.but(m) {
					var said []string
					for _, line := range m.log.with(0,
						"this peer was given another list of nodes") {
						if line["peer"] == other.peer {
							said = append(said, fmt.Sprintf("%v: %v, %v", line["level"],
								line["ours"], line["theirs"]))
						}
					}
					var want []string
					if lists[m] != lists[other] {
						want = []string{"warn: " + lists[m] + ", " + lists[other]}
					}
					if !slices.Equal(said, want) {
						t.Errorf("%s says of %s %q, not %q", m.peer, other.peer, said, want)
					}
				}
			}
		})
	}
}

// TestWrongSelf: where a node calls itself what nobody is called, or what another node is, all
// serve, and each of the others says once what is wrong with it and what to do about that.
func TestWrongSelf(t *testing.T) {
	for _, name := range []string{"nobody's", "another's"} {
		t.Run(name, func(t *testing.T) {
			members := newMembers(t, 4)
			f := fleetOf(t, members[:3]...)
			wrong, self := f.all[0], members[3].peer
			if name == "another's" {
				self = f.all[1].peer
			}
			for _, m := range f.all {
				m.serve(f.o.URL, "--peers="+strings.Join(f.names(), ","))
				if m == wrong {
					m.args = append(m.args, "--self="+self)
				}
				m.start(t)
			}
			f.exercise(t)
			f.end(t)
			if said := wrong.log.with(0, "one of the peers is this node itself"); len(said) != 1 ||
				said[0]["peer"] != wrong.peer {
				t.Errorf("it says of itself %v", said)
			}
			list := slices.Sorted(slices.Values(f.names()))
			theirs := slices.Sorted(slices.Values(append(f.names(), self)))
			want := fmt.Sprintf("it calls itself %s, and thinks the nodes are %s, while this "+
				"node dials it as %s, and thinks they are %s: "+
				"give it --self %[3]s", self, slices.Compact(theirs), wrong.peer, list)
			for _, m := range f.but(wrong) {
				if said := m.log.with(0, "peer refused"); len(said) != 1 ||
					said[0]["peer"] != wrong.peer || said[0]["error"] != want {
					t.Errorf("%s says %v, not %s", m.peer, said, want)
				}
			}
		})
	}
}

// exercises is how many files exercise is about.
const exercises = 30

// exercise has each node asked for the same files.
func (f *fleet) exercise(t *testing.T) {
	t.Helper()
	for i := range exercises {
		path := fmt.Sprint("f", i)
		file := origintest.File{Size: 100 << 10, Seed: byte(i), ETag: `"1"`, Header: maxAge(600)}
		f.o.Handle("/"+path, file.ServeHTTP)
		for _, m := range f.all {
			f.expect(t, m, path, file)
		}
	}
}

// end has all nodes end, so that their logs are complete.
func (f *fleet) end(t *testing.T) {
	t.Helper()
	for _, m := range f.all {
		send(t, m.cmd, syscall.SIGTERM)
		if code := m.exit(); code != exitOK {
			t.Errorf("%s exits with %d", m.peer, code)
		}
		m.log.awaitAfter(t, 0, "stopped", nil)
	}
}
