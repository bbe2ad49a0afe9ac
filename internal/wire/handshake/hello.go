package handshake

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// What a Hello may hold at most.
const (
	maxHello   = 1 << 20 // bytes, as sent
	maxMembers = 4096
	maxFacts   = 1024
)

// ErrTooLarge means that a Hello is larger than a side sends or accepts.
var ErrTooLarge = errors.New("too large")

// Fact is something that must agree between nodes.
type Fact struct{ Name, Value string }

// Hello is how a node introduces itself to another.
type Hello struct {
	Name     string   // by which this node is dialed
	Dialed   string   // what this node has dialed; empty if it was dialed
	Instance string   // unique to each start of a process
	Members  []string // the nodes of the cluster, as this node knows them
	Facts    []Fact
}

// Differ returns a line for each fact that isn't the same here and there, in the order of those
// here, then of those there:
//
//	origin: "http://a/" here, "http://b/" there
func Differ(here, there []Fact) (lines []string) {
	for _, f := range slices.Concat(here, there) {
		ours, theirs := value(here, f.Name), value(there, f.Name)
		line := fmt.Sprintf("%s: %s here, %s there", f.Name, ours, theirs)
		if ours != theirs && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// value is that of the fact with that name, in quotes, or none.
func value(facts []Fact, name string) string {
	i := slices.IndexFunc(facts, func(f Fact) bool { return f.Name == name })
	if i < 0 {
		return "none"
	}
	return strconv.Quote(facts[i].Value)
}

// encode returns h as JSON, which a later version can add to.
func (h Hello) encode() ([]byte, error) {
	b, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode this node's hello: %w", err)
	}
	if len(b) > maxHello || h.tooLarge() {
		return nil, fmt.Errorf("this node's hello: %w", ErrTooLarge)
	}
	return b, nil
}

func (h Hello) tooLarge() bool { return len(h.Members) > maxMembers || len(h.Facts) > maxFacts }

func decodeHello(b []byte) (Hello, error) {
	var h Hello
	if err := json.Unmarshal(b, &h); err != nil {
		return Hello{}, fmt.Errorf("decode the other side's hello: %w", err)
	}
	if h.tooLarge() {
		return Hello{}, fmt.Errorf("the other side's hello: %w", ErrTooLarge)
	}
	return h, nil
}
