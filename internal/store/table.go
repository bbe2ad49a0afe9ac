package store

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// table is the records of all stored responses, within a budget. Of their bytes it knows only the
// names. It is changed under the store's mu. Methods whose names end in Locked need that; the
// others need no lock.
type table struct {
	changes

	forget  func(version string)              // the last record of that version has gone
	resized func()                            // the records take another number of bytes
	reads   func(*entry) bool                 // a fill reads the content of some record of it
	varies  func(key string, before []string) // see insertLocked

	shards
	probation   bool          // there is one, for chunks
	pools       [classes]pool // of entries, as they make room for each other
	queries     queryCounts
	came        atomic.Int64 // bytes of chunks, to main
	tried       int64        // and to probation; guarded by the store's mu
	recordBytes atomic.Int64 // which the entries take
	evictions   atomic.Int64 // of entries, for others or because their chunks have gone
	// cache keys, by the groups that any of their variants belongs to
	grouped map[string]map[string]struct{}
}

// lost reports whether the ring has changed since an entry of that epoch was checked for records
// that another node owns by now.
func (t *table) lost(epoch uint32) bool { return epoch != uint32(t.RingEpoch()) }

// findLocked returns the stored record that request, a HEAD or a GET, selects.
func (t *table) findLocked(key string, request http.Header, head bool) (
	rec *Record, mustRevalidate bool,
) {
	t.dropLostLocked(key)
	return t.pick(t.look(key), request, head)
}

// pick returns the one of e's records that request selects.
func (t *table) pick(e stored, request http.Header, head bool) (rec *Record, mustRevalidate bool) {
	names := varyOf(e.variants, head)
	i := slices.IndexFunc(e.variants, func(r *Record) bool {
		return (head || !r.HeadOnly) && r.selectedBy(request) && r.agrees(names, request)
	})
	if i < 0 {
		return nil, false
	}
	rec = e.variants[i]
	mustRevalidate = t.mustRevalidate(rec)
	if rec.Pass && (mustRevalidate || !t.Now().Before(rec.PassUntil.Time())) {
		return nil, false
	}
	e.use(t.came.Load(), t.Memory/useSteps)
	return rec, mustRevalidate
}

// dropLostLocked drops the records under key that this node stored as the owner, if another node
// owns key by now.
func (t *table) dropLostLocked(key string) {
	now := t.look(key)
	if now.entry == nil || !t.lost(now.ringEpoch) {
		return
	}
	since := uint64(now.ringEpoch)
	now.ringEpoch = uint32(t.RingEpoch())
	switch {
	case t.ownerOf(key) != "":
		now.variants = without(now.variants, (*Record).owned)
	case !t.Remote.OwnedSince(t.routingKey(key)+".0", since):
		// another node may have known better meanwhile
		now.variants = replaced(now.variants, (*Record).owned, func(r *Record) { r.basis = 0 })
	}
	t.setLocked(key, now)
}

// without returns a copy of variants without those that gone reports.
func without(variants []*Record, gone func(*Record) bool) []*Record {
	return slices.DeleteFunc(slices.Clone(variants), gone)
}

// mustRevalidate reports whether rec must not be used before its owner has been asked. If this node
// is the owner, that is the origin: other nodes may have taken this node's place while it was out
// of contact.
func (t *table) mustRevalidate(rec *Record) bool {
	switch {
	case rec.Invalid:
		return true
	case !rec.RetryAfter.IsZero() && rec.rests(t.Now()): // that has just failed
		return false
	case rec.owned():
		return t.log.MustRevalidate(rec.basis)
	}
	return !t.trusts(rec)
}

// trusts reports whether this node may answer from rec, which may be nil, without asking its owner.
func (t *table) trusts(rec *Record) bool {
	return rec.isCurrent(t.Now()) && !t.log.MustRevalidate(rec.basis)
}

// land sets the moment that rec rests on, and returns the mark for its version. The origin was
// asked at began. Groups are rec's, and those of the record that it renews, if it does. If named is
// false, an entry that matches has come since: the version of what was on its way is to be a random
// name, as the mark is for what is fetched from now on.
func (t *table) land(rec *Record, key string, groups []string, began invalidation.Token) (
	mark invalidation.Mark, named bool,
) {
	now := t.log.Now()
	mark, verdict := t.log.Land(t.resource(key, groups), began)
	if rec.basis = began; verdict == invalidation.Current {
		rec.basis = now.Token
	}
	return mark, verdict < invalidation.Expired
}

// installLocked puts rec into the table, in the place of the one for the same variant.
func (t *table) installLocked(rec *Record) { t.insertLocked(rec, nil, func() {}) }

// insertLocked is installLocked for a record that takes also the place of prev, which may be nil,
// whatever requests that is for. It calls varies if this node owns the key and other records were
// stored under it, with the fields that told those apart. It calls begin when rec is ready, before
// rec can be found.
func (t *table) insertLocked(rec, prev *Record, begin func()) {
	now := t.look(rec.Key)
	known, names := now.entry != nil, varyOf(now.variants, true)
	if known {
		rec.Key = now.key() // the key takes no memory of its own
		now.ringEpoch = min(now.ringEpoch, uint32(rec.ringEpoch))
	} else {
		rec.Key = strings.Clone(rec.Key) // of a longer line perhaps
		now = stored{&entry{query: t.queries.add(rec.Key, 1)}, nil, uint32(rec.ringEpoch)}
		if t.probation && !rec.owned() {
			now.entry.try() // its chunks are elsewhere
		}
	}
	for _, old := range now.variants {
		rec.inherit(old)
	}
	verdict := t.log.Check(t.resourceOf(rec), rec.basis)
	if rec.Invalid = verdict >= invalidation.MustRevalidate; verdict == invalidation.Expired {
		rec.expire(t.Now())
	}
	t.name(rec)
	rec.settle()
	begin()
	kept := without(now.variants, func(old *Record) bool {
		return old == prev || rec.ousts(old, now.variants)
	})
	if rec.Pass { // stored variants come first
		kept = append(kept, rec)
	} else {
		kept = slices.Insert(kept, 0, rec)
	}
	if i := surplus(kept, rec); i >= 0 {
		kept = slices.Delete(kept, i, i+1)
	}
	now.variants = kept
	t.setLocked(rec.Key, now)
	if known && rec.owned() {
		t.varies(rec.Key, names)
	}
	t.evictLocked(now.entry)
}

// setLocked puts now in the place of what is stored under key: nothing, if it has no variants.
func (t *table) setLocked(key string, now stored) {
	e, before := now.entry, now.entry.variants
	if len(now.variants) == 1 {
		now.variants = now.variants[0].alone[:]
	}
	if len(before) > 0 {
		t.ungroupLocked(key, before)
		t.pools[e.pool].remove(e)
		t.recordBytes.Add(-int64(e.bytes))
	}
	t.shardLocked(key, now)
	if len(now.variants) == 0 {
		t.queries.add(key, -1)
	} else {
		e.bytes = 0
		for _, rec := range now.variants {
			e.bytes += uint32(t.size(rec))
		}
		t.enterLocked(now)
		t.recordBytes.Add(int64(e.bytes))
		t.groupLocked(key, now.variants)
	}
	t.resized()
	for _, old := range before {
		if !slices.ContainsFunc(now.variants, old.sameBytes) {
			t.forget(old.Version)
		}
	}
}

// enterLocked has now's entry enter the pool of its class.
func (t *table) enterLocked(now stored) {
	e := now.entry
	if e.onTrial && !e.newcomer() {
		e.onTrial, e.kept = false, true
	}
	if e.pool = now.class(); e.pool == newcomers {
		e.lastUse.Store(-1 - t.tried)
	} else {
		e.lastUse.Store(t.came.Load())
	}
	t.pools[e.pool].add(e)
}

// deleteLocked drops those of key's records that gone reports.
func (t *table) deleteLocked(key string, gone func(*Record) bool) {
	if now := t.look(key); now.entry != nil {
		now.variants = without(now.variants, gone)
		t.setLocked(key, now)
	}
}

// removeLocked drops all records under key.
func (t *table) removeLocked(key string) {
	t.deleteLocked(key, func(*Record) bool { return true })
}

// withdrawLocked drops rec, or what has taken its place, but no other variant with the same bytes.
func (t *table) withdrawLocked(rec *Record) {
	if now := t.successor(rec); now != nil {
		t.deleteLocked(now.Key, now.is)
	}
}

// dropLocked drops all records of rec's version.
func (t *table) dropLocked(rec *Record) {
	t.deleteLocked(rec.Key, rec.sameBytes)
	t.forget(rec.Version)
}

// current returns a record in the table with rec's version: rec itself, or what has taken its
// place, or any other. It returns nil if there is none.
func (t *table) current(rec *Record) *Record {
	if now := t.successor(rec); now != nil {
		return now
	}
	return t.variantWhere(rec.Key, rec.sameBytes)
}

// successor returns the record in the table that is rec or has taken its place with the same bytes,
// or nil. Other variants may have the same version.
func (t *table) successor(rec *Record) *Record {
	now := t.variantWhere(rec.Key, func(r *Record) bool {
		return r.Version == rec.Version && r.Revision == rec.Revision
	})
	if now == nil {
		now = t.variantWhere(rec.Key, func(r *Record) bool {
			return r.Version == rec.Version && r.Variant == rec.Variant &&
				slices.Equal(r.Vary, rec.Vary)
		})
	}
	return now
}

// replaced returns a copy of variants with copies of those that meant reports, which change has
// changed.
func replaced(variants []*Record, meant func(*Record) bool, change func(*Record)) []*Record {
	variants = slices.Clone(variants)
	for i, rec := range variants {
		if meant(rec) {
			variants[i] = rec.with(change)
			variants[i].settle()
		}
	}
	return variants
}

// changeLocked replaces those of key's records that meant reports by copies that change has
// changed.
func (t *table) changeLocked(key string, meant func(*Record) bool, change func(*Record)) {
	if now := t.look(key); now.entry != nil {
		now.variants = replaced(now.variants, meant, change)
		t.setLocked(key, now)
		t.evictLocked(now.entry)
	}
}

// supersedeLocked puts rec in the place of old, which is in the table and has the same bytes. rec
// becomes the newest variant, for its own requests, and is stored under another key if it belongs
// there by now.
func (t *table) supersedeLocked(old, rec *Record) {
	if rec.Key == old.Key {
		t.insertLocked(rec, old, func() {})
		return
	}
	rec.ringEpoch = min(rec.ringEpoch, uint64(t.look(old.Key).ringEpoch))
	rec.inherit(old)
	t.dropLocked(old)
	t.installLocked(rec)
}

// evictLocked evicts entries until the records fit their shares of the memory. e has come or grown
// just now, and isn't the first to go. Files have chunks, so they may take more than other classes.
func (t *table) evictLocked(e *entry) {
	used := e.used.Swap(true)
	defer func() { e.used.Store(used) }()
	t.judgeLocked()
	for t.recordBytes.Load() > t.Memory/recordsShare && t.n > 1 {
		p := t.crowded()
		if p == &t.pools[files] && t.recordBytes.Load() <= t.Memory/recordsMost {
			return
		}
		t.evictions.Add(1)
		t.removeLocked(p.next().key())
	}
}

// crowded returns the pool that is to make room for others. If it is the files', that isn't empty:
// the others together have less than all.
func (t *table) crowded() *pool {
	for c := newcomers; c > files; c-- {
		if p := &t.pools[c]; p.bytes > t.least(c) {
			return p
		}
	}
	return &t.pools[files]
}

// least is the number of bytes up to which a class need not make room for others.
func (t *table) least(c class) int64 { return t.Memory / recordsShare / parts[c] }

// vary returns the fields that tell the variants of key apart.
func (t *table) vary(key string, head bool) []string {
	return merged(t.KeyFields, varyOf(t.look(key).variants, head))
}

// variant names the variant that req asks for, or is "" if it isn't known what selects.
func (t *table) variant(req *Request) string {
	return variantBy(t.vary(req.Key, req.Head), req.Header)
}

// postponeLocked has rec, which may be nil, rest after a failed validation. failure is the verdict,
// if there is one.
func (t *table) postponeLocked(rec *Record, failure *Failure) {
	if rec == nil {
		return
	}
	if now := t.successor(rec); now != nil {
		t.changeLocked(now.Key, now.is, func(r *Record) {
			r.RetryAfter, r.failure = t.in(RetryAfter), failure
		})
	}
}

// size is what rec takes in memory with its entry.
func (t *table) size(rec *Record) int64 {
	n := recordSize + entrySize + block(len(rec.Key)) + block(len(rec.Head)+len(rec.asking)) +
		block(max(len(rec.first), len(rec.Version)))
	if rec.small != nil {
		n += 24 + block(len(*rec.small))
	}
	if rec.Length < 0 || rec.Length > t.Geometry.Max || rec.Fragments {
		n += bodySize
	}
	if rec.Details != plain {
		n += rec.Details.size()
	}
	if canonical := t.canonical(rec.Key); canonical != rec.Key {
		n += groupSize + block(len(canonicalPrefix)+len(canonical))
	}
	return int64(n)
}
