package otlp

import (
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/rs/zerolog"
)

// pause is how long a Reporter says nothing after a line.
const pause = time.Minute

// Reporter logs what goes wrong in exporting: the first error at once, and then a line a minute at
// most, with the last error and how many there were. It may be used concurrently.
type Reporter struct {
	Log zerolog.Logger
	Now func() time.Time

	mu     sync.Mutex
	next   time.Time // guarded by mu, as is errors
	errors int       // since the last line
}

// Handle is otel.ErrorHandler's.
func (r *Reporter) Handle(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors++
	now := r.Now()
	if now.Before(r.next) {
		return
	}
	r.Log.Warn().Err(err).Int("errors", r.errors).Msg("spans can't be exported")
	r.next, r.errors = now.Add(pause), 0
}

// logr is a logger for what OpenTelemetry's packages say by themselves.
func (r *Reporter) logr() logr.Logger {
	return funcr.New(func(_, text string) { r.Handle(errors.New(text)) },
		funcr.Options{Verbosity: 1})
}
