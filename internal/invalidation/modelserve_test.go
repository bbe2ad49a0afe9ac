package invalidation

import (
	"fmt"
	"math/bits"
)

// request is a client's, at n.
func (m *model) request(n *modelNode, r int) {
	rec := n.table[r]
	if rec == nil {
		m.fetch(n, n, r, nil)
		return
	}
	must := rec.invalid || n.log.MustRevalidate(rec.token)
	need := n.has & m.match[Revalidate][r] &^ rec.rests
	if m.exact && must != (need != 0) {
		m.fail("%s: validation is %t, missed %b", resources[r].Key, must, need)
	}
	if must {
		m.fetch(n, n, r, rec)
		return
	}
	if missed := n.has & m.match[Expire][r] &^ rec.rests; missed != 0 && !rec.stale {
		m.fail("%s isn't stale, missed %b", resources[r].Key, missed)
	}
	switch {
	case !rec.stale:
		m.serve(r, n.known, rec.born, rec.checked, "from memory")
	case m.IntN(2) == 0: // while it is validated
		m.serveKinds(r, n.known, [kinds]int{rec.born, rec.checked, m.step}, "stale")
		fallthrough
	default:
		m.fetch(n, n, r, rec)
	}
}

// serve holds what a request is answered with against what was known when that arrived.
func (m *model) serve(r int, known entrySet, born, checked int, how string) {
	m.serveKinds(r, known, [kinds]int{born, checked, checked}, how)
}

// serveKinds is serve of what holds up to other moments for each kind of entries.
func (m *model) serveKinds(r int, known entrySet, upTo [kinds]int, how string) {
	for kind, since := range upTo {
		for set := known & m.match[kind][r]; set != 0; set &= set - 1 {
			if e := bits.TrailingZeros64(uint64(set)); m.issued[e] >= since {
				m.fail("%s of %d is served %s, after entry %d (kind %d) of %d",
					resources[r].Key, since, how, e, kind, m.issued[e])
			}
		}
	}
}

// fetch joins a flight of owner's, or begins one, for a request of by's.
func (m *model) fetch(owner, by *modelNode, r int, prev *modelRecord) {
	if owner.flights[r] == nil {
		owner.flights[r] = &modelFlight{began: owner.log.Now(), born: m.step, rests: owner.has,
			prev: prev}
	}
	f := owner.flights[r]
	f.waiting = append(f.waiting, modelRequest{by, by.log, by.log.Now().Token, by.known})
}

func (m *model) land(n *modelNode, r int) {
	f := n.flights[r]
	delete(n.flights, r)
	mark, verdict := n.log.Land(resources[r], f.began.Token)
	rec := &modelRecord{
		f.began.Token, fmt.Sprint(r, ".", mark), f.born, f.born, f.rests,
		verdict >= MustRevalidate, verdict == Expired,
	}
	missed := n.has & m.matching(r) &^ f.rests
	if m.exact {
		if verdict != m.verdict(r, missed) {
			m.fail("%s lands with verdict %d, missed %b", resources[r].Key, verdict, missed)
		}
		if verdict != Removed {
			m.derived(n, r, mark)
		}
	}
	switch {
	case f.prev != nil && m.IntN(2) == 0: // validated
		if rec.version, rec.born = f.prev.version, f.prev.born; n.table[r] == f.prev {
			n.table[r] = rec
		}
	case verdict >= Expired:
		rec.version = fmt.Sprint("random ", m.Uint64())
		if n.chunks[rec.version] = rec.born; verdict != Removed {
			n.table[r] = rec
		}
	default:
		if _, ok := n.chunks[rec.version]; !ok {
			n.chunks[rec.version] = rec.born
		}
		rec.born = n.chunks[rec.version]
		n.table[r] = rec
	}
	now := n.log.Now()
	if n.log.Check(resources[r], f.began.Token) != Current {
		now = f.began
	}
	for _, q := range f.waiting {
		m.answer(n, r, f, rec, q, now.Position)
	}
}

// answer answers a request with a flight's result, if it may have it.
func (m *model) answer(
	n *modelNode, r int, f *modelFlight, rec *modelRecord, q modelRequest, p *Position,
) {
	switch {
	case q.by.log != q.log: // it has restarted
	case q.by != n:
		if _, verdict := q.log.Accepts(resources[r], p); verdict == Current && !m.lost() {
			m.serve(r, q.by.known, rec.born, rec.checked, "from another's flight")
		}
	case q.log.Joins(resources[r], q.arrived, f.began.Token):
		m.serve(r, q.known, rec.born, rec.checked, "from a flight")
	case m.exact && n.has&m.matching(r)&^f.rests == 0:
		m.fail("a request for %s can't take a result for nothing", resources[r].Key)
	}
}

// derived holds a mark against others in exact histories: it is the same if and only if the same
// entries that match are known.
func (m *model) derived(n *modelNode, r int, mark Mark) {
	set := n.has & m.matching(r)
	if m.marks[r] == nil {
		m.marks[r], m.knew[r] = map[entrySet]Mark{}, map[Mark]entrySet{}
	}
	if old, ok := m.marks[r][set]; ok && old != mark {
		m.fail("%s: nodes that know %b derive %x and %x", resources[r].Key, set, old, mark)
	}
	if old, ok := m.knew[r][mark]; ok && old != set {
		m.fail("%s: nodes that know %b and %b derive %x", resources[r].Key, old, set, mark)
	}
	m.marks[r][set], m.knew[r][mark] = mark, set
}

// copy has n ask peer for its record, or for the result of its flight.
func (m *model) copy(n, peer *modelNode, r int) {
	if n == peer || m.lost() {
		return
	}
	rec := peer.table[r]
	if rec == nil {
		m.fetch(peer, n, r, nil)
		return
	}
	now := peer.log.Now()
	if rec.invalid || peer.log.MustRevalidate(rec.token) {
		m.fetch(peer, n, r, rec)
		return
	}
	position, rest, ok := decodePosition(encodePosition(now.Position))
	if !ok || len(rest) > 0 {
		m.fail("a position doesn't decode")
	}
	token, verdict := n.log.Accepts(resources[r], position)
	if m.exact {
		if want := m.verdict(r, n.has&^peer.has); verdict != want {
			m.fail("a copy of %s: verdict %d, want %d", resources[r].Key, verdict, want)
		}
	}
	if verdict != Current {
		return
	}
	if rec.stale { // its node says so, and this one may use it while it is validated
		m.fetch(peer, n, r, rec)
	}
	own := *rec
	own.token, own.rests = token, n.has&^(m.match[Expire][r]&^rec.rests)
	if born, ok := n.chunks[own.version]; ok {
		own.born = born
	}
	n.table[r] = &own
	upTo := [kinds]int{own.born, own.checked, own.checked}
	if own.stale {
		upTo[Expire] = m.step
	}
	m.serveKinds(r, n.known, upTo, "from a copy")
}

// read has n read the bytes of its record from peer.
func (m *model) read(n, peer *modelNode, r int) {
	rec := n.table[r]
	if rec == nil || n == peer {
		return
	}
	if rec.invalid {
		return
	}
	now := n.log.Now()
	born, ok := peer.chunks[rec.version]
	if !ok {
		return
	}
	_, verdict := peer.log.Accepts(resources[r], now.Position)
	covers := peer.log.Covers(now.Position)
	if m.exact && covers != (peer.has&^n.has == 0) {
		m.fail("covers is %t, %b against %b", covers, n.has, peer.has)
	}
	if verdict == Removed && !covers {
		return
	}
	for _, node := range []*modelNode{n, peer} {
		for set := node.known & m.match[Remove][r]; set != 0; set &= set - 1 {
			if e := bits.TrailingZeros64(uint64(set)); m.issued[e] >= born {
				m.fail("%s: bytes of %d are read after entry %d of %d", resources[r].Key, born, e,
					m.issued[e])
			}
		}
	}
}

// matching are the entries of all kinds that match a resource.
func (m *model) matching(r int) entrySet {
	return m.match[Remove][r] | m.match[Revalidate][r] | m.match[Expire][r]
}

// verdict is what entries that were missed mean for a resource.
func (m *model) verdict(r int, missed entrySet) Verdict {
	switch {
	case missed&m.match[Remove][r] != 0:
		return Removed
	case missed&m.match[Revalidate][r] != 0:
		return MustRevalidate
	case missed&m.match[Expire][r] != 0:
		return Expired
	}
	return Current
}
