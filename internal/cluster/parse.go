package cluster

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/scurrycache/scurry/internal/hostport"
)

// Source says where the addresses of the nodes come from. Exactly one of Nodes, Host and Path is
// set.
type Source struct {
	Nodes []string // the nodes themselves
	Host  string   // the name that a DNS looks up,
	Port  uint16   // and the port at each of its addresses
	Path  string   // the file that OpenFile reads
}

const wantAddr = "HOST:PORT such as 10.0.0.1:8001"

// WantSource describes what Parse reads.
const WantSource = "the peer addresses of all nodes with commas between them, dns:NAME:PORT, or " +
	"file:PATH"

// inList matches the second or a later word of a list that stands for other nodes.
var inList = regexp.MustCompile(", *(dns:|file:)")

// Parse reads a Source from one of the forms
//
//	10.0.0.1:8001,10.0.0.2:8001
//	dns:scurry.default.svc:8001
//	file:/etc/scurry/peers
//
// It looks at neither the name nor the file. A node can't be called just dns or file.
func Parse(s string) (Source, error) {
	s = strings.TrimSpace(s)
	if second := inList.FindStringSubmatch(s); second != nil {
		return Source{}, fmt.Errorf("expected %s, not %q: %s stands alone", WantSource, s,
			second[1])
	}
	switch kind, rest, _ := strings.Cut(s, ":"); {
	case kind == "dns":
		host, port, err := hostport.SplitNode(rest, wantAddr)
		if err != nil {
			err = fmt.Errorf("%s: %w", s, err)
		}
		return Source{Host: host, Port: port}, err
	case kind == "file" && rest == "":
		return Source{},
			errors.New("file: names no file: give its path, as in file:/etc/scurry/peers")
	case kind == "file":
		return Source{Path: rest}, nil
	}
	nodes, err := splitList(s)
	if err == nil && len(nodes) == 0 {
		err = fmt.Errorf("expected %s, not %q", WantSource, s)
	}
	return Source{Nodes: nodes}, err
}

// splitList returns the addresses in s, which commas separate.
func splitList(s string) (nodes []string, err error) {
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if _, _, err := hostport.SplitNode(item, wantAddr); err != nil {
			return nil, err
		}
		nodes = append(nodes, item)
	}
	return nodes, nil
}
