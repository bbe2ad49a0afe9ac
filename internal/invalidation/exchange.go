package invalidation

import (
	"errors"

	"github.com/scurrycache/scurry/internal/codec"
)

// A node pulls all that another one knows. It says by its position what it knows itself, the other
// node's Reply to that has the rest, and Merge takes the Reply.

// Reply is what one log tells another one.
type Reply struct {
	time    uint64  // the latest that it knows
	entries []Entry // that the other one lacks
	shares  [kinds]contents
}

// contents is what a log knows of one kind of entries, besides those that it has.
type contents struct {
	known     vector // up to which number each issuer's entries are here, or have been
	forgotten vector // up to which number they may have been forgotten; known covers it
}

// Code codes r.
func (r *Reply) Code(c *codec.Coder) {
	number(c, &r.time, 0)
	CodeEntries(c, &r.entries)
	for kind := range r.shares {
		r.shares[kind].known.code(c)
		r.shares[kind].forgotten.code(c)
	}
}

// valid reports whether r may come from a log whose entries take no more than that many bytes.
func (r *Reply) valid(bytes int) bool {
	for _, e := range r.entries {
		if bytes -= e.cost(); e.Name.Number > r.shares[e.Kind].known.at(e.Name.Issuer) {
			return false
		}
	}
	for _, s := range r.shares {
		if !s.known.covers(s.forgotten) {
			return false
		}
	}
	return bytes >= 0
}

// Reply returns what a log at p lacks. It takes no more bytes than the entries do that a log may
// have, and for each incarnation that has ever issued an entry some 10 to 60.
func (l *Log) Reply(p *Position) *Reply {
	l.mu.RLock()
	defer l.mu.RUnlock()
	r := &Reply{time: l.time}
	for kind := range l.shares {
		r.shares[kind] = l.shares[kind].contents
		for _, it := range l.shares[kind].sorted() {
			if it.Name.Number > p.known[kind].at(it.Name.Issuer) {
				r.entries = append(r.entries, it.Entry)
			}
		}
	}
	return r
}

var errReply = errors.New("the log of another node contradicts itself, or has more than a log may")

// Merge takes a reply to a position of this log, which then knows all that the other one did. A
// reply that no log can have sent changes nothing.
func (l *Log) Merge(theirs *Reply) (c Change, err error) {
	bytes := 0
	for _, most := range l.cfg.Bytes {
		bytes += most
	}
	if !theirs.valid(bytes) {
		return c, errReply
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.time = max(l.time, theirs.time)
	for _, e := range theirs.entries {
		if e.Name.Number > l.shares[e.Kind].known.at(e.Name.Issuer) {
			l.insertLocked(&c, e)
		}
	}
	for kind := range kinds {
		l.mergeLocked(&c, kind, theirs.shares[kind])
	}
	l.endLocked(&c)
	return c, nil
}

// mergeLocked takes what another log knows and has forgotten, after its entries.
func (l *Log) mergeLocked(c *Change, kind Kind, theirs contents) {
	s := &l.shares[kind]
	if !s.known.covers(theirs.forgotten) { // some were missed that are forgotten
		l.clock++
		s.forgot = l.clock
		c.Entries = append(c.Entries, Entry{Kind: kind})
	}
	s.known = s.known.merged(theirs.known)
	if !s.forgotten.covers(theirs.forgotten) {
		s.forgotten = s.forgotten.merged(theirs.forgotten)
		s.tidy()
	}
}
