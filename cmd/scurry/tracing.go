package main

import (
	"context"
	"time"

	"github.com/scurrycache/scurry/internal/otlp"
)

// lastSpans is how long exporting the last spans may take, as far as the grace period goes on, and
// at least a fifth of that.
const lastSpans = 5 * time.Second

// openTracing opens what exports n's spans, and has it closed after all that makes some.
func (n *node) openTracing(env []string) {
	n.tracing = otlp.Open(env, otlp.Node{
		Version: build().Main.Version, Name: string(n.cfg.Self),
	}, n.log)
	n.closers = append(n.closers, func() error {
		limit := max(lastSpans/5, min(lastSpans, time.Until(n.deadline)))
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := n.tracing.Close(ctx); err != nil {
			n.log.Warn().Err(err).Msg("the last spans couldn't be exported")
		}
		return nil
	})
}
