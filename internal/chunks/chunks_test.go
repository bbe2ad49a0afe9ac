package chunks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func open(t *testing.T, cfg Config) *Cache {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func remote(key string) bool { return strings.HasPrefix(key, "remote.") }

// owner has what it is asked for, or doesn't.
type owner struct {
	chunk string
	asked []string
}

func (o *owner) Fetch(_ context.Context, key string) ([]byte, error) {
	o.asked = append(o.asked, key)
	if o.chunk == "" {
		return nil, errors.New("not held")
	}
	return []byte(o.chunk), nil
}

// slow is a second tier.
type slow map[string][]byte

func (s slow) Peek(key string) (chunk []byte, ok bool) {
	chunk, ok = s[key]
	return chunk, ok
}

func (s slow) Put(key string, chunk []byte) { s[key] = chunk }

// TestWhoIsAsked: a chunk comes from the first tier that holds it; from its owner only if none does
// and that is another node, and Get is called.
func TestWhoIsAsked(t *testing.T) {
	for _, key := range []string{"remote.0.v.0", "local.0.v.0"} {
		for _, held := range []string{"nowhere", "in memory", "below"} {
			for _, owned := range []string{"", "the owner's"} {
				t.Run(fmt.Sprint(key, " held ", held, ", owner ", owned), func(t *testing.T) {
					below := slow{}
					c := open(t, Config{Budget: 1 << 20, Largest: 1 << 10, Remote: remote})
					c.slower = append(c.slower, below)
					key := c.Prefix() + key
					want := ""
					switch held {
					case "in memory":
						want = "memory's"
						c.Group.Put(key, []byte(want))
						below[key] = []byte("slow")
					case "below":
						want = "slow"
						below[key] = []byte(want)
					}
					if b, ok := c.Peek(key); string(b) != want || ok != (want != "") {
						t.Errorf("Peek: %q, %v", b, ok)
					}
					asks := want == "" && strings.Contains(key, "remote")
					if asks {
						want = owned
					}
					o := &owner{chunk: owned}
					b, err := c.Get(t.Context(), key, o)
					if string(b) != want || (err == nil) != (want != "") {
						t.Errorf("Get: %q, %v; want %q", b, err, want)
					}
					if (len(o.asked) > 0) != asks || asks && o.asked[0] != key {
						t.Errorf("the owner was asked for %q", o.asked)
					}
				})
			}
		}
	}
}

func TestPutReachesAllTiers(t *testing.T) {
	below := slow{}
	c := open(t, Config{Budget: 1 << 20, Largest: 1 << 10})
	c.slower = append(c.slower, below)
	c.Put(c.Prefix()+"k", []byte("nut"), false)
	for i, tier := range []interface{ Peek(string) ([]byte, bool) }{c, below} {
		if b, ok := tier.Peek(c.Prefix() + "k"); !ok || string(b) != "nut" {
			t.Errorf("tier %d: %q, %v", i, b, ok)
		}
	}
}

// asking is an owner that asks back.
type asking func()

func (a asking) Fetch(context.Context, string) ([]byte, error) {
	a()
	return nil, errors.New("not held")
}

// TestServeDoesntWaitForThePeerThatAsks: a chunk that is being asked for isn't looked for.
func TestServeDoesntWaitForThePeerThatAsks(t *testing.T) {
	c := open(t, Config{Budget: 1 << 20, Largest: 1 << 10, Remote: remote})
	const key = "remote.0.v.0"
	_, err := c.Get(t.Context(), c.Prefix()+key, asking(func() {
		if _, _, busy := c.Serve(key); !busy {
			t.Error("neither waits for the other")
		}
	}))
	if err == nil {
		t.Error("it came from nowhere")
	}
	if _, ok, busy := c.Serve(key); ok || busy {
		t.Errorf("served: %v, busy: %v", ok, busy)
	}
	c.Put(c.Prefix()+key, []byte("nut"), false)
	if b, ok, busy := c.Serve(key); string(b) != "nut" || !ok || busy {
		t.Errorf("served: %q, %v, busy: %v", b, ok, busy)
	}
}

// TestReserve: chunks have what others leave.
func TestReserve(t *testing.T) {
	const budget = 1 << 20
	c := open(t, Config{Budget: budget, Largest: 4 << 10})
	for _, reserved := range []int64{0, budget / 2, budget / 4} {
		c.Reserve(reserved)
		for i := range 2 * budget / 4096 {
			c.Put(fmt.Sprint(c.Prefix(), reserved, i), make([]byte, 4<<10), false)
		}
		most, held := budget-reserved, c.Usage().Bytes
		if room := c.Room(); room > most || room < most*9/10 || held > room || held < room*9/10 {
			t.Errorf("beside %d bytes there is room for %d, and %d are held", reserved, room, held)
		}
	}
}
