package proxy

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/explain"
)

// Explanation is what Explain says, and Line one thing of it.
type (
	Explanation = explain.Explanation
	Line        = explain.Line
)

// Explain says what the Proxy has stored for a client's request, why it has or hasn't, and what it
// will do when the request comes. It changes nothing that is stored. r is as http.NewRequest makes
// it; the scheme and the host of its URL don't matter. With probe, if nothing is known of the
// resource, the origin is asked for it, once, and its answer is explained and thrown away.
func (p *Proxy) Explain(r *http.Request, probe bool) *Explanation {
	return explain.Explain(p.server, p.node.Self(), r, probe)
}
