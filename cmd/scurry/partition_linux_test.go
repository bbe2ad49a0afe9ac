package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestPartition takes the network between one node and the others away, without a word to either
// side, and gives it back. All have the origin and their clients meanwhile, and all of them are
// served.
func TestPartition(t *testing.T) {
	n := newNetwork(t, 3)
	f := fleetOf(t, n.members...)
	secret := string(write(t, "secret", []byte(ourSecret)))
	token := string(write(t, "token", []byte("a-token-of-20-letters")))
	url := n.serve(t, f.o)
	for _, m := range f.all {
		m.serve(url, "--peers="+strings.Join(f.names(), ","), "--peer-secret-file="+secret,
			"--admin-token-file="+token, "--peer-heartbeat=100ms", "--lease=200ms")
		m.start(t)
	}
	f.await(t, f.all...)
	f.exercise(t)
	apart := f.all[0]
	file := origintest.File{Size: 100 << 10, ETag: `"1"`, Header: maxAge(600)}
	path := f.owned(t, apart, 1, "changing", file)[0]
	for _, m := range f.all {
		f.expect(t, m, path, file)
	}

	before := f.marks()
	n.cut(t, 0)
	for _, m := range f.but(apart) {
		m.awaitPeer(t, before[m], "peer down", apart)
		apart.awaitPeer(t, before[apart], "peer down", m)
	}
	f.exercise(t)
	file.ETag, file.Seed = `"2"`, 2
	f.o.Handle("/"+path, file.ServeHTTP)
	put, err := http.NewRequestWithContext(t.Context(), http.MethodPut, f.all[1].url(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := f.client.Do(put) // so that it is known, on one side, that the file has changed
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, m := range f.but(apart) {
		f.expect(t, m, path, file)
	}

	n.heal(t, 0)
	f.await(t, f.all...)
	f.exercise(t)
	for _, m := range f.all {
		f.expect(t, m, path, file)
	}
}

// network is network namespaces, one for each node and one between them. A node has one interface
// for its clients and the origin, which are in the test's own namespace, and another for its peers:
//
//	node 0 ── front0 ┐                        ┌ back0 ── node 0
//	node 1 ── front1 ┼ bridge "front"         ┼ back1 ── node 1    bridge "back"
//	node 2 ── front2 ┤ 198.18.x.0/24          └ back2 ── node 2    198.19.x.0/24
//	the test ─ test ─┘
//
// The addresses are of those that are set aside for measuring networks.
type network struct {
	hub     string // the name of the namespace between the nodes
	test    string // the test's address
	members []*member
}

// newNetwork makes namespaces for n nodes, which haven't been started. They go when the test ends.
// The test is skipped where there can't be any.
func newNetwork(t *testing.T, n int) *network {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skipf("iproute2, which makes network namespaces, isn't here: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can make network namespaces")
	}
	id := os.Getpid()
	sweep(t)
	w := &network{hub: fmt.Sprintf("scurry-%d-hub", id), test: fmt.Sprintf("198.18.%d.254", id%256)}
	w.space(t, w.hub)
	for _, bridge := range []string{"front", "back"} {
		if out, err := exec.Command("ip", "-n", w.hub, "link", "add", bridge, "type",
			"bridge").CombinedOutput(); err != nil {
			t.Skipf("there can't be bridges: %v: %s", err, out)
		}
		ip(t, "-n", w.hub, "link", "set", bridge, "up")
	}
	own := fmt.Sprintf("scurry%d", id)
	ip(t, "link", "add", own, "type", "veth", "peer", "name", "test", "netns", w.hub)
	ip(t, "-n", w.hub, "link", "set", "test", "master", "front", "up")
	ip(t, "address", "add", w.test+"/24", "dev", own)
	ip(t, "link", "set", own, "up")
	for i := range n {
		w.members = append(w.members, w.member(t, id, i))
	}
	return w
}

// sweep deletes namespaces of tests that were killed before they could do so themselves.
func sweep(t *testing.T) {
	t.Helper()
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		t.Skipf("there can't be network namespaces: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		var id int
		if _, err := fmt.Sscanf(name, "scurry-%d-", &id); err != nil {
			continue
		}
		if _, err := os.Stat(fmt.Sprint("/proc/", id)); errors.Is(err, fs.ErrNotExist) {
			ip(t, "netns", "delete", name)
		}
	}
}

// space makes a namespace.
func (w *network) space(t *testing.T, name string) {
	t.Helper()
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("there can't be network namespaces: %v: %s", err, out)
	}
	t.Cleanup(func() { ip(t, "netns", "delete", name) })
}

// member makes the namespace of node i, which is connected to the hub.
func (w *network) member(t *testing.T, id, i int) *member {
	t.Helper()
	space := fmt.Sprintf("scurry-%d-%d", id, i)
	w.space(t, space)
	ip(t, "-n", space, "link", "set", "lo", "up")
	for subnet, bridge := range map[int]string{18: "front", 19: "back"} {
		port := fmt.Sprint(bridge, i)
		ip(t, "-n", w.hub, "link", "add", port, "type", "veth", "peer", "name", bridge, "netns",
			space)
		ip(t, "-n", w.hub, "link", "set", port, "master", bridge, "up")
		ip(t, "-n", space, "address", "add", fmt.Sprintf("198.%d.%d.%d/24", subnet, id%256, i+1),
			"dev", bridge)
		ip(t, "-n", space, "link", "set", bridge, "up")
	}
	return &member{
		peer:   fmt.Sprintf("198.19.%d.%d:8001", id%256, i+1),
		client: fmt.Sprintf("198.18.%d.%d:9001", id%256, i+1),
		admin:  fmt.Sprintf("198.18.%d.%d:10001", id%256, i+1),
		via:    []string{"ip", "netns", "exec", space},
	}
}

// serve makes o an origin that the nodes reach, and returns its URL.
func (w *network) serve(t *testing.T, o *origintest.Origin) string {
	t.Helper()
	l, err := net.Listen("tcp", w.test+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(o.Config.Handler)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// cut takes the connection between node i and its peers away. Nobody is told: what is sent goes
// nowhere.
func (w *network) cut(t *testing.T, i int) {
	t.Helper()
	ip(t, "-n", w.hub, "link", "set", fmt.Sprint("back", i), "down")
}

// heal undoes cut.
func (w *network) heal(t *testing.T, i int) {
	t.Helper()
	ip(t, "-n", w.hub, "link", "set", fmt.Sprint("back", i), "up")
}

// ip runs ip with args.
func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
