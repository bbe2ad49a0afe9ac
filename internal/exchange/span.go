package exchange

import (
	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/trace"
)

// codeSpan codes the span that a request is made for: in a byte, if there is none.
func codeSpan(c *codec.Coder, s **trace.Span) {
	text := (*s).Text()
	if c.Text(&text); !c.Reads {
		return
	}
	read, ok := trace.Remote(text)
	if *s = read; !ok {
		c.Fail()
	}
}

// failed notes what has become of a span's request instead of an answer.
func failed(s *trace.Span, err error) {
	if s.Recorded() {
		s.Fail(store.FailureKind(err), err)
	}
}

// found notes what an owner has found: what the cache did, in the words of the access log.
func found(s *trace.Span, res *store.LookupResult) {
	if !s.Recorded() {
		return
	}
	outcome := "miss"
	switch {
	case res.Found:
		outcome = "hit"
	case res.Collapsed:
		outcome = "collapsed"
	case res.Renewed:
		outcome = "revalidated"
	}
	s.Set(trace.Attributes{}.Text(trace.Outcome, outcome))
	s.Link(res.Shared)
}

// call begins the span of a request to another node, for what s is the span of.
func call(s *trace.Span, name, node string) *trace.Span {
	span := s.Call(name)
	if span.Recorded() {
		span.Set(trace.Attributes{}.Text(trace.Peer, node))
	}
	return span
}
