package proxy

import (
	"context"

	"github.com/scurrycache/scurry/internal/explain"
)

// What Explain is asked, and what it says.
type (
	Question       = explain.Question       // a client's request that Explain is to be about
	Explanation    = explain.Explanation    // all that is said; for those who operate the Proxy
	Statement      = explain.Statement      // one sentence of it
	Next           = explain.Next           // what a request will bring about
	StoredResponse = explain.StoredResponse // a response that the cache knows of
)

// Explain says what the Proxy has stored for such a request, why it has or hasn't, and what it will
// do when the request comes. It changes nothing that is stored. It is for those who operate the
// Proxy, not for clients: it shows what other clients' requests have brought. The error says what
// is wrong with the request.
func (p *Proxy) Explain(ctx context.Context, q Question) (*Explanation, error) {
	return p.explain.Explain(ctx, q)
}
