package fetch

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// OnUnsolicited has drop called with the keys of what is to be dropped, here and on the other
// nodes, whatever it is and whether it has come to its end or not: it may be another resource's. An
// origin that can tell has seen bytes that nobody asked for on their connections. stop, which must
// be called, waits for drop.
func (o *Origin) OnUnsolicited(drop func(keys []string)) (stop func()) {
	teller, ok := o.Origin.(interface {
		OnUnsolicited(f func(urls []string, until time.Time)) (stop func())
	})
	if !ok {
		return func() {}
	}
	var work sync.WaitGroup
	var said time.Time // until when the log has said it; the origin calls one at a time
	stopTelling := teller.OnUnsolicited(func(urls []string, until time.Time) {
		var keys []string
		for _, u := range urls {
			if key, ok := o.Site.KeyFromOrigin(u, ""); ok {
				keys = append(keys, key)
			}
		}
		level := zerolog.DebugLevel
		if until != said {
			said, level = until, zerolog.WarnLevel
		}
		o.Log.WithLevel(level).Int("dropped", len(keys)).
			Str("until", until.UTC().Format(time.RFC3339)).
			Msg("the origin sent bytes that no request had asked for; " +
				"what came over that connection is dropped, and none is used twice")
		if len(keys) > 0 {
			work.Go(func() { drop(keys) })
		}
	})
	return func() {
		stopTelling()
		work.Wait()
	}
}
