package httpcache_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// scenario is a stored response, a request that selects it, and the time at which it does.
type scenario struct {
	policy   httpcache.Policy
	response *httpcache.Response
	request  http.Header
	now      time.Time
}

func (s scenario) String() string {
	return fmt.Sprintf("policy %+v\nresponse %d %q\nrequested %v, received %v\nrequest %q at %v",
		s.policy, s.response.Status, s.response.Header, s.response.RequestTime,
		s.response.ResponseTime, s.request, s.now)
}

// clone returns a copy whose headers may be changed.
func (s scenario) clone() scenario {
	r := *s.response
	r.Header = r.Header.Clone()
	s.response, s.request = &r, s.request.Clone()
	return s
}

// saying returns a copy whose response has one more line of a field.
func (s scenario) saying(name, line string) scenario {
	s = s.clone()
	s.response.Header.Add(name, line)
	return s
}

// untargeted returns a copy in which Cache-Control counts.
func (s scenario) untargeted() scenario {
	s.policy.Targets = nil
	return s
}

func (s scenario) reuse() httpcache.Reuse {
	f := s.policy.Facts(s.response)
	return f.Reuse(s.request, s.now)
}

func (s scenario) staleOnError() bool {
	f := s.policy.Facts(s.response)
	return f.StaleOnError(s.request, s.now)
}

// eachScenario calls f with n random scenarios, the same ones each time, until it returns false.
func eachScenario(n int, f func(scenario) bool) {
	random := rand.New(rand.NewPCG(9111, 4_2))
	for range n {
		if !f((&dice{randomBytes(random)}).scenario()) {
			return
		}
	}
}

func randomBytes(random *rand.Rand) []byte {
	b := make([]byte, 200)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// dice make decisions of bytes. When there are none left they always come up with the first choice.
type dice struct{ bytes []byte }

func (d *dice) roll(sides int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	n := int(d.bytes[0]) % sides
	d.bytes = d.bytes[1:]
	return n
}

// often is true three times out of four.
func (d *dice) often() bool { return d.roll(4) != 3 }

func (d *dice) seldom() bool { return d.roll(16) == 1 }

func (d *dice) pick(options ...string) string { return options[d.roll(len(options))] }

// raw returns a few bytes of no particular kind.
func (d *dice) raw() string {
	n := min(d.roll(12), len(d.bytes))
	s := string(d.bytes[:n])
	d.bytes = d.bytes[n:]
	return s
}

func (d *dice) scenario() scenario {
	received := noon.Add(time.Duration(d.roll(3)) * 400 * time.Millisecond)
	if d.seldom() {
		received = time.Date(1999, 12, 31, 23, 59, 59, 5, time.UTC)
	}
	r := &httpcache.Response{Status: 200, Header: http.Header{},
		RequestTime: received.Add(-d.delay()), ResponseTime: received}
	if !d.often() {
		statuses := []int{203, 204, 206, 299, 301, 302, 304, 400, 404, 405, 410, 414, 429, 500, 501,
			503, 599}
		r.Status = statuses[d.roll(len(statuses))]
	}
	s := scenario{policy: d.policy(), response: r}
	d.dates(r.Header, received)
	if d.often() {
		d.lines(r.Header, "Cache-Control", d.responseDirective)
	}
	for _, name := range []string{"Cdn-Cache-Control", "Scurry-Cache-Control"} {
		if !d.often() {
			r.Header[name] = d.targeted()
		}
	}
	if !d.often() {
		r.Header["Age"] = []string{d.pick("5", "0", "1", "30", "30, 60", " , 5", "-5", "5.5",
			"x, 5", "", "+5", "0x5", strings.Repeat("9", 30), "4294967296")}
		if d.seldom() {
			r.Header.Add("Age", d.pick("60", "x"))
		}
	}
	if !d.often() {
		r.Header["Etag"] = []string{`"v1"`}
	}
	s.request = d.request()
	s.now = received.Add(d.later())
	if !d.often() { // the recipient adds a Date
		r.Undated, r.Header["Date"] = true, []string{received.UTC().Format(http.TimeFormat)}
	}
	return s
}

// delay is what a response took: nothing, some seconds, or less than nothing by a clock that was
// set back.
func (d *dice) delay() time.Duration {
	delays := []time.Duration{0, 0, 0, time.Second, 4 * time.Second, 1500 * time.Millisecond,
		-time.Second, -time.Hour, 150 * 365 * 24 * time.Hour}
	return delays[d.roll(len(delays))]
}

// later is mostly of the size of what the directives say, give or take nothing or a nanosecond.
func (d *dice) later() time.Duration {
	sizes := []time.Duration{0, time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second,
		30 * time.Second, 60 * time.Second, 61 * time.Second,
		65 * time.Second, 90 * time.Second, 120 * time.Second, time.Hour, -time.Minute,
		70 * 365 * 24 * time.Hour, math.MaxInt64}
	return sizes[d.roll(len(sizes))] + time.Duration(d.roll(3)-1)
}

func (d *dice) policy() (p httpcache.Policy) {
	if d.often() {
		return p
	}
	choose := func(options ...time.Duration) time.Duration { return options[d.roll(len(options))] }
	p.HeuristicLimit = choose(time.Hour, 10*time.Second, 10*365*24*time.Hour, -1)
	p.NegativeTTL = choose(30*time.Second, 0, math.MaxInt64, -1)
	p.MaxStale = choose(30*time.Second, 0, time.Hour, math.MaxInt64, -1)
	p.Targets = [][]string{{"Scurry-Cache-Control", "Cdn-Cache-Control"}, {"Cdn-Cache-Control"},
		nil}[d.roll(3)]
	p.IgnoreRequest = d.seldom()
	return p
}

// lines adds one line or several of a list.
func (d *dice) lines(h http.Header, name string, member func() string) {
	for more := true; more; more = d.roll(4) == 1 {
		line := member()
		for d.roll(5) > 1 {
			line += d.pick(", ", ",", " ,\t", ",,") + member()
		}
		h.Add(name, line)
	}
}

func (d *dice) responseDirective() string {
	switch d.roll(8) {
	case 0, 1:
		return d.delta("max-age")
	case 2:
		return d.delta("stale-while-revalidate")
	case 3:
		return d.delta("stale-if-error")
	case 4:
		return d.delta("s-maxage")
	case 5:
		return d.pick("public", "immutable", "community=UCI", `ext="a, no-cache"`,
			`ext="a\", no-cache, b"`, `ext="a\\", no-cache, b=""`)
	case 6:
		return d.flag(d.pick("must-revalidate", "proxy-revalidate", "no-cache", "no-store",
			"private", "must-understand", "public"))
	}
	return d.pick("", "max-agee=5", `ext="max-age=5`, "a=b=c", `"no-cache"`, "no-\u017ftore", "=",
		" ", d.raw())
}

func (d *dice) requestDirective() string {
	switch d.roll(9) {
	case 0, 1:
		return d.delta("max-stale")
	case 2:
		return d.pick("max-stale", "Max-Stale", "max-stale ")
	case 3:
		return d.delta("stale-if-error")
	case 4:
		return d.delta("max-age")
	case 5:
		return d.delta("min-fresh")
	case 6:
		return d.pick("only-if-cached", "no-transform", "only-if-cached=1")
	case 7:
		return d.flag(d.pick("no-cache", "no-store"))
	}
	return d.pick("", `ext="`, d.raw())
}

// delta is a directive that takes delta-seconds, with or without valid ones.
func (d *dice) delta(name string) string {
	if d.often() {
		return name + "=" + d.pick("60", "10", "30", "5", "0", "1", "3600", "31536000")
	}
	return d.cased(name) + d.pick("=", " = ", "=\t", "=", "") + d.oddNumber()
}

func (d *dice) oddNumber() string {
	n := strconv.Itoa(d.roll(70))
	return d.pick(n, `"`+n+`"`, "0"+n, "-"+n, n+".5", "+"+n, n+" s", "'"+n+"'", `"`+n, n+`"`, `"`+n+
		`"x`, `"\`+n+`"`, "", `""`, "x", "="+n, "1e3",
		"2147483647", "2147483648", "2147483649", "9223372036854775807", "9223372036854775808",
		"18446744073709551616", strings.Repeat("9", 40), d.raw())
}

func (d *dice) flag(name string) string {
	if d.often() {
		return name
	}
	return d.cased(name) + d.pick("", "=", "=1", `="x"`, `="x, y"`, ` = "a\"b"`, `="`)
}

func (d *dice) cased(name string) string {
	return d.pick(name, strings.ToUpper(name), strings.ToUpper(name[:3])+name[3:])
}

// targeted is a field of RFC 9213, mostly a valid one.
func (d *dice) targeted() (lines []string) {
	for more := true; more; more = d.seldom() {
		line := d.member()
		for d.roll(3) == 1 {
			line += d.pick(", ", ",", " \t, ") + d.member()
		}
		if d.seldom() {
			line = d.pick("", ",", " ", "\t", "&&&") + line + d.pick(",", "", " ", "\t", ",,", "=",
				";", "\x00", "\u00e9")
		}
		lines = append(lines, line)
	}
	return lines
}

func (d *dice) member() string {
	if d.roll(3) == 0 {
		return d.pick("max-age", "s-maxage", "stale-while-revalidate", "stale-if-error") + "=" +
			d.pick("60", "10", "5", "0", "1", "3600")
	}
	name := d.pick("max-age", "s-maxage", "stale-while-revalidate", "stale-if-error", "max-stale",
		"no-cache", "no-store", "private", "public",
		"must-revalidate", "proxy-revalidate", "must-understand", "only-if-cached", "ext", "*",
		"a.b_c-*")
	if d.seldom() {
		name = d.pick("Max-Age", "", "1a", "-a", d.raw())
	}
	value := d.pick("", "", "", "=60", "=?1", "=?0", "=-1", "=-0", "=060", "=999999999999999",
		"=1.5", "=-1.125", `="60"`, "=token", "=*/:t", "=:NjA=:", "=@60",
		`=%"60%c3%a9"`, "=()", "=(1)", "=( 1  2;a )", `=("a" b);c`)
	if d.seldom() {
		value = d.pick("=", "=1.", "=1.2345", "=1000000000000000", "=1234567890123.1", "=--1",
			"=1s", `="a`, `="\a"`, "=?2", "=?", "=(1", "=(1,2)", "=@1.5",
			`=%"%C3"`, "=(1\t2)", "="+d.raw())
	}
	return name + value + d.pick("", "", "", "", ";q=1", "; a;b=?0", `;x="a, max-age=5"`, ";",
		";Q=1", " ;a")
}

// dates adds the fields that are dates.
func (d *dice) dates(h http.Header, received time.Time) {
	if d.often() {
		h["Date"] = []string{d.date(received, d.offset())}
	}
	if !d.often() {
		h["Expires"] = []string{d.date(received, d.offset()+d.expiry())}
		if d.seldom() {
			h.Add("Expires", d.pick(h["Expires"][0], "0", d.date(received, time.Hour)))
		}
	}
	if !d.often() {
		h["Last-Modified"] = []string{d.date(received, -d.expiry()*10)}
	}
	for name := range h {
		if d.seldom() {
			h[name] = slices.Insert(h[name], d.roll(2), d.pick("Fri, 31 Dec 9999 23:59:59 GMT",
				"Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 1900 00:00:00 GMT",
				"Thu, 29 Feb 2024 12:00:00 GMT", "Thu, 29 Feb 2023 12:00:00 GMT",
				"Fri, 31 Apr 2026 12:00:00 GMT", "0", "-1", "", "784111777", "tomorrow"))
		}
	}
}

// offset is how much a clock differs from ours.
func (d *dice) offset() time.Duration {
	offsets := []time.Duration{0, 0, 0, -time.Second, -5 * time.Second, time.Second, -time.Minute,
		time.Hour, -24 * time.Hour}
	return offsets[d.roll(len(offsets))]
}

func (d *dice) expiry() time.Duration {
	const year = 365 * 24 * time.Hour
	expiries := []time.Duration{time.Minute, 10 * time.Second, 5 * time.Second, time.Hour, 0,
		-time.Second, -time.Hour, year, 10 * year, -20 * year}
	return expiries[d.roll(len(expiries))]
}

// date is a date in one of the formats, possibly a broken one. None has a two-digit year of which
// it depends on the reference what century it is in (see TestCenturies).
func (d *dice) date(reference time.Time, offset time.Duration) string {
	t := reference.Add(offset)
	layout := http.TimeFormat
	if t.Sub(reference).Abs() < 20*366*24*time.Hour {
		layout = d.pick(http.TimeFormat, http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT",
			time.ANSIC)
	}
	s := t.Format(layout)
	if d.often() {
		return s
	}
	switch d.roll(6) {
	case 0:
		return strings.ToLower(s)
	case 1:
		return strings.ToUpper(s)
	case 2:
		return "Mon" + s[3:]
	case 3:
		return strings.Replace(s, "GMT", d.pick("UTC", "EST", "+0000", "", "GMT+1", "gMt"), 1)
	case 4:
		i := d.roll(len(s) + 1)
		return s[:i] + d.pick(" ", ",", "x", "-", ":", "\t", "\u0661") + s[i:]
	}
	i := d.roll(len(s))
	return s[:i] + d.pick("x", ";", "-", ":", "\x00") + s[i+1:]
}

// request is the header of a request, which mostly has no directives.
func (d *dice) request() http.Header {
	if d.roll(3) == 0 {
		return nil
	}
	h := http.Header{}
	if d.often() {
		d.lines(h, "Cache-Control", d.requestDirective)
	}
	if !d.often() {
		h["Pragma"] = []string{d.pick("no-cache", "No-Cache, x", "x,no-cache", "no-cache=1",
			`x="a, no-cache"`, "no-store", "", "xno-cache")}
	}
	return h
}
