package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestShortForm starts three nodes as in three terminals, in a folder that is the origin: each with
// its own address first, or all with the same list and an index. Whatever node is asked, and
// however, the file is read once.
func TestShortForm(t *testing.T) {
	for name, words := range map[string]func(addrs []string, i int) []string{
		"own address first": func(addrs []string, i int) []string {
			own := addrs[i]
			return append([]string{own}, slices.Delete(slices.Clone(addrs), i, i+1)...)
		},
		"index": func(addrs []string, i int) []string {
			return append(slices.Clone(addrs), "--index", fmt.Sprint(i))
		},
		"index first, with one dash": func(addrs []string, i int) []string {
			return append([]string{fmt.Sprint("-index=", i)}, addrs...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const text = "what the file says"
			folder := t.TempDir()
			path := filepath.Join(folder, "1.txt")
			// What has changed just now may change again soon, and is fresh for no time at all.
			if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path,
				origintest.Old, origintest.Old)); err != nil {
				t.Fatal(err)
			}
			f := fleetOf(t, newMembers(t, 3)...)
			for i, m := range f.all {
				m.args, m.dir = words(f.names(), i), folder
				m.start(t)
			}
			f.await(t, f.all...)
			for i, path := range []string{"/zk?key=1.txt", "/zk?key=1.txt", "/files/1.txt"} {
				status, body, err := get("http://" + f.all[i].client + path)
				if status != http.StatusOK || string(body) != text {
					t.Errorf("%s: %d, %q, %v", path, status, body, err)
				}
			}
			f.end(t)
			// by whom, as the origin's log tells, and who owns it, as the access log does
			var read []string
			owners := map[any]bool{}
			for _, m := range f.all {
				for range m.log.with(0, "origin") {
					read = append(read, m.peer)
				}
				for _, line := range m.log.with(0, "request") {
					owners[line["owner"]] = true
				}
			}
			if len(read) != 1 || len(owners) != 1 || !owners[read[0]] {
				t.Errorf("the file is read from the origin by %v; it is owned by %v", read, owners)
			}
		})
	}
}
