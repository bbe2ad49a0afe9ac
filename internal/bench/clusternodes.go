package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// cluster is nodes that share one cache, all on the first core.
type cluster struct {
	nodes    []*running
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
	addresses, err := freeAddresses(2 * len(budgets))
	if err == nil {
		clients, peers := addresses[:len(budgets)], addresses[len(budgets):]
		for i, budget := range budgets {
			err = errors.Join(err, c.launch(ctx, clients[i], binary,
				"serve", "--listen", clients[i],
				"--admin-listen", "127.0.0.1:0", "--origin", o.base, "--log-format", "json",
				"--peer-listen", peers[i], "--peers", strings.Join(peers, ","),
				"--slab", strconv.FormatInt(slab, 10), "--memory", strconv.FormatInt(budget, 10)))
		}
	}
	if err == nil {
		err = c.meet(ctx)
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// freeAddresses returns addresses on loopback that nobody listens at.
func freeAddresses(n int) (list []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // once all have been found: so they differ
		list = append(list, l.Addr().String())
	}
	return list, nil
}

// launch starts a node. Its log goes to a file that lasts as long as it is open.
func (c *cluster) launch(ctx context.Context, listen string, command ...string) error {
	log, err := os.CreateTemp("", "bench-log")
	if err != nil {
		return err
	}
	defer log.Close()
	_ = os.Remove(log.Name())
	p := exec.CommandContext(ctx, "taskset", append([]string{"-c", "0"}, command...)...)
	p.Env = append(os.Environ(), "GOMAXPROCS=1")
	p.Stderr, p.SysProcAttr = log, &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		return err
	}
	r := &running{name: scurry, group: p.Process.Pid, wait: make(chan error, 1),
		url: "http://" + listen}
	go func() { r.wait <- p.Wait() }()
	c.nodes = append(c.nodes, r)
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
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, c.nodes[node].url+path, nil)
	if err != nil {
		return false, err
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return !strings.Contains(resp.Header.Get("Cache-Status"), "detail=peer"), err
}

func (c *cluster) stop() {
	for _, r := range c.nodes {
		r.stop()
	}
	_ = c.o.Close()
}
