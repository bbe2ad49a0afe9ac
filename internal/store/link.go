package store

import "io"

// reading makes b what r reads. foreseen is whether its owner expects that the origin is asked for
// it.
func (r *relay) reading(b *relayed, foreseen Asked) *relayed {
	b.relay = r
	b.expects.Store(int32(min(foreseen, AskedForThis)))
	r.reads.Store(b)
	return b
}

func (b *relayed) Read(p []byte) (int, error) {
	n, err := b.Content.Read(p)
	if b.pos.Add(int64(n)); err == io.EOF {
		b.settle()
	}
	if IsVerdict(err) {
		err = refused(err)
	}
	return n, err
}

// Close waits for what the owner says at the end, if all bytes before that have come.
func (b *relayed) Close() error {
	if b.came() {
		b.settle()
	}
	return b.Content.Close()
}

// came reports whether all bytes have come, so that the end is on its way.
func (b *relayed) came() bool { return b.end >= 0 && b.pos.Load() >= b.end }

// settle waits for what the owner says at the end, and notes it.
func (b *relayed) settle() {
	b.settled.Do(func() {
		trailer, asked, complete := b.End()
		if complete {
			b.relay.trailer = trailer
		}
		if asked >= AskedForThis {
			b.cause.Note()
		}
		b.relay.past.Store(max(b.relay.past.Load(), int32(min(asked, AskedForOthers))))
		b.expects.Store(int32(NotAsked))
	})
}

// word is what the owner that r reads from has said of requests to the origin, and up to where it
// has said what it expects.
func (r *relay) word() (asked Asked, told int64) {
	asked = Asked(r.past.Load())
	if b := r.reads.Load(); b != nil {
		asked, told = max(asked, Asked(b.expects.Load())), b.told
	}
	if r.origin.Load() {
		asked = AskedForOthers
	}
	return asked, told
}
