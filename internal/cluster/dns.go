package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/rs/zerolog"
)

const (
	lookupEvery  = 5 * time.Second
	lookupAtMost = 10 * time.Second
)

// Resolver looks names up. A *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// DNS is the list of the nodes at all addresses of a name, such as that of a headless Kubernetes
// service. A and AAAA records count alike: a node that has both is in the list twice, so there
// should be one service for each address family.
type DNS struct {
	// Host is the name, and Port that of every node.
	Host string
	Port uint16

	// Resolver looks Host up. Default: net.DefaultResolver.
	Resolver Resolver

	// Log gets the cause of failed lookups, once while it lasts.
	Log zerolog.Logger
}

// Watch looks the name up every 5 seconds until ctx ends. A name without addresses, or one that
// doesn't exist, has no nodes: a headless service is such a name while none of its pods is ready.
// Any other failure, such as a timeout, leaves the list as it was. Until there is a list, set isn't
// called.
func (d DNS) Watch(ctx context.Context, set func(nodes []string)) error {
	n := notifier{set: set}
	p := problems{log: d.Log, message: "DNS doesn't tell who the nodes are"}
	for going := true; going; going = pause(ctx, lookupEvery) {
		nodes, err := d.lookup(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			p.reported.Clear()
			n.notify(nodes)
		default:
			p.report(kind(err), fmt.Errorf("the nodes stay as they were: %w", err))
		}
	}
	return nil
}

func (d DNS) lookup(ctx context.Context) ([]string, error) {
	ips, err := resolve(ctx, cmp.Or[Resolver](d.Resolver, net.DefaultResolver), d.Host)
	if problem, ok := errors.AsType[*net.DNSError](err); ok && problem.IsNotFound {
		return nil, nil
	}
	var nodes []string
	for _, ip := range ips {
		nodes = append(nodes, netip.AddrPortFrom(ip.WithZone(""), d.Port).String())
	}
	return nodes, err
}

// resolve returns all of host's addresses.
func resolve(ctx context.Context, r Resolver, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupAtMost)
	defer cancel()
	ips, err := r.LookupNetIP(ctx, "ip", host)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, err
}

// kind is equal for lookups that fail in the same way. The text of a DNSError isn't: it may have a
// new local port in it each time.
func kind(err error) string {
	if problem, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("timeout %t, temporary %t", problem.IsTimeout, problem.IsTemporary)
	}
	return err.Error()
}
