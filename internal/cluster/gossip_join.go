package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/hostport"
)

// The key of the problem that no other node answers.
const joinProblem = "join"

// join joins the others, and goes on to look for those that are missing.
func (g *Gossip) join(ctx context.Context) {
	g.round(ctx)
	close(g.tried)
	for len(g.cfg.Join) > 0 && pause(ctx, g.untilRound()) {
		g.round(ctx)
	}
}

// untilRound is short while this node is alone. Else some of the others may know nodes that this
// one lost.
func (g *Gossip) untilRound() time.Duration {
	if g.members.alone() {
		return 2 * g.cfg.Probe
	}
	return 30 * g.cfg.Probe
}

// round tries the addresses to join where no member is. A node there that took this one for dead,
// or that this one took for dead, refutes that, and is a member again.
func (g *Gossip) round(ctx context.Context) {
	var failed error
	for _, addr := range g.cfg.Join {
		failed = cmp.Or(failed, g.joinAt(ctx, addr))
	}
	switch {
	case ctx.Err() != nil:
	case failed != nil && g.members.alone():
		g.members.problems.report(joinProblem, fmt.Errorf(
			"no other node answers at %s, which is tried again every %v: %w",
			strings.Join(g.cfg.Join, ", "), g.untilRound(), failed))
	default:
		g.members.problems.reported.Forget(joinProblem)
	}
}

// joinAt joins the nodes at those addresses of addr where no member is yet. This node is a member.
func (g *Gossip) joinAt(ctx context.Context, addr string) error {
	host, port, _ := hostport.SplitNode(addr, wantAddr) // it is valid
	ips, failed := resolve(ctx, net.DefaultResolver, host)
	for _, ip := range ips {
		at := netip.AddrPortFrom(ip, port)
		if ctx.Err() == nil && !g.members.has(at) {
			_, err := g.list.Join([]string{at.String()})
			failed = cmp.Or(failed, errors.Unwrap(err)) // err is a list, here of one
		}
	}
	return failed
}
