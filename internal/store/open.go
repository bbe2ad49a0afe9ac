package store

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/scurrycache/scurry/internal/peer"
)

// New makes a store. It must be closed.
func New(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	seed := maphash.MakeSeed()
	s := &Store{
		cfg:       cfg,
		keys:      &keys{geometry: cfg.Geometry, canonical: cfg.Source.CanonicalKey, remote: cfg.Remote},
		selection: &selection{cfg.Selecting, cfg.Contains, seed},
		refusals:  refusals{now: cfg.Now},
		bodies:    bodies{byVersion: map[string]*body{}, hashing: seed},
		changes:   changes{canonical: cfg.Source.CanonicalKey}, refreshing: map[uint64]struct{}{},
	}
	s.layout = layout{s.keys, &s.refusals, cfg.Memory}
	s.table = newTable(s.keys, s.selection, cfg)
	s.table.forget, s.table.varies = s.forgetBodyLocked, s.variesLocked
	s.rooms.init(cfg)
	if err := s.acquire(); err != nil {
		return nil, err
	}
	s.base, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// acquire gets the groups.
func (s *Store) acquire() (err error) {
	var owner func(routingKey string) string
	if s.cfg.Remote != nil {
		owner = s.ownerBy
	}
	if s.records, err = peer.Acquire(peer.GroupConfig{Load: s.load, Owner: owner, Fetch: s.fetchRecord}); err != nil {
		return err
	}
	chunks := peer.GroupConfig{Budget: s.cfg.Memory - s.cfg.Memory/recordsShare, Load: s.loadChunk, Owner: owner, Fetch: s.fetchChunk}
	if s.chunks, err = peer.Acquire(chunks); err != nil {
		s.records.Release()
		return err
	}
	s.prefix = s.chunks.Prefix()
	return nil
}

// Close ends all fills and flights, waits for them, and frees what the store holds. Readers that
// are still in use get errors.
func (s *Store) Close() {
	if s.end() {
		s.records.Release()
		s.chunks.Release()
	}
}

// Usage is what a store holds and does.
type Usage struct {
	Records, RecordBytes int64
	Fills, LiveFills     int64
	Chunks               peer.Usage
}

// Usage counts what s holds and does.
func (s *Store) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Usage{
		Records: int64(s.shards.n), RecordBytes: s.recordBytes,
		Fills: s.fills, LiveFills: s.live.Load(),
		Chunks: s.chunks.Usage(),
	}
}
