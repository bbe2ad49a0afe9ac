package warm

import (
	"bytes"
	"testing"
	"time"
)

// TestLine: what the line of progress says, and that a shorter one covers it on a terminal.
func TestLine(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, true, 40)
	for range 10 {
		p.Tell(Fetched{Outcome: Stored, Bytes: 1 << 20})
	}
	const want = " 25 %  10 of 40 URLs, 5/s  10 MiB, 5.0 MiB/s  6s left"
	if got := p.line(2 * time.Second); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	out.Reset()
	p.show(2 * time.Second)
	p.show(0)
	p.Close()
	lines := bytes.Split(out.Bytes(), []byte("\r"))
	if len(lines) != 5 || string(lines[1]) != want || len(lines[2]) < len(lines[1]) ||
		len(bytes.TrimSpace(lines[3])) > 0 {
		t.Errorf("%q", lines)
	}
}
