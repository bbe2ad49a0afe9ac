package store

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/scurrycache/scurry/internal/chunks"
	"github.com/scurrycache/scurry/internal/groups"
	"github.com/scurrycache/scurry/internal/invalidation"
	"github.com/scurrycache/scurry/internal/workers"
)

// New makes a store. It must be closed.
func New(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, bodies: bodies{byVersion: map[string]*body{}},
		audiences:  audiences{byKey: map[string]*audience{}},
		refreshing: refreshing{revisions: map[uint64]struct{}{}},
	}
	k := &keys{Config: &s.cfg, refusals: refusals{now: cfg.Now}}
	s.table = table{
		changes: changes{keys: k, log: invalidation.New(invalidation.Config{
			Incarnation: rand.Uint64(), Bytes: logBytes})},
		forget: s.bodies.forget, varies: s.variesLocked, resized: s.reserve, reads: s.beingRead,
		queries: queryCounts{}, grouped: map[string]map[string]struct{}{},
	}
	s.rooms.init(cfg)
	if err := s.acquire(); err != nil {
		return nil, err
	}
	s.reserve()
	s.workers = workers.New()
	s.base, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// acquire gets the group of flights, and the chunks.
func (s *Store) acquire() (err error) {
	var remote func(key string) bool
	if s.cfg.Remote != nil {
		remote = func(key string) bool { return !s.ownsChunk(key) }
	}
	if s.records, err = groups.Acquire(groups.Config{Remote: remote}); err != nil {
		return err
	}
	s.chunks, err = chunks.New(chunks.Config{
		Budget: s.cfg.Memory, Largest: s.cfg.Geometry.Max, Remote: remote,
		Unversioned: unversioned,
	})
	if err != nil {
		s.records.Release()
		return err
	}
	s.prefix = s.chunks.Prefix()
	_, trial := s.chunks.Trial()
	s.probation = trial > 0
	return nil
}

// Close ends all fills and flights, waits for them, and frees what the store holds. Readers that
// are still in use get errors.
func (s *Store) Close() {
	if s.end() {
		s.workers.Close()
		s.records.Release()
		s.chunks.Close()
	}
}

// Usage is what a store holds and does.
type Usage struct {
	Records, RecordBytes, RecordEvictions int64
	RecordLimit                           int64 // bytes that records may take

	Fills, LiveFills int64
	Refreshes        int64 // validations in the background, now

	Chunks, Main, Probation chunks.Usage // those of Chunks are in one of the others, or in both
	// bytes that chunks may take there, beside what is reserved
	MainRoom, ProbationRoom int64
	EvictionAge             time.Duration

	Removes, Revalidates, Expires int64 // entries of the invalidation log that have come
}

// Usage counts what s holds and does.
func (s *Store) Usage() Usage {
	s.mu.Lock()
	records := int64(s.n)
	s.mu.Unlock()
	refreshes := s.refreshing.count()
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	u := Usage{
		Records: records, RecordBytes: s.recordBytes.Load(), RecordEvictions: s.evictions.Load(),
		RecordLimit: s.cfg.Memory / recordsMost,
		Fills:       s.fills, LiveFills: s.live.Load(), Refreshes: refreshes,
		Chunks: s.chunks.Usage(), EvictionAge: s.chunks.EvictionAge(),
		Removes:     s.log.Taken(invalidation.Remove),
		Revalidates: s.log.Taken(invalidation.Revalidate),
		Expires:     s.log.Taken(invalidation.Expire),
	}
	u.Main, u.Probation = s.chunks.Parts()
	_, u.MainRoom = s.chunks.Turnover()
	_, u.ProbationRoom = s.chunks.Trial()
	return u
}
