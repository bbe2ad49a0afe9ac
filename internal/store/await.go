package store

import (
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/fill"
)

// Await waits, once r is Ready, for the first bytes as long as a head waits for them: so that a
// body which breaks off before any has come is known before the head is sent.
func (r *Reader) Await(ctx context.Context) error {
	if r.view != nil || r.follower == nil || r.atEnd() {
		return nil
	}
	come, err := r.follower.Await(ctx, fill.HeadWait)
	if come {
		r.comes(r.pos + 1)
	}
	if errors.Is(err, ErrRefused) { // Next looks elsewhere
		return nil
	}
	return err
}
