package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
)

// fleet is the nodes of a cluster in front of one origin, and a client of theirs.
type fleet struct {
	o      *origintest.Origin
	all    []*member
	client *http.Client // its requests end with an error, at last, where a node hangs
}

// newFleet starts n nodes with args and waits until they have each other in their rings.
func newFleet(t *testing.T, n int, args ...string) *fleet {
	t.Helper()
	f := fleetOf(t, newMembers(t, n)...)
	for _, m := range f.all {
		m.serve(f.o.URL, append([]string{"--peers=" + strings.Join(f.names(), ",")}, args...)...)
		m.start(t)
	}
	f.await(t, f.all...)
	return f
}

// fleetOf is a fleet whose nodes the test starts.
func fleetOf(t *testing.T, members ...*member) *fleet {
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &fleet{o: origintest.New(t), all: members, client: &http.Client{Transport: transport,
		Timeout: 30 * time.Second}}
}

// names are those by which the nodes know each other.
func (f *fleet) names() (names []string) {
	for _, m := range f.all {
		names = append(names, m.peer)
	}
	return names
}

// but is all nodes but m.
func (f *fleet) but(m *member) []*member {
	return slices.DeleteFunc(slices.Clone(f.all), func(other *member) bool { return other == m })
}

// await waits until each of members has all of them in its ring, and nobody else.
func (f *fleet) await(t *testing.T, members ...*member) {
	t.Helper()
	var names []any
	for _, m := range members {
		names = append(names, m.peer)
	}
	slices.SortFunc(names, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	for _, m := range members {
		if !eventually(func() bool { return slices.Equal(m.ring(), names) }) {
			t.Fatalf("the ring of %s is %v, not %v", m.peer, m.ring(), names)
		}
	}
}

// marks is how long the nodes' logs are.
func (f *fleet) marks() map[*member]int {
	lines := map[*member]int{}
	for _, m := range f.all {
		lines[m] = m.log.length()
	}
	return lines
}

// get asks m for path. The answer must be closed.
func (f *fleet) get(t *testing.T, m *member, path string) *http.Response {
	t.Helper()
	resp, err := f.client.Get(m.url(path))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// expect asks m for path, which is file.
func (f *fleet) expect(t *testing.T, m *member, path string, file origintest.File) {
	t.Helper()
	if err := f.ask(m, path, file); err != nil {
		t.Error(err)
	}
}

// ask is expect for a goroutine of its own.
func (f *fleet) ask(m *member, path string, file origintest.File) error {
	resp, err := f.client.Get(m.url(path))
	if err != nil {
		return err
	}
	return correct(resp, file)
}

// correct reads resp to its end, and says what is wrong with it, which should be file.
func correct(resp *http.Response, file origintest.File) error {
	defer resp.Body.Close()
	v := &origintest.Verifier{Seed: file.Seed}
	_, err := io.Copy(v, resp.Body)
	if err == nil && resp.StatusCode == http.StatusOK && v.Off == file.Size {
		return nil
	}
	return fmt.Errorf("%s: %s, %d of %d bytes, %v", resp.Request.URL, resp.Status, v.Off, file.Size,
		err)
}

// owner is the node that owns path, as m's access log tells.
func (f *fleet) owner(t *testing.T, m *member, path string) *member {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.url(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cache-Control", "only-if-cached") // so that the origin isn't asked
	before := m.log.length()
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	line := m.log.awaitAfter(t, before, "request",
		func(line map[string]any) bool { return line["uri"] == "/files/"+path })
	i := slices.Index(f.names(), fmt.Sprint(line["owner"]))
	if i < 0 {
		t.Fatalf("no node of this cluster owns %s: %v", path, line)
	}
	return f.all[i]
}

// owned makes n files whose paths begin with prefix, all owned by m, and returns the paths.
func (f *fleet) owned(t *testing.T, m *member, n int, prefix string,
	file origintest.File) (paths []string) {
	t.Helper()
	for i := range 1000 {
		path := fmt.Sprintf("%s-%d", prefix, i)
		if f.owner(t, m, path) != m {
			continue
		}
		f.o.Handle("/"+path, file.ServeHTTP)
		if paths = append(paths, path); len(paths) == n {
			return paths
		}
	}
	t.Fatalf("%s owns next to nothing", m.peer)
	return nil
}

// maxAge is the header of what is fresh for so many seconds.
func maxAge(seconds int) http.Header {
	return http.Header{"Cache-Control": {fmt.Sprintf("max-age=%d", seconds)}}
}
