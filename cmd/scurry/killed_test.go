package main

import (
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestOwnerIsKilled kills a node while others pass on to their clients what it reads from the
// origin. With a strong validator the rest comes from the origin; without one, clients see that the
// body is cut. Then the node is started again.
func TestOwnerIsKilled(t *testing.T) {
	for _, test := range []struct {
		name  string
		file  origintest.File
		whole bool
	}{
		{"etag", origintest.File{ETag: `"1"`}, true},
		{"modified", origintest.File{Modified: origintest.Old}, true},
		{"weak", origintest.File{ETag: `W/"1"`}, false},
		{"none", origintest.File{}, false},
		{"no-length", origintest.File{Chunked: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			const half = 150 << 10
			f := newFleet(t, 3)
			file := test.file
			file.Size, file.Header = 400<<10, maxAge(600)
			owner := f.all[0]
			paths := f.owned(t, owner, 4, "f", file)
			goOn := f.pause(t, paths[0], file, half)
			var transfers []*transfer
			for _, m := range f.but(owner) {
				transfers = append(transfers, f.begin(t, m, paths[0], file, half))
			}

			before := f.marks()
			owner.kill(t)
			for _, m := range f.but(owner) {
				m.awaitPeer(t, before[m], "peer down", owner)
			}
			goOn()
			for _, b := range transfers {
				if cut := b.finish(t, file); (cut == nil) != test.whole {
					t.Errorf("%d of %d bytes, %v", b.v.Off, file.Size, cut)
				}
			}
			for _, m := range f.but(owner) {
				for _, path := range paths {
					f.expect(t, m, path, file)
				}
			}

			owner.start(t)
			f.await(t, f.all...)
			for _, m := range f.all {
				for _, path := range paths {
					f.expect(t, m, path, file)
				}
			}
		})
	}
}
