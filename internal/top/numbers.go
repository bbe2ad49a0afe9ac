package top

import (
	"fmt"
	"math"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/scurrycache/scurry/internal/admin"
)

// quantile is the q-quantile, in seconds, of the durations that a histogram has counted since
// before: between the bounds of a bucket it is taken to grow evenly. It is NaN if there are none,
// and infinite beyond the last bound.
func quantile(q float64, now, before *admin.Histogram) float64 {
	since := func(i int) float64 {
		n := now.Buckets[i].Count
		if i < len(before.Buckets) {
			n -= before.Buckets[i].Count
		}
		return float64(n)
	}
	count := float64(now.Count - before.Count)
	if count <= 0 {
		return math.NaN()
	}
	rank, from, below := q*count, 0.0, 0.0
	for i, b := range now.Buckets {
		n := since(i)
		if n >= rank && n > below {
			return from + (b.LeSeconds-from)*(rank-below)/(n-below)
		}
		from, below = b.LeSeconds, n
	}
	return math.Inf(1)
}

// unknown stands for what isn't known yet.
const unknown = "–"

// rate is a count in a second.
func rate(perSecond float64) string {
	switch {
	case perSecond < 0:
		return unknown
	case perSecond > 0 && perSecond < 9.95:
		return fmt.Sprintf("%.1f", perSecond)
	}
	return humanize.Comma(int64(math.Round(perSecond)))
}

// bytesRate is bytes in a second.
func bytesRate(perSecond float64) string {
	if perSecond < 0 {
		return unknown
	}
	return humanize.IBytes(uint64(perSecond)) + "/s"
}

// percent is a share from 0 to 1.
func percent(share float64) string {
	if share < 0 {
		return unknown
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

// seconds is a duration. Shorter ones than a millisecond aren't told apart.
func seconds(s float64) string {
	switch {
	case math.IsNaN(s):
		return unknown
	case math.IsInf(s, 1):
		return "> 5 min"
	case s <= 0.001:
		return "< 1 ms"
	case s < 0.1:
		return fmt.Sprintf("%.1f ms", 1000*s)
	case s < 1:
		return fmt.Sprintf("%.0f ms", 1000*s)
	}
	return fmt.Sprintf("%.1f s", s)
}

// age is how long something lasts, in its two largest units.
func age(s float64) string {
	if s >= math.MaxInt64/float64(time.Second) {
		return "ages"
	}
	d := time.Duration(s * float64(time.Second))
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}
