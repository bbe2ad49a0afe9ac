package fill

import "time"

// evidence is how long reading must have taken for its pace to be known: what came before says more
// about the connection's start, and what was in buffers, than about the origin.
const evidence = time.Second

// pace is how fast the bodies of a run have come. Only reading counts: not the wait for a body, for
// room, or for followers.
type pace struct {
	bytes int64
	spent time.Duration // on reads that have returned
	since time.Time     // when the read began that goes on; zero if none does
}

func (p *pace) begin() { p.since = time.Now() }

func (p *pace) end(n int) {
	p.bytes += int64(n)
	p.spent += time.Since(p.since)
	p.since = time.Time{}
}

// exceeds reports whether so many more bytes would take longer than d at this pace, as far as that
// is known.
func (p *pace) exceeds(more int64, d time.Duration) bool {
	spent := p.spent
	if !p.since.IsZero() {
		spent += time.Since(p.since)
	}
	return more > 0 && spent >= evidence &&
		spent.Seconds()*float64(more) > d.Seconds()*float64(p.bytes)
}
