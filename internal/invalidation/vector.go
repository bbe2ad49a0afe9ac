package invalidation

import (
	"cmp"
	"slices"
)

// vector has a number for each of some issuers, in the order of the issuers. It is never changed
// once it is part of a Position. Issuers that aren't in it have 0.
type vector []count

type count struct{ issuer, number uint64 }

func (v vector) find(issuer uint64) (int, bool) {
	return slices.BinarySearchFunc(v, issuer, func(c count, issuer uint64) int {
		return cmp.Compare(c.issuer, issuer)
	})
}

func (v vector) at(issuer uint64) uint64 {
	if i, ok := v.find(issuer); ok {
		return v[i].number
	}
	return 0
}

// merged is what has of each issuer the highest number in v and o. o may be in any order.
func (v vector) merged(o vector) vector {
	if v.covers(o) {
		return v
	}
	all := slices.Concat(v, o)
	slices.SortFunc(all, func(a, b count) int {
		return cmp.Or(cmp.Compare(a.issuer, b.issuer), cmp.Compare(b.number, a.number))
	})
	return slices.CompactFunc(all, func(a, b count) bool { return a.issuer == b.issuer })
}

// covers reports whether v has of each issuer at least o's number.
func (v vector) covers(o vector) bool {
	return !slices.ContainsFunc(o, func(c count) bool { return v.at(c.issuer) < c.number })
}

// sum is a hash of v, 0 for an empty one.
func (v vector) sum() (sum uint64) {
	for _, c := range v {
		sum += mix(mix(c.issuer)+c.number) * forgottenSalt
	}
	return sum
}

// mix is a bijection that spreads what differs in few bits over all of them.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// forgottenSalt tells what is forgotten from what is known in a Mark.
const forgottenSalt = 0xd6e8feb86659fd93
