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
	Bytes [kinds]int
}

const defaultBytes = 1 << 20

// Token is a moment of one log: how many entries had come by then. The zero Token is before all
// others: what rests on it is Unconfirmed.
type Token uint64

// Moment is a log at some moment. What begins then rests on the entries that the log has then.
type Moment struct {
	Token            Token
	Position         *Position
	revalidateBefore Token // what rests on an earlier moment is Unconfirmed
}

// Log is one node's invalidation log. Its methods may be called concurrently. None of them calls
// back, so a Log's lock may be taken while any other is held.
type Log struct {
	cfg    Config
	moment atomic.Pointer[Moment] // written under mu

	mu               sync.RWMutex // guards what follows
	time             uint64       // of the latest name that is known
	clock            Token
	revalidateBefore Token
	suspended        Token // 0 if nothing is
	shares           [kinds]share
}

// share is what a log keeps of one kind of entries. Of an issuer, it has the last entry for each
// scope, which stands for the earlier ones.
type share struct {
	contents
	items map[Scope][]item
	// before this moment, entries may have come, or been missed, that are forgotten
	forgot Token
	bytes  int
	taken  int64 // entries, ever
}

// item is an entry in a log.
type item struct {
	Entry
	at Token // when it came
}

// New returns an empty log.
func New(cfg Config) *Log {
	l := &Log{cfg: cfg}
	for kind, bytes := range cfg.Bytes {
		if bytes == 0 {
			l.cfg.Bytes[kind] = defaultBytes
		}
		l.shares[kind].items = map[Scope][]item{}
	}
	l.RevalidateAll() // what rests on the zero token
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
	l.moment.Store(&Moment{l.clock, p, max(l.revalidateBefore, l.suspended)})
}

// Change is what a log has come to know: the table is to be swept for these entries. If entries
// were missed that are forgotten by now, one of their kind that matches all is among them.
type Change struct {
	Entries []Entry

	// Forgot means that the log has forgotten Removes or Expires. Until the other nodes have pulled
	// from this one, they may derive other versions.
	Forgot bool
}

// Publish issues entries of one kind.
func (l *Log) Publish(kind Kind, scopes ...Scope) (c Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.time++
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

// Taken is how many entries of a kind have come, from this node and others.
func (l *Log) Taken(kind Kind) int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.shares[kind].taken
}

// takeLocked takes e, its issuer's next entry.
func (l *Log) takeLocked(c *Change, e Entry) {
	l.insertLocked(c, e)
	s := &l.shares[e.Kind]
	s.known = s.known.merged(vector{{e.Name.Issuer, e.Name.Number}})
}

// RevalidateAll has each response that this node has validated before its next use: others may know
// better. No other node learns of it.
func (l *Log) RevalidateAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock++
	l.revalidateBefore = l.clock
	l.publishLocked()
}

// Suspend is RevalidateAll until Resume is called.
func (l *Log) Suspend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock++
	l.suspended = l.clock
	l.publishLocked()
}

// Resume ends what Suspend began: this node has learnt what it had missed.
func (l *Log) Resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.suspended = 0
	l.publishLocked()
}

// endLocked ends a change: what is beyond the bounds is forgotten, and the rest is shown.
func (l *Log) endLocked(c *Change) {
	for kind := range kinds {
		if s := &l.shares[kind]; s.bytes > l.cfg.Bytes[kind] {
			s.forget(l.cfg.Bytes[kind] / 2)
			c.Forgot = c.Forgot || kind != Revalidate
		}
	}
	l.publishLocked()
}

// insertLocked takes e, which isn't known, in the place of the issuer's last entry for that scope.
func (l *Log) insertLocked(c *Change, e Entry) {
	l.time = max(l.time, e.Name.Time)
	l.clock++
	c.Entries = append(c.Entries, e)
	s := &l.shares[e.Kind]
	s.taken++
	items := s.items[e.Scope]
	same := func(old item) bool { return old.Name.Issuer == e.Name.Issuer }
	if i := slices.IndexFunc(items, same); i >= 0 {
		items[i] = item{e, l.clock}
		return
	}
	s.items[e.Scope] = append(items, item{e, l.clock})
	s.bytes += e.cost()
}
