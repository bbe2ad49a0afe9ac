package invalidation

import (
	"encoding/binary"
	"errors"
)

// Pull is how one node learns all that another one knows: it sends requests, each of which is
// answered by Reply there, until one is done. Nothing of it is taken before that, so that a pull
// that breaks off has no effect. A Pull is for one goroutine.
type Pull struct {
	log     *Log
	of      uint64 // the incarnation that answers, once one has
	after   Token  // of its log, up to which its entries have come
	entries []Entry
	bytes   int
}

// Pull begins to pull from another node.
func (l *Log) Pull() *Pull { return &Pull{log: l} }

// Request is the next message to the other node.
func (p *Pull) Request() []byte {
	return p.log.Now().Position.Append(binary.AppendUvarint(nil, uint64(p.after)))
}

// A reply holds the issuer's incarnation, the latest time that it knows, the next request's cursor,
// entries, whether it is the last one, and if so what the log contains and has forgotten.

// Reply answers a request of another node, in about as many bytes as may be, but with one entry at
// least. The last reply has the log's vectors besides, of 10 bytes and more for each incarnation
// that has ever issued an entry.
func (l *Log) Reply(request []byte, bytes int) ([]byte, error) {
	d := decoder{b: request}
	after := Token(d.number(maxNumber))
	p := d.position()
	if d.bad || len(d.b) > 0 {
		return nil, errEncoding
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	var entries []Entry
	it := l.first
	for size := 0; it != nil && (size < bytes || len(entries) == 0); it = it.next {
		if it.at <= after {
			continue
		}
		after = it.at
		if it.Name.Number > p.known[it.Kind].at(it.Name.Issuer) {
			entries = append(entries, it.Entry)
			size += len(it.Scope.name) + entryBytes
		}
	}
	b := binary.BigEndian.AppendUint64(nil, l.cfg.Incarnation)
	b = binary.AppendUvarint(b, l.time)
	b = binary.AppendUvarint(b, uint64(after))
	b = AppendEntries(b, entries)
	if it != nil {
		return append(b, 0), nil
	}
	b = append(b, 1)
	for kind := range l.shares {
		b = l.shares[kind].forgotten.append(l.shares[kind].known.append(b))
	}
	return b, nil
}

// entryBytes is about what an entry takes in a message besides its name.
const entryBytes = 24

var errRestarted = errors.New("another incarnation answers than before")

// Merge takes the reply to the last request. If it is done, this node knows all that the other one
// did. If there is an error, another Pull may fare better.
func (p *Pull) Merge(reply []byte) (c Change, done bool, err error) {
	d := decoder{b: reply}
	of, time, after := d.issuer(), d.number(maxNumber), Token(d.number(maxNumber))
	entries, last := d.entries(), d.byte()
	var theirs [kinds]contents
	for kind := range theirs {
		if last == 1 {
			theirs[kind] = contents{d.vector(), d.vector()}
			d.bad = d.bad || !theirs[kind].known.covers(theirs[kind].forgotten)
		}
	}
	switch {
	case d.bad || len(d.b) > 0 || last > 1 || last == 0 && after <= p.after:
		return c, false, errEncoding
	case p.of != 0 && p.of != of:
		return c, false, errRestarted
	}
	p.of, p.after = of, after
	p.entries = append(p.entries, entries...)
	for _, e := range entries {
		p.bytes += e.cost()
	}
	if p.bytes > pullShare*(p.log.cfg.Bytes[Remove]+p.log.cfg.Bytes[Revalidate])+pullShare*maxName {
		return c, false, errors.New("the other node's invalidation log is larger than its bounds")
	}
	if last == 0 {
		return c, false, nil
	}
	for _, e := range p.entries {
		if e.Name.Number > theirs[e.Kind].known.at(e.Name.Issuer) {
			return c, false, errEncoding
		}
	}
	return p.log.merge(p.entries, time, theirs), true, nil
}

// pullShare is how many times its own bounds a node takes while it pulls, since entries come to the
// other log meanwhile.
const pullShare = 4

// contents is what a log knows of one kind of entries, besides those that it has.
type contents struct{ known, forgotten vector }

// merge takes all that another log has.
func (l *Log) merge(entries []Entry, time uint64, theirs [kinds]contents) (c Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.time, c = max(l.time, time), l.changeLocked()
	for _, e := range entries {
		if e.Name.Number > l.shares[e.Kind].known.at(e.Name.Issuer) {
			l.insertLocked(e)
			c.add(e)
		}
	}
	c.RemoveAll = l.mergeLocked(Remove, theirs[Remove])
	l.mergeLocked(Revalidate, theirs[Revalidate])
	l.endLocked(&c)
	return c
}

// mergeLocked takes what another log knows and has forgotten, after its entries. It reports whether
// entries were missed that are forgotten.
func (l *Log) mergeLocked(kind Kind, theirs contents) (missed bool) {
	s := &l.shares[kind]
	if missed = !s.known.covers(theirs.forgotten); missed {
		l.clock++
		l.missLocked(kind, l.clock)
	}
	s.known = s.known.merged(theirs.known)
	if !s.forgotten.covers(theirs.forgotten) {
		s.forgotten = s.forgotten.merged(theirs.forgotten)
		l.tidyLocked(kind)
	}
	return missed
}
