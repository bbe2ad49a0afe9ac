package store

import (
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/fill"
)

// Await waits for the first bytes, as long as a head waits for them. So a body that breaks off
// before its first byte is noticed before the head is sent. r must be Ready.
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
