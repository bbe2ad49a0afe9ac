package store

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/invalidation"
)

// table is the records of all stored responses, within a budget. It knows nothing of their bytes
// but their names. Changes are made under the store's mu, which the methods whose names end in
// Locked need; the others need no lock.
type table struct {
	*keys
	*selection
	now      func() time.Time
	memory   int64                              // for records and chunks together
	concerns func(rec *Record, url string) bool // Config.concerns

	// forget is called when a record of that version has gone; varies when a record of this node's
	// own has come under e's key, whose variants were told apart by other fields before.
	forget func(version string)
	varies func(e *entry, before []string)

	// resized is called when the records take another number of bytes.
	resized func()

	invalidations *invalidation.Log
	shards        shards
	pools         [classes]pool // of entries, as they make room for each other
	queries       queryCounts
	ages          ages
	recordBytes   atomic.Int64 // which the entries take
	// cache keys, by the groups that any of their variants belongs to
	grouped map[string]map[string]struct{}
}

// newTable makes one without records.
func newTable(k *keys, sel *selection, log *invalidation.Log, cfg Config) *table {
	return &table{
		keys: k, selection: sel, invalidations: log, now: cfg.Now, memory: cfg.Memory,
		concerns: cfg.concerns, shards: shards{seed: sel.seed},
		queries: queryCounts{sel.seed,
			map[uint64]int32{}}, grouped: map[string]map[string]struct{}{},
	}
}

// find returns the stored record that request, a HEAD or a GET, selects. It isn't sure if the ring
// has changed since it was looked who owns key: then findLocked finds out.
func (t *table) find(key string, request http.Header, head bool) (
	rec *Record, mustRevalidate, sure bool,
) {
	e, ok := t.shards.look(key)
	if !ok {
		return nil, false, true
	}
	if t.remote != nil && e.turn != uint32(t.ringEpoch()) {
		return nil, false, false
	}
	rec, mustRevalidate = t.pick(e, request, head)
	return rec, mustRevalidate, true
}

// findLocked is find for one who holds the store's mu.
func (t *table) findLocked(key string, request http.Header, head bool) (
	rec *Record, mustRevalidate bool,
) {
	e, ok := t.shards.getLocked(key)
	if !ok || !t.dropLostLocked(e) {
		return nil, false
	}
	return t.pick(stored{e, e.variants, e.turn}, request, head)
}

// pick returns which of e's records request selects.
func (t *table) pick(e stored, request http.Header, head bool) (rec *Record, mustRevalidate bool) {
	names := varyOf(e.variants, head)
	i := slices.IndexFunc(e.variants, func(r *Record) bool {
		return (head || !r.HeadOnly) && t.selects(r, request) && t.agrees(r, names, request)
	})
	if i < 0 {
		return nil, false
	}
	rec = e.variants[i]
	mustRevalidate = t.mustRevalidate(rec)
	if rec.Pass && (mustRevalidate || !t.now().Before(rec.PassUntil.Time())) {
		return nil, false
	}
	e.uses.use(t.ages.now())
	return rec, mustRevalidate
}

// dropLostLocked drops what e holds by right of a key that another node owns by now. It reports
// whether anything is left.
func (t *table) dropLostLocked(e *entry) bool {
	turn := uint32(t.ringEpoch())
	if t.remote == nil || e.turn == turn {
		return true
	}
	since := e.turn
	t.shards.changeLocked(e.key(), func() { e.turn = turn })
	if !slices.ContainsFunc(e.variants, (*Record).owned) {
		return true
	}
	if t.ownerOf(e.key()) == "" {
		if !t.remote.OwnedSince(t.routingKey(e.key())+".0", uint64(since)) {
			t.doubtLocked(e) // another node may have known better meanwhile
		}
		return true
	}
	for _, rec := range e.variants {
		if rec.owned() {
			t.forget(rec.Version)
		}
	}
	kept := slices.DeleteFunc(slices.Clone(e.variants), (*Record).owned)
	t.setLocked(e, kept)
	return len(kept) > 0
}

// doubtLocked has what e holds by right of its key validated before its next use.
func (t *table) doubtLocked(e *entry) {
	doubted := slices.Clone(e.variants)
	for i, rec := range doubted {
		if rec.owned() {
			doubted[i] = rec.with(func(r *Record) { r.basis = 0 })
			doubted[i].settle()
		}
	}
	t.setLocked(e, doubted)
}

// mustRevalidate reports whether rec may be used no more without a word from its owner; or,
// if that is this node, from the origin, since others may have stood in for this node while it was
// out of contact.
func (t *table) mustRevalidate(rec *Record) bool {
	switch {
	case !rec.RetryAfter.IsZero() && rec.rests(t.now()): // it has been tried just now
		return false
	case rec.owned():
		return rec.basis < t.invalidations.Now().Token && t.invalidations.MustRevalidate(
			invalidation.Resource{Key: t.canonical(rec.Key), Groups: rec.Groups}, rec.basis)
	}
	return !t.now().Before(rec.Lease.Time())
}

// installLocked puts rec into the table, in the place of the one for the same variant.
func (t *table) installLocked(rec *Record) { t.insertLocked(rec, nil, func() {}) }

// insertLocked is installLocked for a record that takes the place of prev, too, for whatever
// requests that is; prev may be nil. It calls begin when rec is ready and before it can be found.
func (t *table) insertLocked(rec, prev *Record, begin func()) {
	e, ok := t.shards.getLocked(rec.Key)
	var names []string
	if ok {
		rec.Key, names = e.key(), e.varyFor(true) // the key takes no memory of its own
	} else {
		rec.Key = strings.Clone(rec.Key) // of a longer line perhaps
		e = &entry{turn: uint32(rec.ringEpoch), query: t.queries.add(rec.Key)}
		t.shards.putLocked(rec.Key, e)
	}
	t.shards.changeLocked(rec.Key, func() { e.turn = min(e.turn, uint32(rec.ringEpoch)) })
	for _, old := range e.variants {
		rec.inherit(old)
	}
	t.name(rec)
	rec.settle()
	begin()
	kept, dropped := t.besideLocked(e, rec, prev)
	if rec.Pass { // it is for those for whom there is nothing better
		kept = append(kept, rec)
	} else {
		kept = slices.Insert(kept, 0, rec)
	}
	if i := surplus(kept, rec); i >= 0 {
		dropped = append(dropped, kept[i])
		kept = slices.Delete(kept, i, i+1)
	}
	t.setLocked(e, kept)
	for _, old := range dropped {
		if !slices.ContainsFunc(kept, func(r *Record) bool { return r.Version == old.Version }) {
			t.forget(old.Version)
		}
	}
	if ok && rec.owned() && len(kept) > 0 {
		t.varies(e, names)
	}
	t.evictLocked(e)
}

// besideLocked returns those of e's variants that stay beside rec, and those that don't.
func (t *table) besideLocked(e *entry, rec, prev *Record) (kept, dropped []*Record) {
	names := func(old *Record) []string {
		if rec.Pass {
			return rec.Vary
		}
		return merged(e.varyFor(old.HeadOnly), rec.Vary)
	}
	for _, old := range e.variants {
		if old == prev || rec.replaces(old) && t.alike(rec, old, names(old)) {
			dropped = append(dropped, old)
		} else {
			kept = append(kept, old)
		}
	}
	return kept, dropped
}

// setLocked makes variants those of e, which is in the table and goes if there are none.
func (t *table) setLocked(e *entry, variants []*Record) {
	if len(e.variants) > 0 {
		t.ungroupLocked(e)
		t.pools[e.pool].remove(e)
		t.recordBytes.Add(-int64(e.bytes))
	}
	if len(variants) == 0 {
		t.queries.remove(e.key())
		t.shards.removeLocked(e.key())
		t.resized()
		return
	}
	t.shards.changeLocked(variants[0].Key, func() { e.variants = variants })
	e.bytes = 0
	for _, rec := range variants {
		e.bytes += uint32(t.size(rec))
	}
	e.pool = e.class()
	e.uses.age(t.ages.now())
	t.pools[e.pool].add(e)
	t.recordBytes.Add(int64(e.bytes))
	t.resized()
	t.groupLocked(e)
}

// removeLocked drops all records under key.
func (t *table) removeLocked(key string) {
	e, ok := t.shards.getLocked(key)
	if !ok {
		return
	}
	for _, rec := range e.variants {
		t.forget(rec.Version)
	}
	t.setLocked(e, nil)
}

// withdrawLocked drops rec, or what has taken its place, but no other variant that has the same
// bytes.
func (t *table) withdrawLocked(rec *Record) {
	now := t.successor(rec)
	if now == nil {
		return
	}
	e, _ := t.shards.getLocked(now.Key)
	t.setLocked(e, slices.DeleteFunc(slices.Clone(e.variants), func(r *Record) bool {
		return r == now
	}))
	if t.current(now) == nil {
		t.forget(now.Version)
	}
}

// dropLocked drops all records of rec's version.
func (t *table) dropLocked(rec *Record) {
	if e, ok := t.shards.getLocked(rec.Key); ok {
		t.setLocked(e, slices.DeleteFunc(slices.Clone(e.variants), func(r *Record) bool {
			return r.Version == rec.Version
		}))
	}
	t.forget(rec.Version)
}

// current returns a record in the table that has rec's version, or nil: rec itself or what
// has taken its place, if that is there.
func (t *table) current(rec *Record) *Record {
	if now := t.successor(rec); now != nil {
		return now
	}
	return t.variantWhere(rec.Key, func(r *Record) bool { return r.Version == rec.Version })
}

// successor returns the record in the table that is rec or has taken its place, with the same
// bytes, or nil. Other variants may have the same version.
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

// variantWhere returns the first of key's records that is one, or nil.
func (t *table) variantWhere(key string, is func(*Record) bool) *Record {
	e, _ := t.shards.look(key)
	if i := slices.IndexFunc(e.variants, is); i >= 0 {
		return e.variants[i]
	}
	return nil
}

// replaceLocked puts rec in the place of old, which must be in the table.
func (t *table) replaceLocked(old, rec *Record) {
	e, _ := t.shards.getLocked(old.Key)
	if rec.Version == old.Version {
		rec.Version, rec.first = old.Version, old.first
	} else {
		t.name(rec)
	}
	rec.Key = old.Key
	rec.inherit(old)
	rec.settle()
	variants := slices.Clone(e.variants)
	variants[slices.Index(variants, old)] = rec
	t.setLocked(e, variants)
	t.evictLocked(e)
}

// changeLocked puts copies that change has changed in the place of all records that have rec's
// version.
func (t *table) changeLocked(rec *Record, change func(*Record)) {
	e, ok := t.shards.getLocked(rec.Key)
	if !ok {
		return
	}
	variants := slices.Clone(e.variants)
	for i, now := range variants {
		if now.Version == rec.Version {
			variants[i] = now.with(change)
			variants[i].settle()
		}
	}
	t.setLocked(e, variants)
	t.evictLocked(e)
}

// supersedeLocked puts rec, which has the same bytes, in the place of old, which must be in the
// table: as the newest, for the requests that it is for, and under another key if it belongs there
// by now.
func (t *table) supersedeLocked(old, rec *Record) {
	if rec.Key == old.Key {
		t.insertLocked(rec, old, func() {})
		return
	}
	if e, ok := t.shards.getLocked(old.Key); ok {
		rec.ringEpoch = min(rec.ringEpoch, uint64(e.turn))
	}
	rec.inherit(old)
	t.dropLocked(old)
	t.installLocked(rec)
}

// evictLocked makes the records fit their shares of the memory, for e, which has come or grown just
// now and isn't the first to go. Files have chunks, so that they may take what others mustn't.
func (t *table) evictLocked(e *entry) {
	used := e.used()
	e.setUsed(true)
	defer func() { e.setUsed(used) }()
	for t.recordBytes.Load() > t.memory/recordsShare && t.shards.n > 1 {
		p := t.crowded()
		if p == nil && t.recordBytes.Load() <= t.memory/recordsMost {
			return
		} else if p == nil {
			p = &t.pools[files] // which isn't empty: the others together have less than all
		}
		t.removeLocked(p.next().key())
	}
}

// crowded returns the pool that is to make room for others; nil if that is the files'.
func (t *table) crowded() *pool {
	for c := errs; c > files; c-- {
		if p := &t.pools[c]; p.bytes > t.least(c) {
			return p
		}
	}
	return nil
}

// least is what a class needn't make room below.
func (t *table) least(c class) int64 { return t.memory / recordsShare / parts[c] }

// varyLocked returns the fields that tell the variants of key apart.
func (t *table) varyLocked(key string, head bool) []string {
	if e, ok := t.shards.getLocked(key); ok {
		return e.varyFor(head)
	}
	return nil
}

// variantLocked names the variant that is asked for; "" if it isn't known what selects.
func (t *table) variantLocked(req *Request) string {
	return t.variantBy(t.varyLocked(req.Key, req.Head), req.Header)
}

// postponeLocked has rec, which may be nil, rest. The failure, if not nil, is the verdict on its
// validation.
func (t *table) postponeLocked(rec *Record, failure *Failure) {
	if rec == nil {
		return
	}
	if now := t.successor(rec); now != nil {
		t.replaceLocked(now, now.with(func(r *Record) {
			r.RetryAfter, r.failure = Until(t.now().Add(RetryAfter)), failure
		}))
	}
}

// size is what rec takes in memory with its entry.
func (t *table) size(rec *Record) int64 {
	n := recordSize + entrySize + block(len(rec.Key)) + block(len(rec.Head)) +
		block(len(rec.asking))
	if rec.first != "" {
		n += block(len(rec.first))
	} else {
		n += block(len(rec.Version))
	}
	if rec.small != nil {
		n += 24 + block(len(*rec.small))
	}
	if rec.Length < 0 || rec.Length > t.geometry.Max || rec.Fragments {
		n += bodySize
	}
	if rec.Details != plain {
		n += rec.Details.size()
	}
	if place := t.canonical(rec.Key); place != rec.Key {
		n += groupSize + block(len(groupRoutingPrefix)+len(place))
	}
	return int64(n)
}
