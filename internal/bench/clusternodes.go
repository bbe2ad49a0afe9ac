package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// cluster is nodes that share one cache, all on the first core.
type cluster struct {
	nodes    []*running
	servers  []*running // the nodes, and the relay if there is one
	o        *origin
	requests atomic.Int64 // that the origin has had
}

// newCluster starts a node with each of these budgets, and waits until all are among the peers of
// each.
func newCluster(ctx context.Context, binary string, slab int64, budgets ...int64) (*cluster,
	error) {
	o, err := newOrigin()
	if err != nil {
		return nil, err
	}
	c := &cluster{o: o}
	serve := o.Handler
	o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		serve.ServeHTTP(w, r)
	})
	if err = c.launch(ctx, binary, slab, budgets); err == nil {
		err = c.meet(ctx)
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cluster) launch(ctx context.Context, binary string, slab int64, budgets []int64) error {
	ports, err := freePorts(2 * len(budgets))
	if err != nil {
		return err
	}
	var peers []string
	for _, port := range ports[len(budgets):] {
		peers = append(peers, address(port))
	}
	for i, budget := range budgets {
		listen := address(ports[i])
		r, err := begin(ctx, scurry, "http://"+listen, append(firstCore, binary,
			"serve", "--listen", listen,
			"--admin-listen", "127.0.0.1:0", "--origin", c.o.base, "--log-format", "json",
			"--peer-listen", peers[i], "--peers", strings.Join(peers, ","),
			"--slab", strconv.FormatInt(slab, 10), "--memory", strconv.FormatInt(budget, 10)))
		if err != nil {
			return err
		}
		c.nodes, c.servers = append(c.nodes, r), append(c.servers, r)
	}
	return nil
}

// relayTo starts the relay in front of a node, on the first core as well.
func (c *cluster) relayTo(ctx context.Context, binary string, node int) error {
	const path = "/files/relay/"
	to := relayTo(binary, strings.TrimPrefix(c.nodes[node].url, "http://"))
	r, err := server{relay, to, path}.start(ctx, 1)
	if err != nil {
		return err
	}
	r.url = strings.TrimSuffix(r.url, path+"1")
	c.servers = append(c.servers, r)
	return nil
}

// meet waits until the nodes have found each other: then each file has one owner, and each node
// owns some.
func (c *cluster) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for try := 0; ; try++ {
		owned, files := make([]int, len(c.nodes)), 8*len(c.nodes)
		var err error
		for file := range files * len(c.nodes) {
			i := file % len(c.nodes)
			path := fmt.Sprintf("/files/meet-%d-%d/1", try, file/len(c.nodes))
			owns, failed := c.owns(ctx, i, path)
			if err = errors.Join(err, failed); owns {
				owned[i]++
			}
		}
		switch {
		case err == nil && slices.Min(owned) > 0 && sum(owned) == files:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("the nodes own %v of %d files: %w", owned, files, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func sum(list []int) (n int) {
	for _, each := range list {
		n += each
	}
	return n
}

// owns asks a node for a file, and reports whether the answer didn't come by way of another node.
func (c *cluster) owns(ctx context.Context, node int, path string) (bool, error) {
	head, _, err := get(ctx, c.nodes[node].url+path)
	return !strings.Contains(head.Get("Cache-Status"), "detail=peer"), err
}

func (c *cluster) stop() {
	stopAll(c.servers)
	_ = c.o.Close()
}
