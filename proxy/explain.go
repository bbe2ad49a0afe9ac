package proxy

import (
	"context"

	"github.com/scurrycache/scurry/internal/explain"
)

// Question is a client's request that Explain is to be about.
type Question = explain.Question

// Explanation says what a Proxy has stored of a resource, why it has or hasn't, and what it will do
// at the next request. It is for those who operate the Proxy, not for clients: it shows what other
// clients' requests have brought.
type Explanation = explain.Explanation

// Statement is one sentence of an Explanation.
type Statement = explain.Statement

// Next is what a request will bring about.
type Next = explain.Next

// StoredResponse is a response that the cache knows of.
type StoredResponse = explain.StoredResponse

// Explain says what the Proxy has stored for such a request, why it has or hasn't, and what it will
// do when the request comes. It changes nothing that is stored. It is for those who operate the
// Proxy: what it says isn't for clients. The error says what is wrong with the request.
func (p *Proxy) Explain(ctx context.Context, q Question) (*Explanation, error) {
	return p.explain.Explain(ctx, q)
}
