package top

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/scurrycache/scurry/internal/admin"
)

// Line is v in a line, for what isn't a terminal.
func (v *View) Line() string {
	if v.now == nil || v.Lost != "" {
		return time.Now().Format(time.TimeOnly) + "  " + oneLine(v.Lost)
	}
	live, all := 0, len(v.peers.Peers)
	for _, p := range v.peers.Peers {
		if p.State == "live" || p.State == "itself" {
			live++
		}
	}
	took := func(s *admin.Stats) *admin.Histogram { return &s.Responses.Duration }
	q := v.quantiles(took, 0.5, 0.99)
	line := fmt.Sprintf("%s  %s requests/s  hit ratio %s  %s  %s  %s  origin %s/s, errors %s/s"+
		"  memory %s of %s", v.now.Time.Local().Format(time.TimeOnly), rate(v.requests()),
		percent(v.hitRatio()), bytesRate(v.sent()), q[0].text, q[1].text,
		rate(v.per(func(s *admin.Stats) int64 { return s.Origin.Requests })),
		rate(v.per(func(s *admin.Stats) int64 { return s.Origin.Errors })),
		humanize.IBytes(uint64(used(&v.now.Cache))),
		humanize.IBytes(uint64(v.now.Cache.LimitBytes)))
	if all > 0 {
		line += fmt.Sprintf("  nodes %d of %d", live, all)
	}
	if v.now.Draining {
		line += "  doesn't take requests"
	}
	return line
}
