package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// Hits by way of another node: of three nodes, the first is asked for what the second owns.
//
// A node that has got something from its owner can answer the next request for it by itself: it
// keeps a near copy of the record for a lease, and about one in ten of the chunks. So that each
// request goes to the owner, more files are asked for in turn than the first node has memory for,
// which then evicts each before it is asked for again. The owner has memory for all of them.
const (
	asking, owning, relaying = 0, 1, 3 // the places of these nodes, and of the relay
	ownMemory                = 2 << 30
	// The first node has the least memory that is allowed, two slabs. A slab has so many files, or
	// this many bytes if those are more, so that each file has one owner, and what is on its way
	// finds room.
	slabFiles, leastSlab = 8, 4 << 20
	// The files are so many that they take twice that memory. A record takes a few hundred bytes.
	recordBytes = 1 << 10
)

// clusterWays are the ways in which hits are measured. The fast lane refuses requests with a field
// that it doesn't know. The relay, which is the least that passing on takes, comes last.
var clusterWays = []struct {
	name  string
	node  int    // that is asked
	field string // of the requests
}{
	{"by way of the owner", asking, ""},
	{"by way of the owner, net/http", asking, "X-Bench: 1"},
	{"owner, net/http", owning, "X-Bench: 1"},
	{"owner, fast lane", owning, ""},
	{"by way of a relay", relaying, ""},
}

// clusters measures hits by way of another node, and prints a table for each size.
func clusters(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := buildScurry(ctx, dir)
	if err != nil {
		return err
	}
	relayBinary, err := compile(ctx, dir, relay, relaySource)
	if err != nil {
		leftOut(err)
		relayBinary = ""
	}
	for _, size := range s.sizes {
		if err := compareWays(ctx, s, binary, relayBinary, size); err != nil {
			return errors.Join(fmt.Errorf("%d bytes", size), err)
		}
	}
	describe(ctx, os.Stdout)
	return nil
}

// compareWays measures the ways with files of one size, and prints the table. Without its binary,
// the relay is left out.
func compareWays(ctx context.Context, s settings, binary, relayBinary string, size int64) error {
	slab := (slabFiles*size + leastSlab - 1) / leastSlab * leastSlab
	c, err := newCluster(ctx, binary, slab, 2*slab, ownMemory, ownMemory)
	if err != nil {
		return err
	}
	defer c.stop()
	if relayBinary != "" {
		if err := c.relayTo(ctx, relayBinary, owning); err != nil {
			return err
		}
	}
	each, err := c.requestsPerFile(ctx, size)
	if err != nil {
		return err
	}
	paths, err := c.owned(ctx, size, int(4*slab/(size+recordBytes)))
	if err != nil {
		return err
	}
	before := c.requests.Load()
	var names []string
	for _, way := range clusterWays {
		if way.node < len(c.servers) {
			names = append(names, way.name)
		}
	}
	list, err := inTurn(s, size, names, func(i int) (sample, error) {
		return c.measure(ctx, s, size, clusterWays[i].node, clusterWays[i].field, paths)
	})
	if err != nil {
		return err
	}
	if n := c.requests.Load() - before; n > 0 {
		return fmt.Errorf("the origin was asked %d times for what the owner holds", n)
	}
	showWays(os.Stdout, list, each)
	return nil
}

// measure has wrk ask a node for the files in turn, which have a size, with a field unless that is
// empty.
func (c *cluster) measure(ctx context.Context, s settings, size int64, node int, field string,
	paths []string) (sample, error) {
	script, err := os.CreateTemp("", "bench-*.lua")
	if err != nil {
		return sample{}, err
	}
	defer os.Remove(script.Name())
	if field != "" {
		field += "\r\n"
	}
	_, err = fmt.Fprintf(script, `
local paths, n = {}, 0
for path in string.gmatch([[%s]], "%%S+") do paths[#paths+1] = path end
function request()
	n = n %% #paths + 1
	return "GET " .. paths[n] .. " HTTP/1.1\r\nHost: bench\r\n%s\r\n"
end`, strings.Join(paths, " "), strings.ReplaceAll(field, "\r\n", `\r\n`))
	if err = errors.Join(err, script.Close()); err != nil {
		return sample{}, err
	}
	return load(ctx, s, c.servers, size, "-s", script.Name(), c.servers[node].url)
}

// owned has the owners read new files from the origin, until the second node owns so many. It
// returns their paths.
func (c *cluster) owned(ctx context.Context, size int64, most int) (paths []string, err error) {
	var mu sync.Mutex
	var serial atomic.Int64
	err = together(func() error {
		for {
			path := fmt.Sprintf("/files/%d/%d", serial.Add(1), size)
			owns, err := c.owns(ctx, owning, path)
			mu.Lock()
			if owns && err == nil {
				paths = append(paths, path)
			}
			enough := len(paths) >= most
			mu.Unlock()
			if enough || err != nil {
				return err
			}
		}
	})
	return paths, err
}

// requestsPerFile is how often the origin is asked for a new file of that size, which several
// clients want of each node at once.
func (c *cluster) requestsPerFile(ctx context.Context, size int64) (float64, error) {
	const files = 20
	before := c.requests.Load()
	for i := range files {
		path := fmt.Sprintf("/files/new-%d/%d", i, size)
		var client atomic.Int64
		if err := together(func() error {
			_, err := c.owns(ctx, int(client.Add(1))%len(c.nodes), path)
			return err
		}); err != nil {
			return 0, err
		}
	}
	return float64(c.requests.Load()-before) / files, nil
}

// together calls f at the same time from several goroutines, and returns their errors.
func together(f func() error) error {
	const goroutines = 12
	failed := make(chan error, goroutines)
	for range goroutines {
		go func() { failed <- f() }()
	}
	var err error
	for range goroutines {
		err = errors.Join(err, <-failed)
	}
	return err
}
