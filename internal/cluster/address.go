package cluster

import (
	"strings"

	"github.com/scurrycache/scurry/internal/hostport"
)

const wantAddr = "HOST:PORT such as 10.0.0.1:8001"

// splitList returns the addresses in s, which commas separate.
func splitList(s string) ([]string, error) {
	var nodes []string
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
