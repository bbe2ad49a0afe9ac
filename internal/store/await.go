package store

import (
	"context"
	"errors"

	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/peer"
	"github.com/scurrycache/scurry/internal/wire"
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

// told is a content that another node sends and nobody keeps. Its errors are what that node says of
// the origin.
type told struct {
	*peer.Stream
	s *Store
}

func (b told) Read(p []byte) (int, error) {
	n, err := b.Stream.Read(p)
	return n, b.s.abortion(err)
}

// abortion is what an error of a stream says, if the node that sends the stream has ended it.
func (s *Store) abortion(err error) error {
	aborted, ok := errors.AsType[*wire.Aborted](err)
	if !ok || len(aborted.Detail) == 0 {
		return err
	}
	return s.decodeError(aborted.Detail[0], &decoder{b: aborted.Detail[1:]})
}
