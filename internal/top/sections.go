package top

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/scurrycache/scurry/internal/admin"
)

// section is what a View shows under one name.
type section struct {
	name  string
	items []item
}

// item is a text that isn't divided between lines unless it is alone in one.
type item struct {
	text string
	mark mark
}

// mark is how a text is drawn.
type mark uint8

const (
	plain mark = iota
	strong
	faint
	good
	bad
)

func text(format string, args ...any) item { return item{fmt.Sprintf(format, args...), plain} }

// badIf marks a text as bad, if it is.
func badIf(is bool, format string, args ...any) item {
	i := text(format, args...)
	if is {
		i.mark = bad
	}
	return i
}

// sections are what is shown, from the top down.
func (v *View) sections() []section {
	head := section{"scurry", []item{{v.Node, strong}}}
	if v.now == nil {
		head.items = append(head.items, item{cmp.Or(v.Lost, "no word yet"), faint})
		return []section{head}
	}
	head.items = append(head.items, text("up %s", age(v.now.UptimeSeconds)))
	switch {
	case v.Lost != "":
		head.items = append(head.items, item{v.Lost + "; trying again", bad})
	case v.now.Draining:
		head.items = append(head.items, item{"doesn't take requests", bad})
	}
	all := []section{head, v.requestSection(), v.byteSection(), v.latencySection(),
		v.originSection(), v.memorySection()}
	if lost := v.now.Log.DroppedLines; lost > 0 {
		all = append(all, section{"log", []item{{humanize.Comma(lost) + " lines dropped", bad}}})
	}
	return append(all, v.nodeSections()...)
}

func (v *View) requestSection() section {
	s := section{"requests", []item{
		{rate(v.requests()) + "/s", strong}, {"hit ratio " + percent(v.hitRatio()), good},
		text("in flight %d", v.now.Requests.InFlight), text("connections %d", v.now.Connections),
	}}
	for i, o := range outcomes(&v.now.Requests) {
		n := v.per(func(s *admin.Stats) int64 { return outcomes(&s.Requests)[i].count })
		s.items = append(s.items, badIf(i >= firstBad && n > 0, "%s %s", o.name, rate(n)))
	}
	return s
}

// outcome is how many requests have had an outcome.
type outcome struct {
	name  string
	count int64
}

// firstBad is the first one of outcomes that there shouldn't be.
const firstBad = 7

func outcomes(r *admin.RequestStats) []outcome {
	return []outcome{
		{"hit", r.Hit}, {"miss", r.Miss}, {"partial", r.Partial}, {"stale", r.Stale},
		{"revalidated", r.Revalidated}, {"collapsed", r.Collapsed}, {"pass", r.Pass},
		{"failed", r.Failed}, {"refused", r.Refused},
	}
}

func (v *View) byteSection() section {
	of := func(source func(*admin.ResponseStats) int64) string {
		return bytesRate(v.per(func(s *admin.Stats) int64 { return source(&s.Responses) }))
	}
	return section{"bytes", []item{
		{bytesRate(v.sent()), strong}, {"without the origin " + percent(v.byteRatio()), good},
		text("memory %s", of(func(r *admin.ResponseStats) int64 { return r.MemoryBytes })),
		text("peers %s", of(func(r *admin.ResponseStats) int64 { return r.PeerBytes })),
		text("origin %s", of(func(r *admin.ResponseStats) int64 { return r.OriginBytes })),
	}}
}

// quantiles of a histogram of both Stats.
func (v *View) quantiles(of func(*admin.Stats) *admin.Histogram, qs ...float64) (items []item) {
	for _, q := range qs {
		s := unknown
		if v.before != nil {
			s = seconds(quantile(q, of(v.now), of(v.before)))
		}
		items = append(items, text("p%g %s", 100*q, s))
	}
	return items
}

func (v *View) latencySection() section {
	took := func(s *admin.Stats) *admin.Histogram { return &s.Responses.Duration }
	first := func(s *admin.Stats) *admin.Histogram { return &s.Responses.FirstByte }
	items := append(v.quantiles(took, 0.5, 0.9, 0.99), item{"first byte", faint})
	return section{"latency", append(items, v.quantiles(first, 0.5, 0.99)...)}
}

func (v *View) originSection() section {
	o := &v.now.Origin
	errors := v.per(func(s *admin.Stats) int64 { return s.Origin.Errors })
	took := func(s *admin.Stats) *admin.Histogram { return &s.Origin.Duration }
	s := section{"origin", []item{
		{rate(v.per(func(s *admin.Stats) int64 { return s.Origin.Requests })) + "/s", strong},
		badIf(errors > 0, "errors %s/s", rate(errors)), text("in flight %d", o.InFlight),
		text("%s", bytesRate(v.per(func(s *admin.Stats) int64 { return s.Origin.ReceivedBytes }))),
	}}
	s.items = append(s.items, v.quantiles(took, 0.5, 0.99)...)
	if at := o.LastError; at != nil {
		ongoing := o.LastSuccess == nil || o.LastSuccess.Before(*at)
		s.items = append(s.items, badIf(ongoing, "last error %s: %s",
			humanize.RelTime(*at, v.now.Time, "ago", "ago"), oneLine(o.LastErrorText)))
	}
	return s
}

func (v *View) memorySection() section {
	c := &v.now.Cache
	full := float64(used(c)) / float64(max(1, c.LimitBytes))
	s := section{"memory", []item{
		{bar(full), plain}, {fmt.Sprintf("%s of %s", humanize.IBytes(uint64(used(c))),
			humanize.IBytes(uint64(c.LimitBytes))), strong},
	}}
	for _, part := range []struct {
		name string
		of   *admin.PartStats
	}{{"main", &c.Main}, {"probation", &c.Probation}, {"hot", &c.Hot}, {"records", &c.Records}} {
		s.items = append(s.items, text("%s %s", part.name, humanize.IBytes(uint64(part.of.Bytes))))
	}
	evictions := v.per(func(s *admin.Stats) int64 {
		c := &s.Cache
		return c.Main.Evictions + c.Probation.Evictions + c.Hot.Evictions + c.Records.Evictions
	})
	s.items = append(s.items, text("evictions %s/s", rate(evictions)))
	if c.Main.Evictions > 0 && c.EvictionAgeSeconds > 0 { // else it is how long main has been filling
		s.items = append(s.items, text("evicted after %s", age(c.EvictionAgeSeconds)))
	}
	return s
}

// bar is a share from 0 to 1 as a bar.
func bar(share float64) string {
	const width = 20
	filled := int(min(1, max(0, share)) * width)
	return "[" + strings.Repeat("#", filled) + strings.Repeat("-", width-filled) + "]"
}
