package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/hostport"
)

// The key of the problem that no other node answers.
const joinProblem = "join"

// join joins the others from the first Watch on, and goes on to look for those that are missing.
func (g *Gossip) join(ctx context.Context) {
	select {
	case <-g.watched:
	case <-ctx.Done():
		return
	}
	if len(g.cfg.Join) == 0 {
		close(g.tried)
		return
	}
	g.round(ctx)
	close(g.tried)
	for pause(ctx, g.untilRound()) {
		g.round(ctx)
	}
}

// untilRound is short while this node is alone. Else some of the others may know nodes that this
// one lost.
func (g *Gossip) untilRound() time.Duration {
	if g.roster.alone() {
		return 2 * g.cfg.Probe
	}
	return 30 * g.cfg.Probe
}

// round tries the addresses to join where no member is. A node there that took this one for dead,
// or that this one took for dead, refutes that, and is a member again.
func (g *Gossip) round(ctx context.Context) {
	missing, failed := g.missing(ctx)
	for _, addr := range missing {
		if ctx.Err() != nil {
			return
		}
		// one will do
		if _, err := g.list.Join([]string{addr.String()}); err != nil && failed == nil {
			failed = joinError(err)
		}
	}
	switch {
	case ctx.Err() != nil:
	case failed != nil && g.roster.alone():
		g.problems.report(joinProblem, fmt.Errorf(
			"no other node answers at %s, which is tried again every %v: %w",
			strings.Join(g.cfg.Join, ", "), g.untilRound(), failed))
	default:
		g.problems.reported.Forget(joinProblem)
	}
}

// missing resolves the addresses to join, and leaves out those where members are, this node too.
func (g *Gossip) missing(ctx context.Context) (missing []netip.AddrPort, failed error) {
	for _, addr := range g.cfg.Join {
		host, port, _ := hostport.SplitNode(addr, wantAddr) // it has been checked
		ips, err := resolveAll(ctx, host)
		if err != nil {
			failed = err
			continue
		}
		for _, ip := range ips {
			if at := netip.AddrPortFrom(ip, port); !g.roster.has(at) {
				missing = append(missing, at)
			}
		}
	}
	return missing, failed
}

// joinError returns the only error in a list of memberlist's, whose text has line breaks and
// bullets.
func joinError(err error) error {
	if list, ok := errors.AsType[interface {
		error
		WrappedErrors() []error
	}](err); ok && len(list.WrappedErrors()) == 1 {
		return list.WrappedErrors()[0]
	}
	return err
}
