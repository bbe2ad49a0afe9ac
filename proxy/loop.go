package proxy

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
)

// loopName is what the nodes of one cluster, and no others, call themselves in CDN-Loop (RFC 8586).
// Those have an origin in common, and a chain of caches doesn't lead through two clusters with the
// same one.
func (c Config) loopName() string {
	if _, ok := c.Origin.(interface{ BaseURL() *url.URL }); !ok {
		// nobody knows where that leads
		return decide.Name + "-" + strings.ToLower(rand.Text()[:12])
	}
	sum := sha256.Sum256([]byte(c.base().String()))
	return decide.Name + "-" + hex.EncodeToString(sum[:6])
}
