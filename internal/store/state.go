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
	reserving  sync.Mutex // of chunks' memory
	refreshing refreshing

	mu sync.Mutex // guards table
	table
}
