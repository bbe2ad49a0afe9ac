package peer

import (
	"math"
	"slices"
	"strconv"
)

// Share is how much of the keys a node owns: 0 to 1.
type Share struct {
	Name  string
	Share float64
}

// Shares are those of the nodes of the ring, by name. They are worked out anew at each call.
func (n *Node) Shares() []Share {
	if n == nil {
		return nil
	}
	return sharesOf(n.ring.Load().names)
}

// sharesOf works out how a ring divides its keys. The library doesn't tell where its points are;
// they are the hashes of a number and a name. A point's node owns what is between it and the point
// before.
func sharesOf(names []string) []Share {
	type point struct {
		at   uint32
		node int
	}
	all := make([]point, 0, points*len(names))
	for node, name := range names {
		for i := range points {
			all = append(all, point{mixed([]byte(strconv.Itoa(i) + name)), node})
		}
	}
	// Where two collide, the node that was added last has both.
	slices.SortStableFunc(all, func(a, b point) int { return int(int64(a.at) - int64(b.at)) })
	shares := make([]Share, len(names))
	for i, p := range all {
		before := all[(i+len(all)-1)%len(all)].at
		shares[p.node].Share += float64(p.at-before) / (math.MaxUint32 + 1)
	}
	for i, name := range names {
		shares[i].Name = name
	}
	if len(names) == 1 {
		shares[0].Share = 1 // exactly
	}
	return shares
}
