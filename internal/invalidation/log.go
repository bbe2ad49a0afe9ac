package invalidation

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Config is what a Log needs to know.
type Config struct {
	// Incarnation names this run of this node among all runs of all nodes: a random number.
	Incarnation uint64

	// Bytes is how much memory the entries of each kind may take, 1 MiB if it is 0. It is to be the
	// same on all nodes.
	Bytes [2]int
}

const defaultBytes = 1 << 20

// Token is a moment of one log: how many entries had come by then. The zero Token is before all
// others: what rests on it is to be validated.
type Token uint64

// Moment is a log at some moment. What begins then rests on the entries that the log has then.
type Moment struct {
	Token    Token
	Position *Position
}

// Log is one node's invalidation log. Its methods may be called concurrently. None of them calls
// back, so a Log's lock may be taken while any other is held.
type Log struct {
	cfg    Config
	moment atomic.Pointer[Moment]
	filter [kinds]filter

	mu       sync.RWMutex // guards what follows; moment and filter are written under it
	time     uint64       // of the latest name that is known
	clock    Token
	sweeping []Token // when the changes began for which the table hasn't been swept
	scopes   map[Scope]*[kinds][]*item
	shares   [kinds]share
}

// share is what a log keeps of one kind of entries. Of an issuer, it has the last entry for each
// scope, which stands for the earlier ones.
type share struct {
	contents
	// before this moment, entries may have come, or been missed, that are forgotten
	forgot Token
	bytes  int
}

// item is an entry in a log.
type item struct {
	Entry
	at Token // when it came
}

// New returns an empty log.
func New(cfg Config) *Log { return newLog(cfg, filterSlots) }

func newLog(cfg Config, slots int) *Log {
	l := &Log{cfg: cfg, scopes: map[Scope]*[kinds][]*item{}}
	for kind, bytes := range cfg.Bytes {
		if bytes == 0 {
			l.cfg.Bytes[kind] = defaultBytes
		}
		l.filter[kind].seed = mix(cfg.Incarnation)
		l.filter[kind].slots = make([]atomic.Uint64, slots)
	}
	l.Doubt() // of what rests on the zero token
	return l
}

// Now returns the present moment.
func (l *Log) Now() Moment { return *l.moment.Load() }

// publishLocked shows what has changed to those who don't take the lock.
func (l *Log) publishLocked() {
	p := &Position{}
	for kind := range l.shares {
		p.known[kind] = l.shares[kind].known
	}
	l.moment.Store(&Moment{l.clock, p})
}

// Change is what a log has come to know. The responses of the node that rest on an earlier moment
// than Token, and that match one of the entries, are to be removed, if it is a Remove.
type Change struct {
	Token     Token
	Entries   []Entry
	RemoveAll bool // entries were missed that are forgotten by now: they may have matched anything

	// Forgot means that the log has forgotten entries. Until the other nodes have pulled from this
	// one, they may derive other versions.
	Forgot bool

	began   Token
	removes map[Scope]struct{} // of the entries that are Removes
}

// Swept notes that the table has been swept for a change. It is to be called once for each change.
func (l *Log) Swept(c Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.sweeping, c.began); i >= 0 {
		l.sweeping = slices.Delete(l.sweeping, i, i+1)
	}
}

// Matches reports whether a response that rests on what the log knew at since is to be removed.
func (c *Change) Matches(r Resource, since Token) bool {
	if since >= c.Token || !c.RemoveAll && len(c.removes) == 0 {
		return false
	}
	for scope := range scopes(r) {
		if _, ok := c.removes[scope]; ok {
			return true
		}
	}
	return c.RemoveAll
}

func (c *Change) add(e Entry) {
	c.Entries = append(c.Entries, e)
	if e.Kind != Remove {
		return
	}
	if c.removes == nil {
		c.removes = map[Scope]struct{}{}
	}
	c.removes[e.Scope] = struct{}{}
}

// Publish issues entries of one kind.
func (l *Log) Publish(kind Kind, scopes ...Scope) Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.time++
	c := l.changeLocked()
	for _, scope := range scopes {
		number := l.shares[kind].known.at(l.cfg.Incarnation) + 1
		l.takeLocked(&c, Entry{Name{l.time, l.cfg.Incarnation, number}, kind, scope})
	}
	l.endLocked(&c)
	return c
}

// Learn takes entries that another node has issued. An entry that isn't its issuer's next isn't
// taken, since one before it has been missed, and behind is true. Then this node is to pull from
// the sender before it acknowledges the entries.
func (l *Log) Learn(entries []Entry) (c Change, behind bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c = l.changeLocked()
	for _, e := range entries {
		switch known := l.shares[e.Kind].known.at(e.Name.Issuer); {
		case e.Name.Number <= known:
		case e.Name.Number > known+1:
			behind = true
		default:
			l.takeLocked(&c, e)
		}
	}
	l.endLocked(&c)
	return c, behind
}

// takeLocked takes e, its issuer's next entry.
func (l *Log) takeLocked(c *Change, e Entry) {
	l.insertLocked(e)
	s := &l.shares[e.Kind]
	s.known = s.known.raised(e.Name.Issuer, e.Name.Number)
	c.add(e)
}

// Doubt has all responses that this node has validated before its next use: others may know better.
// No other node learns of it.
func (l *Log) Doubt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock++
	l.missLocked(Revalidate, l.clock)
	l.publishLocked()
}

// changeLocked begins a change.
func (l *Log) changeLocked() Change {
	l.sweeping = append(l.sweeping, l.clock)
	return Change{began: l.clock}
}

// endLocked ends a change: what is beyond the bounds is forgotten, and the rest is shown.
func (l *Log) endLocked(c *Change) {
	for kind := range kinds {
		if l.shares[kind].bytes > l.cfg.Bytes[kind] {
			l.forgetLocked(kind)
			c.Forgot = true
		}
	}
	l.publishLocked()
	c.Token = l.clock
}

// insertLocked takes e, which isn't known, in the place of the issuer's last entry for that scope.
func (l *Log) insertLocked(e Entry) {
	l.time = max(l.time, e.Name.Time)
	l.clock++
	cell := l.scopes[e.Scope]
	if cell == nil {
		cell = &[kinds][]*item{}
		l.scopes[e.Scope] = cell
	}
	it, items := &item{e, l.clock}, cell[e.Kind]
	same := func(old *item) bool { return old.Name.Issuer == e.Name.Issuer }
	if i := slices.IndexFunc(items, same); i >= 0 {
		items[i] = it
	} else {
		cell[e.Kind] = append(items, it)
		l.shares[e.Kind].bytes += e.cost()
	}
	l.filter[e.Kind].note(e.Scope, it.at)
}

// dropLocked takes it out of the log.
func (l *Log) dropLocked(it *item) {
	cell := l.scopes[it.Scope]
	cell[it.Kind] = slices.DeleteFunc(cell[it.Kind], func(other *item) bool { return other == it })
	if len(cell[Remove])+len(cell[Revalidate]) == 0 {
		delete(l.scopes, it.Scope)
	}
	l.shares[it.Kind].bytes -= it.cost()
}

// itemsLocked are the entries of kind, in the order of their names.
func (l *Log) itemsLocked(kind Kind) (items []*item) {
	for _, cell := range l.scopes {
		items = append(items, cell[kind]...)
	}
	slices.SortFunc(items, func(a, b *item) int { return a.Name.Compare(b.Name) })
	return items
}
