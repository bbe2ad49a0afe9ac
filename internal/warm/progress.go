package warm

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Progress shows how far a Run has come. Its Tell is for Config.
type Progress struct {
	w     io.Writer
	live  bool // w is a terminal, whose last line is written over
	total int64
	sum   Summary
	start time.Time
	shown time.Time
	width int // of the line that is shown
}

// NewProgress shows on w what becomes of that many URLs.
func NewProgress(w io.Writer, live bool, total int) *Progress {
	now := time.Now()
	return &Progress{w: w, live: live, total: int64(total), start: now, shown: now}
}

// Tell takes in what has come of a URL. A failure is a line of its own.
func (p *Progress) Tell(f Fetched) {
	p.sum.Add(f)
	if f.Outcome == Failed {
		p.Close()
		fmt.Fprintf(p.w, "failed: %s: %v\n", f.URL, f.Err)
	}
	every := 10 * time.Second
	if p.live {
		every = time.Second / 5
	}
	if now := time.Now(); now.Sub(p.shown) >= every {
		p.shown = now
		p.show(now.Sub(p.start))
	}
}

func (p *Progress) show(took time.Duration) {
	line := p.line(took)
	if !p.live {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprint(p.w, "\r", line, strings.Repeat(" ", max(0, p.width-len(line))))
	p.width = len(line)
}

// line is how far the Run has come after that time.
func (p *Progress) line(took time.Duration) string {
	done := p.sum.Total()
	seconds := max(took.Seconds(), 1e-3)
	left := time.Duration(float64(p.total-done) * float64(took) / float64(max(1, done)))
	line := fmt.Sprintf("%3d %%  %d of %d URLs, %.0f/s  %s, %s/s  %s left",
		100*done/max(1, p.total), done, p.total, float64(done)/seconds,
		humanize.IBytes(uint64(p.sum.Bytes)), humanize.IBytes(uint64(float64(p.sum.Bytes)/seconds)),
		left.Round(time.Second))
	if failed := p.sum.Count[Failed]; failed > 0 {
		line += fmt.Sprintf("  %d failed", failed)
	}
	return line
}

// Close removes what is shown of the progress.
func (p *Progress) Close() {
	if p.width > 0 {
		fmt.Fprint(p.w, "\r", strings.Repeat(" ", p.width), "\r")
		p.width = 0
	}
}

// String is s in a line.
func (s Summary) String() string {
	return fmt.Sprintf("%d URLs in %s: %d were held, %d are stored now, %d can't be stored, "+
		"%d failed, %d were done before; %s came", s.Total(), s.Took.Round(time.Millisecond),
		s.Count[Hit], s.Count[Stored], s.Count[Passed], s.Count[Failed], s.Count[Skipped],
		humanize.IBytes(uint64(s.Bytes)))
}
