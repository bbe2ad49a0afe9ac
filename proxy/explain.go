package proxy

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/explain"
)

// What Explain says.
type (
	Explanation = explain.Explanation // all of it
	Line        = explain.Line        // one thing of it
)

// Explain says what the Proxy has stored for a client's request, why it has or hasn't, and what it
// will do when the request comes. It changes nothing that is stored. r is as http.NewRequest makes
// it; the scheme and the host of its URL don't matter. With probe, if nothing is known of the
// resource, the origin is asked for it, once, and its answer is explained and thrown away.
//
// It is for those who operate the Proxy, not for clients: it shows what other clients' requests
// have brought.
func (p *Proxy) Explain(r *http.Request, probe bool) *Explanation {
	return explain.Explain(p.server, p.node.Self(), r, probe)
}
