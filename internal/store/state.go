package store

import (
	"sync"

	"github.com/scurrycache/scurry/internal/chunks"
	"github.com/scurrycache/scurry/internal/groups"
	"github.com/scurrycache/scurry/internal/workers"
)

// Store holds stored responses. Its methods may be called concurrently.
type Store struct {
	cfg       Config
	records   *groups.Group
	chunks    *chunks.Cache
	rooms     rooms
	audiences audiences
	workers   *workers.Pool // that flights run on

	lifetime

	bodies
	reserving sync.Mutex // of chunks' memory

	// mu guards all below.
	mu sync.Mutex
	table
	refreshing map[uint64]struct{} // revisions that are being validated in the background
}
