package cluster

import (
	"strings"

	"github.com/scurrycache/scurry/internal/hostport"
)

const wantAddr = "HOST:PORT such as 10.0.0.1:8001"

// splitAddr is the parts of s, an address to listen on: the host may be empty and the port 0.
func splitAddr(s string) (host string, port uint16, err error) {
	return hostport.Split(s, wantAddr)
}

// splitPeer is the parts of s, an address that other nodes are to dial.
func splitPeer(s string) (host string, port uint16, err error) {
	return hostport.SplitNode(s, wantAddr)
}

// splitList is the addresses in s, which commas separate.
func splitList(s string) ([]string, error) {
	var nodes []string
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if _, _, err := splitPeer(item); err != nil {
			return nil, err
		}
		nodes = append(nodes, item)
	}
	return nodes, nil
}
