package invalidation

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/scurrycache/scurry/internal/race"
)

var (
	histories = flag.Int("histories", 10_000, "how many histories TestModel runs")
	first     = flag.Uint64("history", 0, "the first history that TestModel runs")
)

// TestModel holds logs on several nodes against a reference that knows what happened when. A
// history is a random sequence of invalidations, messages some of which are lost, restarts,
// flights, copies and requests. In half of the histories the logs are so small that they forget; in
// the others they must be exact.
func TestModel(t *testing.T) {
	const shards = 4
	for shard := range uint64(shards) {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			for seed := *first + shard; seed < *first+
				uint64(race.Cases(*histories)); seed += shards {
				m := newModel(seed)
				for range 60 + m.IntN(60) {
					m.act()
					m.bounded()
				}
				if m.settle(); m.wrong != "" {
					t.Fatalf("history %d: %s", seed, m.wrong)
				}
			}
		})
	}
}

// resources are what clients ask for. Their groups are known once they have been fetched.
var resources = []Resource{
	{Key: "a/x", Groups: []string{"g"}}, {Key: "a/x?q", Groups: []string{"g", "h"}}, {Key: "a/b/y"},
	{Key: "ab/x", Groups: []string{"h"}}, {Key: "a"}, {Key: "c/"},
}

var modelScopes = []Scope{
	Key("a/x"), Key("a/x?q"), Key("a/b/y"), Key("a"), Key("ab/x"), Key("none"),
	Queries("a/x"), Queries("a"), Queries("c/"), Queries("c"),
	Prefix("a"), Prefix("a/b"), Prefix("a/x"), Prefix("c"), Prefix("b/"),
	Group("g"), Group("h"), Group("none"), Prefix("/"),
}

// applies says which resources a scope matches, by hand.
var applies = map[Scope]string{
	Key("a/x"): "0", Key("a/x?q"): "1", Key("a/b/y"): "2", Key("a"): "4", Key("ab/x"): "3",
	Queries("a/x"): "01", Queries("a"): "4", Queries("c/"): "5",
	Prefix("a"): "0124", Prefix("a/b"): "2", Prefix("a/x"): "01", Prefix("c"): "5",
	Group("g"): "01", Group("h"): "13", {}: "012345",
}

// entrySet is a set of the entries of a history, by the order in which they were issued.
type entrySet uint64

type model struct {
	*rand.Rand
	wrong   string
	exact   bool // nothing is forgotten or doubted
	step    int
	nodes   []*modelNode
	issued  []int                     // when each entry was
	removes entrySet                  // which are Removes
	match   [kinds][]entrySet         // which entries match each resource
	marks   map[int]map[entrySet]Mark // in exact histories: of resources, by the entries that match
	knew    map[int]map[Mark]entrySet // and the other way round
	limits  [kinds]int
}

type modelNode struct {
	log     *Log
	has     entrySet // in its log
	known   entrySet // acknowledged, or missed before contact returned: the table has been swept
	table   map[int]*modelRecord
	chunks  map[string]int // when the origin sent the bytes of a version
	flights map[int]*modelFlight
}

type modelRecord struct {
	token   Token
	version string
	born    int      // when the origin sent the bytes
	checked int      // when it was last asked
	rests   entrySet // what was known then
	invalid bool
	stale   bool // by an Expire
}

type modelFlight struct {
	began   Moment
	born    int
	rests   entrySet
	prev    *modelRecord // it is conditional on this
	waiting []modelRequest
}

// modelRequest waits for a flight.
type modelRequest struct {
	by      *modelNode
	log     *Log // by's, when it asked
	arrived Token
	known   entrySet // by's, when the request arrived
}

func newModel(seed uint64) *model {
	m := &model{
		Rand: rand.New(rand.NewPCG(seed, 1)), exact: seed%2 == 0,
		marks: map[int]map[entrySet]Mark{}, knew: map[int]map[Mark]entrySet{},
	}
	for kind := range m.match {
		m.match[kind] = make([]entrySet, len(resources))
		if !m.exact {
			m.limits[kind] = 300 + m.IntN(3000)
		}
	}
	for range 3 + m.IntN(3) {
		m.nodes = append(m.nodes, m.start())
	}
	return m
}

func (m *model) start() *modelNode {
	return &modelNode{
		log:   New(Config{Incarnation: m.Uint64(), Bytes: m.limits}),
		table: map[int]*modelRecord{}, chunks: map[string]int{}, flights: map[int]*modelFlight{},
	}
}

func (m *model) fail(format string, args ...any) {
	if m.wrong == "" {
		m.wrong = fmt.Sprintf("step %d: ", m.step) + fmt.Sprintf(format, args...)
	}
}

func (m *model) node() *modelNode { return m.nodes[m.IntN(len(m.nodes))] }
func (m *model) lost() bool       { return m.IntN(3) == 0 }

func (m *model) act() {
	m.step++
	n, r := m.node(), m.IntN(len(resources))
	switch p := m.IntN(100); {
	case p < 12:
		m.publish(n)
	case p < 26:
		m.pull(n, m.node())
	case p < 28:
		m.nodes[m.IntN(len(m.nodes))] = m.start()
	case p < 29 && !m.exact:
		n.log.RevalidateAll()
	case p < 50:
		for r := range resources {
			if n.flights[r] != nil && m.IntN(2) == 0 {
				m.land(n, r)
			}
		}
	case p < 64:
		m.copy(n, m.node(), r)
	case p < 74:
		m.read(n, m.node(), r)
	default:
		m.request(n, r)
	}
}

// bounded holds each log against its bounds.
func (m *model) bounded() {
	for _, n := range m.nodes {
		var bytes [kinds]int
		for kind, s := range n.log.shares {
			for _, it := range s.sorted() {
				bytes[kind] += it.cost()
			}
			if s.bytes != bytes[kind] || s.bytes > n.log.cfg.Bytes[kind] ||
				!s.known.covers(s.forgotten) {
				m.fail("a log takes %d bytes, counts %d", bytes[kind], s.bytes)
			}
		}
	}
}

func (m *model) publish(n *modelNode) {
	scopes := []Scope{modelScopes[m.IntN(len(modelScopes))]}
	if m.IntN(4) == 0 {
		scopes = append(scopes, modelScopes[m.IntN(len(modelScopes))])
	}
	if len(m.issued)+len(scopes) > 64 {
		return
	}
	kind := Kind(m.IntN(int(kinds)))
	c := n.log.Publish(kind, scopes...)
	var all entrySet
	for _, s := range scopes {
		e := entrySet(1) << len(m.issued)
		m.issued = append(m.issued, m.step)
		if kind == Remove {
			m.removes |= e
		}
		for _, r := range applies[s] {
			m.match[kind][r-'0'] |= e
		}
		all |= e
	}
	m.learnt(n, c, all, all)
	message := encodeEntries(c.Entries)
	for _, peer := range m.nodes {
		if peer == n || m.lost() {
			continue
		}
		entries, rest, ok := decodeEntries(message)
		if !ok || len(rest) > 0 {
			m.fail("entries don't decode")
		}
		c, behind := peer.log.Learn(entries)
		taken := all
		if behind {
			taken = 0
		}
		m.learnt(peer, c, taken, taken)
		if behind && m.IntN(2) == 0 {
			m.pull(peer, n)
		}
	}
}

func (m *model) pull(n, peer *modelNode) { m.pullWith(n, peer, true) }

// pullWith has n pull from peer. If it is faulty, the reply may be lost, and peer may issue an
// entry before or after it replies.
func (m *model) pullWith(n, peer *modelNode, faulty bool) {
	if n == peer {
		return
	}
	meanwhile := func() {
		if faulty && m.IntN(5) == 0 {
			m.publish(peer)
		}
	}
	position := n.log.Now().Position
	meanwhile()
	reply := peer.log.Reply(position)
	has, known := peer.has, peer.known
	if meanwhile(); faulty && m.IntN(5) == 0 {
		return
	}
	c, err := n.log.Merge(reply)
	if err != nil {
		m.fail("a reply is refused: %v", err)
		return
	}
	m.learnt(n, c, has, known)
}

// learnt notes a change of n's log, which has some entries now. The table is swept in the same
// step, and then some of the entries are acknowledged.
func (m *model) learnt(n *modelNode, c Change, has, known entrySet) {
	n.has |= has
	for r, rec := range n.table {
		for _, e := range c.Entries {
			if !e.Scope.Matches(resources[r]) {
				continue
			}
			if m.exact && n.has&m.match[e.Kind][r]&^rec.rests == 0 {
				m.fail("%s is swept for nothing", resources[r].Key)
			}
			switch e.Kind {
			case Remove:
				delete(n.table, r)
			case Revalidate:
				rec.invalid = true
			case Expire:
				rec.stale = true
			}
		}
	}
	n.known |= known
}

// markOf is the mark that n derives. Where entries are forgotten it is that of the Removes alone:
// each node forgets Revalidates in its own time, and tells nobody.
func (m *model) markOf(n *modelNode, r int) Mark {
	mark, _ := n.log.Land(resources[r], n.log.Now().Token)
	if !m.exact {
		mark -= n.log.shares[Revalidate].mark(resources[r])
	}
	return mark
}

// settle has all nodes learn what the others know. Then all derive the same marks, and so does one
// that has restarted.
func (m *model) settle() {
	exchange := func() {
		for range 2 {
			for _, n := range m.nodes {
				for _, peer := range m.nodes {
					m.pullWith(n, peer, false)
				}
			}
		}
	}
	alike := func(when string) (marks []Mark) {
		for r := range resources {
			mark := m.markOf(m.nodes[0], r)
			marks = append(marks, mark)
			for i, n := range m.nodes {
				if own := m.markOf(n, r); own != mark {
					m.fail("%s: node %d derives %x for %s, node 0 %x", when, i, own,
						resources[r].Key, mark)
				}
			}
		}
		return marks
	}
	m.step++
	exchange()
	before := alike("settled")
	m.nodes[m.IntN(len(m.nodes))] = m.start()
	exchange()
	for r, mark := range alike("after a restart") {
		if mark != before[r] {
			m.fail("a restart changes the mark of %s from %x to %x", resources[r].Key, before[r],
				mark)
		}
	}
	for _, n := range m.nodes {
		for r := range resources {
			m.request(n, r)
		}
	}
}
