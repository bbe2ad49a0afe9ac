package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// names is a resolver that answers as the test tells it to.
type names struct {
	asked chan string
	hang  bool

	mu  sync.Mutex
	ips []netip.Addr
	err error
}

func (n *names) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if n.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	n.asked <- network + " " + host
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ips, n.err
}

func (n *names) answer(ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ips, n.err = nil, nil
	for _, ip := range ips {
		n.ips = append(n.ips, netip.MustParseAddr(ip))
	}
}

func (n *names) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ips, n.err = nil, err
}

func notFound() error {
	return &net.DNSError{Err: "no such host", Name: "scurry.svc", IsNotFound: true}
}

// timeout is what net says, with another local port each time.
func timeout(port int) error {
	return &net.DNSError{Err: fmt.Sprintf("read udp 10.0.0.9:%d->10.0.0.10:53: i/o timeout", port),
		Name: "scurry.svc", IsTimeout: true}
}

// lookups runs f with a DNS.
func lookups(t *testing.T, f func(n *names, w func() *watcher, problems chan error, tick func())) {
	synctest.Test(t, func(t *testing.T) {
		n := &names{asked: make(chan string, 1000)}
		problems := make(chan error, 1000)
		d := DNS{Host: "scurry.svc", Port: 8001, Resolver: n,
			Log: zerolog.New(problemLog(problems))}
		var w *watcher
		start := func() *watcher {
			w = watch(t, d)
			return w
		}
		tick := func() {
			synctest.Wait()
			<-time.After(lookupEvery)
			synctest.Wait()
		}
		f(n, start, problems, tick)
		w.end()
		if len(problems) > 0 {
			t.Errorf("one problem too many: %v", <-problems)
		}
		for range len(n.asked) {
			if got := <-n.asked; got != "ip scurry.svc" {
				t.Errorf("asked for %q", got)
			}
		}
	})
}

func TestDNS(t *testing.T) {
	lookups(t, func(n *names, start func() *watcher, _ chan error, tick func()) {
		n.answer("10.0.0.2", "10.0.0.1", "::ffff:10.0.0.2", "fd00::1", "fe80::1%eth0")
		w := start()
		w.want("10.0.0.1:8001", "10.0.0.2:8001", "[fd00::1]:8001", "[fe80::1]:8001")
		n.answer("10.0.0.1", "10.0.0.2", "fd00::1", "fe80::1") // in another order
		tick()
		n.answer("10.0.0.3")
		tick()
		w.want("10.0.0.3:8001")
		n.answer()
		tick()
		w.want()
	})
}

func TestDNSNameThatDoesNotExistHasNoNodes(t *testing.T) {
	lookups(t, func(n *names, start func() *watcher, _ chan error, tick func()) {
		n.fail(fmt.Errorf("wrapped: %w", notFound()))
		w := start()
		if got := w.next(); got != nil {
			t.Errorf("got %q, want nil", got)
		}
		tick()
		n.answer("10.0.0.1")
		tick()
		w.want("10.0.0.1:8001")
		n.fail(notFound())
		tick()
		w.want()
	})
}

func TestDNSFailureKeepsTheList(t *testing.T) {
	lookups(t, func(n *names, start func() *watcher, problems chan error, tick func()) {
		n.fail(timeout(1))
		w := start()
		tick()
		wantError(t, <-problems, "stay as they were", "i/o timeout", "scurry.svc")
		if len(w.lists) > 0 {
			t.Errorf("a list came of a timeout: %q", <-w.lists)
		}
		n.answer("10.0.0.1")
		tick()
		w.want("10.0.0.1:8001")
		for port := range 5 {
			n.fail(timeout(port))
			tick()
			n.fail(&net.DNSError{Err: "server misbehaving", IsTemporary: true})
			tick()
			n.fail(errors.New("odd"))
			tick()
		}
		wantError(t, <-problems, "i/o timeout")
		wantError(t, <-problems, "server misbehaving")
		wantError(t, <-problems, "odd")
		n.answer("10.0.0.1")
		tick()
		n.fail(timeout(9)) // new again
		tick()
		wantError(t, <-problems, "i/o timeout")
	})
}

func TestDNSLookupThatHangs(t *testing.T) {
	lookups(t, func(n *names, start func() *watcher, problems chan error, tick func()) {
		n.hang = true
		start()
		// and the end of the Watch isn't held up by another
		wantError(t, <-problems, "deadline exceeded")
	})
}

func TestDNSDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &names{asked: make(chan string, 1000)}
		n.fail(errors.New("nobody is told"))
		w := watch(t, DNS{Host: "scurry.svc", Port: 1, Resolver: n})
		<-n.asked
		begin := time.Now()
		<-n.asked
		if got := time.Since(begin); got != 5*time.Second {
			t.Errorf("looked up again after %v", got)
		}
		w.end()
	})
	w := watch(t, DNS{Host: "127.0.0.1", Port: 8001}) // the default resolver needs no server for it
	w.want("127.0.0.1:8001")
	w.end()
}
