package fetch

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// OnUnsolicited has drop called with the keys of resources whose responses may be those of other
// resources, because the origin has seen unsolicited bytes on their connections. Their stored
// responses have to be dropped on all nodes, complete or not. It does nothing if the origin has no
// OnUnsolicited method. stop must be called; it waits for drop.
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
