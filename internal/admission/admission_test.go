package admission_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/admission"
)

var (
	a = netip.MustParseAddr("192.0.2.1")
	b = netip.MustParseAddr("192.0.2.2")
)

// clock is a time that only the test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func TestOpen(t *testing.T) {
	g := admission.New(admission.Config{})
	for range 1000 {
		if v := g.Admit(a); v.Reason != admission.Admitted || !g.Open() {
			t.Fatal(v)
		}
	}
}

// TestRequests: no more are in flight than may be, whoever they are from.
func TestRequests(t *testing.T) {
	const most = 3
	g := admission.New(admission.Config{Requests: most})
	var work sync.WaitGroup
	var mu sync.Mutex
	var now, peak, refused int
	for range 16 {
		work.Go(func() {
			for range 500 {
				if v := g.Admit(a); v.Reason != admission.Admitted {
					mu.Lock()
					refused++
					mu.Unlock()
					continue
				}
				mu.Lock()
				now++
				peak = max(peak, now)
				mu.Unlock()
				mu.Lock()
				now--
				mu.Unlock()
				g.Done()
			}
		})
	}
	work.Wait()
	if peak > most {
		t.Errorf("%d were in flight", peak)
	}
	for range most {
		if v := g.Admit(a); v.Reason != admission.Admitted {
			t.Fatalf("%v, although none is in flight", v)
		}
	}
	if v := g.Admit(b); v.Reason != admission.Requests || v.Wait <= 0 {
		t.Errorf("one too many: %v", v)
	}
}

// TestRate: a client may send its burst at once, and then as many as the rate allows. Refusals cost
// nothing, and others aren't concerned.
func TestRate(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	g := admission.New(admission.Config{Rate: 0.5, Burst: 3, Requests: 1000, Now: c.Now})
	admitted := func(client netip.Addr) (n int) {
		for range 10 {
			if g.Admit(client).Reason == admission.Admitted {
				n++
				g.Done()
			}
		}
		return n
	}
	if n := admitted(a); n != 3 {
		t.Errorf("%d of a burst of 3", n)
	}
	v := g.Admit(a)
	if v.Reason != admission.ClientRate || v.Wait.Round(time.Millisecond) != 2*time.Second {
		t.Errorf("%v, want a wait of 2 s", v)
	}
	if n := admitted(b); n != 3 {
		t.Errorf("another client: %d", n)
	}
	c.now = c.now.Add(v.Wait)
	if n := admitted(a); n != 1 {
		t.Errorf("%d after the wait", n)
	}
	c.now = c.now.Add(time.Hour)
	if n := admitted(a); n != 3 {
		t.Errorf("%d after an hour", n)
	}
}

// TestWhoIsAClient: addresses of IPv6 in one /64 are one client, and mapped ones are those of IPv4.
func TestWhoIsAClient(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	g := admission.New(admission.Config{Rate: 1, Burst: 1, Now: c.Now})
	for _, tt := range []struct {
		addr string
		want admission.Reason
	}{
		{"2001:db8:0:1::1", admission.Admitted}, {"2001:db8:0:1:ffff::2",
			admission.ClientRate}, {"2001:db8:0:2::1", admission.Admitted},
		{"192.0.2.1", admission.Admitted}, {"::ffff:192.0.2.1", admission.ClientRate}, {"192.0.2.2",
			admission.Admitted},
	} {
		if v := g.Admit(netip.MustParseAddr(tt.addr)); v.Reason != tt.want {
			t.Errorf("%s: %v, want %v", tt.addr, v.Reason, tt.want)
		}
	}
	if g.Admit(netip.Addr{}).Reason != admission.Admitted ||
		g.Admit(netip.Addr{}).Reason != admission.ClientRate {
		t.Error("clients without an address aren't one client")
	}
}

// TestManyClients: those who send all the time stay known among very many others.
func TestManyClients(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	g := admission.New(admission.Config{Rate: 1, Burst: 1, Now: c.Now})
	g.Admit(a)
	for i := range 100_000 {
		other := netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::", i>>16, i&0xffff))
		if v := g.Admit(other); v.Reason != admission.Admitted {
			t.Fatalf("%s: %v", other, v)
		}
		if i%100 == 0 && g.Admit(a).Reason != admission.ClientRate {
			t.Fatalf("after %d others it is forgotten", i)
		}
	}
}

// BenchmarkAdmit is what a request costs, with each limit.
func BenchmarkAdmit(bench *testing.B) {
	for name, c := range map[string]admission.Config{
		"none": {}, "requests": {Requests: 1 << 20}, "rate": {Rate: 1e9, Burst: 1 << 30,
			Now: time.Now},
	} {
		bench.Run(name, func(bench *testing.B) {
			g := admission.New(c)
			bench.ReportAllocs()
			bench.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					g.Admit(a)
					g.Done()
				}
			})
		})
	}
}
