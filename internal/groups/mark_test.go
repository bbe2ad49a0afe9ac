package groups

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/race"
)

// anywhere is a Loader of values that come from wherever they are.
type anywhere func() []byte

func (f anywhere) Load(context.Context) ([]byte, error)  { return f(), nil }
func (f anywhere) Fetch(context.Context) ([]byte, error) { return f(), nil }

// remoteHalf owns every other key.
func remoteHalf(key string) bool {
	number, _, _ := strings.Cut(key, ".")
	n, _ := strconv.Atoi(number)
	return n%2 == 1
}

// TestKeepsIsCertain: what a group was seen to hold isn't evicted while Keeps says that it is kept,
// in either of its caches, whatever is reserved meanwhile; and it says so for long enough to be of
// use while others come and go.
func TestKeepsIsCertain(t *testing.T) {
	for name, remote := range map[string]func(string) bool{"alone": nil, "peers": remoteHalf} {
		for _, reserving := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reserving=%v", name, reserving), func(t *testing.T) { keepsIsCertain(t, remote, reserving) })
		}
	}
}

func keepsIsCertain(t *testing.T, remote func(string) bool, reserving bool) {
	const budget, largest = 1 << 20, 2 << 10
	g, err := Acquire(Config{Budget: budget, Remote: remote})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	load := func() []byte { return make([]byte, largest-rand.IntN(10)) }
	keys := map[bool][]string{} // by whether a peer owns them: then they are in the hot cache, if at all
	for i := range 1500 {
		key := fmt.Sprintf("%d.0.x", i)
		far := remote != nil && remote(key)
		keys[far] = append(keys[far], g.Prefix()+key)
	}
	kept, evicting := 0, 0
	for range race.Cases(1000) {
		some := keys[remote != nil && rand.IntN(2) == 0]
		pick := func() string { return some[rand.IntN(len(some))] }
		use := func(most int) {
			for range rand.IntN(most) {
				if rand.IntN(2) == 0 {
					g.Put(pick(), load())
				} else {
					_, _ = g.Get(t.Context(), pick(), anywhere(load))
				}
				if reserving && rand.IntN(10) == 0 {
					g.Reserve(rand.Int64N(budget / 2))
				}
			}
		}
		use(100)
		m, held := g.Mark(), []string(nil)
		for range rand.IntN(30) {
			key := pick()
			if _, ok := g.Peek(key); ok {
				held = append(held, key)
			}
		}
		use(rand.IntN(600) + 1)
		if !g.Keeps(m, largest) {
			continue
		}
		if kept++; g.Mark().evictions != m.evictions {
			evicting++
		}
		for _, key := range held {
			if _, ok := g.Peek(key); !ok {
				t.Fatalf("%s was evicted", key)
			}
		}
	}
	if kept < race.Cases(20) || evicting < race.Cases(20) {
		t.Errorf("kept %d times, %d of them while values were evicted", kept, evicting)
	}
}
