package httpcache_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

const clamp = 1 << 31 * time.Second

func TestLifetime_RFC9111_4_2_1(t *testing.T) {
	date, modified := "Date: "+at(0), "Last-Modified: "+at(-10*time.Hour)
	inAnHour := "Expires: " + at(time.Hour)
	policy := httpcache.Policy{HeuristicLimit: 2 * time.Hour, NegativeTTL: 30 * time.Second}
	tests := []struct {
		name     string
		response *httpcache.Response
		lifetime time.Duration
		explicit bool
	}{
		{"s-maxage first", received(200, date, "Cache-Control: max-age=1, s-maxage=2", inAnHour, modified), 2 * time.Second, true},
		{"s-maxage of zero", received(200, date, "Cache-Control: max-age=1, s-maxage=0", inAnHour), 0, true},
		{"s-maxage malformed", received(200, date, "Cache-Control: max-age=1, s-maxage=x", inAnHour), 0, true},
		{"max-age second", received(200, date, "Cache-Control: max-age=1", inAnHour, modified), time.Second, true},
		{"max-age malformed", received(200, date, "Cache-Control: max-age=-1", inAnHour, modified), 0, true},
		{"max-age contradictory", received(200, date, "Cache-Control: max-age=5", "Cache-Control: max-age=6", inAnHour), 0, true},
		{"max-age huge", received(200, date, "Cache-Control: max-age=99999999999999999999"), clamp, true},
		{"Expires third", received(200, date, inAnHour, modified), time.Hour, true},
		{"Expires, other directives", received(200, date, inAnHour, "Cache-Control: public"), time.Hour, true},
		{"Expires against Date", received(200, "Date: "+at(-time.Minute), inAnHour), time.Hour + time.Minute, true},
		{"Expires without Date", received(200, inAnHour), time.Hour, true},
		{"Expires with a malformed Date", received(200, "Date: x", inAnHour), time.Hour, true},
		{"Expires as Date", received(200, date, "Expires: "+at(0)), 0, true},
		{"Expires before Date", received(200, date, "Expires: "+at(-time.Second)), 0, true},
		{"Expires 0 §5.3", received(200, date, "Expires: 0", modified), 0, true},
		{"Expires empty", received(200, date, "Expires:", modified), 0, true},
		{"Expires twice", received(200, date, inAnHour, inAnHour), time.Hour, true},
		{"Expires contradictory", received(200, date, inAnHour, "Expires: "+at(2*time.Hour)), 0, true},
		{"Expires in RFC 850 format", received(200, date, "Expires: Wednesday, 01-Jul-26 13:00:00 GMT"), time.Hour, true},
		{"Expires in asctime format", received(200, date, "Expires: Wed Jul  1 13:00:00 2026"), time.Hour, true},
		{"Expires in another zone", received(200, date, "Expires: Wed, 01 Jul 2026 13:00:00 EST"), 0, true},
		{"Expires far away", received(200, date, "Expires: Fri, 31 Dec 9999 23:59:59 GMT"), clamp, true},
		{"404", received(404, date, modified), 30 * time.Second, false},
		{"410", received(410, date), 30 * time.Second, false},
		{"404 stated", received(404, date, "Cache-Control: max-age=5"), 5 * time.Second, true},
		{"heuristic §4.2.2", received(200, date, modified), time.Hour, false},
		{"heuristic, no Date", received(200, modified), time.Hour, false},
		{"heuristic, capped", received(200, date, "Last-Modified: "+at(-1000*time.Hour)), 2 * time.Hour, false},
		{"heuristic, centuries", received(200, "Date: Fri, 31 Dec 9999 23:59:59 GMT", "Last-Modified: Mon, 01 Jan 0001 00:00:00 GMT"), 2 * time.Hour, false},
		{"heuristic, modified later", received(200, date, "Last-Modified: "+at(time.Hour)), 0, false},
		{"heuristic, malformed", received(200, date, "Last-Modified: 5"), 0, false},
		{"heuristic, 302", received(302, date, modified), 0, false},
		{"heuristic, 302 public", received(302, date, modified, "Cache-Control: public"), time.Hour, false},
		{"nothing", received(200, date), 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lifetime, explicit := policy.Lifetime(tt.response)
			if lifetime != tt.lifetime || explicit != tt.explicit {
				t.Errorf("got %v, %v, want %v, %v", lifetime, explicit, tt.lifetime, tt.explicit)
			}
		})
	}
}

func TestLifetimeUnderPolicy(t *testing.T) {
	old := "Last-Modified: " + at(-1000*time.Hour)
	for _, p := range []httpcache.Policy{{}, {HeuristicLimit: -1, NegativeTTL: -1}} {
		for _, status := range []int{200, 404, 410} {
			if lifetime, explicit := p.Lifetime(received(status, old)); lifetime != 0 || explicit {
				t.Errorf("%+v, %d: %v, %v", p, status, lifetime, explicit)
			}
		}
	}
	boundless := httpcache.Policy{HeuristicLimit: math.MaxInt64, NegativeTTL: math.MaxInt64}
	if lifetime, _ := boundless.Lifetime(received(404)); lifetime != clamp {
		t.Errorf("404: %v", lifetime)
	}
	if lifetime, _ := boundless.Lifetime(received(200, old)); lifetime != 100*time.Hour {
		t.Errorf("heuristic: %v", lifetime)
	}
}

func TestAge_RFC9111_4_2_3(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		delay time.Duration // from request to response
		later time.Duration // from response to now
		want  time.Duration
	}{
		{"at once", []string{"Date: " + at(0)}, 0, 0, 0},
		{"resident_time", []string{"Date: " + at(0)}, 0, time.Minute, time.Minute},
		{"apparent_age", []string{"Date: " + at(-time.Hour)}, 0, time.Minute, time.Hour + time.Minute},
		{"age_value", []string{"Date: " + at(0), "Age: 30"}, 0, time.Second, 31 * time.Second},
		{"response_delay", []string{"Date: " + at(0), "Age: 30"}, 4 * time.Second, time.Second, 35 * time.Second},
		{"response_delay alone", []string{"Date: " + at(0)}, 4 * time.Second, 0, 4 * time.Second},
		{"the larger counts", []string{"Date: " + at(-time.Minute), "Age: 30"}, 4 * time.Second, 0, time.Minute},
		{"no Date", []string{"Age: 30"}, 0, 0, 30 * time.Second},
		{"Date in the future", []string{"Date: " + at(time.Hour)}, 0, time.Second, time.Second},
		{"malformed Date", []string{"Date: noon"}, 0, time.Second, time.Second},
		{"clock set back while waiting", []string{"Date: " + at(0), "Age: 30"}, -time.Hour, 0, 30 * time.Second},
		{"clock set back since", []string{"Date: " + at(0), "Age: 30"}, 0, -time.Hour, 30 * time.Second},
		{"Age malformed §5.1", []string{"Age: 30s"}, 0, 0, 0},
		{"Age negative", []string{"Age: -30"}, 0, 0, 0},
		{"Age a fraction", []string{"Age: 3.5"}, 0, 0, 0},
		{"Age empty", []string{"Age:"}, 0, 0, 0},
		{"Age a list", []string{"Age: 30, 60"}, 0, 0, 30 * time.Second},
		{"Age a list, first malformed", []string{"Age: x, 60"}, 0, 0, 0},
		{"Age in several lines", []string{"Age: 30", "Age: 60"}, 0, 0, 30 * time.Second},
		{"Age huge", []string{"Age: 99999999999999999999"}, 0, 0, clamp},
		{"Age huge, centuries later", []string{"Age: 99999999999999999999"}, 0, math.MaxInt64, math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := received(200, tt.lines...)
			r.RequestTime = r.ResponseTime.Add(-tt.delay)
			f := httpcache.Policy{}.Facts(r)
			if got := f.Age(r.ResponseTime.Add(tt.later)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// naive is RFC 9111 §4.2 once more, written down formula by formula in seconds without bounds. It knows the well-formed
// Cache-Control only.
type naive struct {
	policy httpcache.Policy
	r      *httpcache.Response
}

var (
	naiveDirective = regexp.MustCompile(`^(?i)([a-z-]+)(?:=(?:([0-9a-z.+-]*)|"([^"\\]*)"))?$`)
	naiveDigits    = regexp.MustCompile(`^[0-9]+$`)
)

// values returns the arguments of all directives of this name, nil for one without an argument.
func (n naive) values(name string) (all []*string) {
	for _, line := range n.r.Header["Cache-Control"] {
		for _, part := range strings.Split(line, ",") {
			m := naiveDirective.FindStringSubmatch(strings.TrimSpace(part))
			if m == nil || !strings.EqualFold(m[1], name) {
				continue
			}
			if !strings.Contains(part, "=") {
				all = append(all, nil)
				continue
			}
			value := m[2] + m[3]
			all = append(all, &value)
		}
	}
	return all
}

func (n naive) date() time.Time {
	if t, err := http.ParseTime(n.r.Header.Get("Date")); err == nil {
		return t
	}
	return n.r.ResponseTime
}

func seconds(d time.Duration) *big.Rat { return big.NewRat(int64(d), int64(time.Second)) }

func between(from, to time.Time) *big.Rat {
	s := new(big.Rat).SetInt64(to.Unix() - from.Unix())
	return s.Add(s, big.NewRat(int64(to.Nanosecond()-from.Nanosecond()), int64(time.Second)))
}

func larger(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

func smaller(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func (n naive) lifetime() (lifetime *big.Rat, explicit bool) {
	zero, most := new(big.Rat), new(big.Rat).SetInt64(1<<31)
	for _, name := range []string{"s-maxage", "max-age"} {
		values := n.values(name)
		if len(values) == 0 {
			continue
		}
		var number *big.Rat
		for _, v := range values {
			if v == nil || !naiveDigits.MatchString(*v) {
				return zero, true
			}
			i, _ := new(big.Rat).SetString(*v)
			i = smaller(i, most)
			if number != nil && number.Cmp(i) != 0 {
				return zero, true
			}
			number = i
		}
		return number, true
	}
	if lines := n.r.Header["Expires"]; len(lines) > 0 {
		distinct := map[string]bool{}
		for _, line := range lines {
			distinct[line] = true
		}
		t, err := http.ParseTime(lines[0])
		if err != nil || len(distinct) > 1 {
			return zero, true
		}
		return smaller(larger(between(n.date(), t), zero), most), true
	}
	if n.r.Status == 404 || n.r.Status == 410 {
		return smaller(larger(seconds(n.policy.NegativeTTL), zero), most), false
	}
	cacheable := " 200 203 204 300 301 308 404 405 410 414 501 "
	if !strings.Contains(cacheable, fmt.Sprintf(" %d ", n.r.Status)) && len(n.values("public")) == 0 {
		return zero, false
	}
	t, err := http.ParseTime(n.r.Header.Get("Last-Modified"))
	if err != nil || n.policy.HeuristicLimit <= 0 {
		return zero, false
	}
	tenth := new(big.Rat).Mul(between(t, n.date()), big.NewRat(1, 10))
	return smaller(smaller(larger(tenth, zero), seconds(n.policy.HeuristicLimit)), most), false
}

func (n naive) age(now time.Time) *big.Rat {
	zero := new(big.Rat)
	apparentAge := larger(zero, between(n.date(), n.r.ResponseTime))
	responseDelay := larger(zero, between(n.r.RequestTime, n.r.ResponseTime))
	ageValue := zero
	value, _, _ := strings.Cut(strings.TrimLeft(n.r.Header.Get("Age"), ", \t"), ",")
	if value = strings.TrimRight(value, " \t"); naiveDigits.MatchString(value) {
		ageValue, _ = new(big.Rat).SetString(value)
		ageValue = smaller(ageValue, new(big.Rat).SetInt64(1<<31))
	}
	correctedAgeValue := new(big.Rat).Add(ageValue, responseDelay)
	correctedInitialAge := larger(apparentAge, correctedAgeValue)
	residentTime := larger(zero, between(n.r.ResponseTime, now))
	return new(big.Rat).Add(correctedInitialAge, residentTime)
}

// compare checks both implementations against each other. A duration can't hold fractions of a nanosecond.
func compare(t *testing.T, p httpcache.Policy, r *httpcache.Response, now time.Time) {
	t.Helper()
	n := naive{p, r}
	lifetime, explicit := p.Lifetime(r)
	wantLifetime, wantExplicit := n.lifetime()
	if !nearly(lifetime, wantLifetime) || explicit != wantExplicit {
		t.Errorf("%+v\n%+v\nlifetime %v, %v, want %s s, %v", p, r, lifetime, explicit, wantLifetime.FloatString(9), wantExplicit)
	}
	f := p.Facts(r)
	if f.Lifetime != lifetime || f.Explicit != explicit {
		t.Errorf("Facts differ from Lifetime: %+v", f)
	}
	if age, want := f.Age(now), n.age(now); !nearly(age, want) {
		t.Errorf("%+v\nat %v: age %v, want %s s", r, now, age, want.FloatString(9))
	}
	fresh := f.Reuse(nil, now).Verdict == httpcache.Fresh
	if want := wantLifetime.Cmp(n.age(now)) > 0 && len(n.values("no-cache")) == 0; fresh != want {
		t.Errorf("%+v\nat %v: fresh %v, want %v", r, now, fresh, want)
	}
}

func nearly(d time.Duration, want *big.Rat) bool {
	diff := new(big.Rat).Sub(seconds(d), want)
	return diff.Abs(diff).Cmp(big.NewRat(1, int64(time.Second))) < 0
}

// TestFreshnessAgainstFormulas_RFC9111_4_2 draws plausible and odd heads at random.
func TestFreshnessAgainstFormulas_RFC9111_4_2(t *testing.T) {
	random := rand.New(rand.NewPCG(9111, 42))
	pick := func(options ...string) string { return options[random.IntN(len(options))] }
	when := func() string {
		return pick("", "0", "noon", at(0), at(time.Minute), at(-time.Minute), at(-72*time.Hour),
			at(time.Duration(random.Int64N(int64(200*time.Hour)))-100*time.Hour), "Mon, 01 Jan 1900 00:00:00 GMT")
	}
	for range 50_000 {
		h := http.Header{}
		for range random.IntN(4) {
			number := pick("", "0", "1", "60", "3600", "-1", "x", "1.5", "99999999999", strconv.Itoa(random.IntN(500)))
			h.Add("Cache-Control", pick("max-age=", "S-MaxAge=", "max-age=", `max-age="`)+number)
			if c := h["Cache-Control"]; strings.Contains(c[len(c)-1], `"`) {
				c[len(c)-1] += `"`
			}
			if random.IntN(3) == 0 {
				h.Add("Cache-Control", pick("public", "no-cache, public", "max-age", "ext=x , s-maxage=5", ""))
			}
		}
		for _, name := range []string{"Date", "Expires", "Expires", "Last-Modified"} {
			if v := when(); random.IntN(2) == 0 {
				h.Add(name, v)
			}
		}
		if random.IntN(2) == 0 {
			h.Add("Age", pick("", "5", "60", "5,6", "-5", "x", "99999999999999999999999"))
		}
		statuses := []int{200, 203, 301, 302, 404, 410, 500, 501}
		arrived := noon.Add(time.Duration(random.Int64N(int64(time.Hour))) - 30*time.Minute)
		r := &httpcache.Response{
			Status: statuses[random.IntN(len(statuses))], Header: h,
			RequestTime:  arrived.Add(-time.Duration(random.Int64N(int64(time.Minute))) + 5*time.Second),
			ResponseTime: arrived,
		}
		p := httpcache.Policy{
			HeuristicLimit: time.Duration(random.IntN(3)-1) * time.Hour,
			NegativeTTL:    time.Duration(random.IntN(3)-1) * time.Minute,
		}
		compare(t, p, r, arrived.Add(time.Duration(random.Int64N(int64(3*time.Hour)))-time.Hour/2))
		if t.Failed() {
			return
		}
	}
}

func FuzzFreshness(f *testing.F) {
	f.Add("max-age=60", "60", at(0), at(time.Hour), at(-time.Hour), "5", 200, int64(time.Second), int64(time.Minute))
	f.Add("s-maxage=5, max-age=4", "\"60\"", "", "0", "", ",5, 6", 404, int64(-1), int64(-1))
	f.Add("no-cache", "6 0", "x", "", at(0), "-5", 302, int64(math.MaxInt64), int64(math.MinInt64))
	wellFormed := regexp.MustCompile(`^(?i)(?:[a-z-]+(?:=(?:[0-9a-z.+-]*|"[^"\\,]*"))?(?:, *|$))*$`)
	f.Fuzz(func(t *testing.T, cacheControl, number, date, expires, modified, age string, status int, delay, later int64) {
		p := httpcache.Policy{HeuristicLimit: time.Hour, NegativeTTL: time.Minute}
		h := http.Header{"Cache-Control": {cacheControl}, "Date": {date}, "Last-Modified": {modified}, "Age": {age}}
		if expires != "" {
			h["Expires"] = []string{expires}
		}
		r := &httpcache.Response{Status: status, Header: h, RequestTime: noon, ResponseTime: noon.Add(time.Duration(delay))}
		now := r.ResponseTime.Add(time.Duration(later))
		facts := p.Facts(r)
		if facts.Age(now) < 0 || facts.Lifetime < 0 || facts.Lifetime > clamp {
			t.Errorf("%+v: %+v, age %v", r, facts, facts.Age(now))
		}
		const century = int64(100 * 365 * 24 * time.Hour)
		bounded := -century < delay && delay < century && -century < later && later < century
		if bounded && wellFormed.MatchString(cacheControl) && strings.TrimSpace(age) == age {
			compare(t, p, r, now)
		}

		// Malformed freshness counts as stale, whatever else is said.
		if strings.ContainsAny(number, ",") || regexp.MustCompile("^[ \t]*(?:[0-9]+|\"[0-9]+\")[ \t]*$").MatchString(number) {
			return
		}
		h["Cache-Control"] = []string{cacheControl, "max-age=" + number, "s-maxage=" + number}
		if lifetime, explicit := p.Lifetime(r); lifetime != 0 || !explicit {
			t.Errorf("max-age=%q: %v, %v", number, lifetime, explicit)
		}
		if facts := p.Facts(r); facts.Reuse(nil, now).Verdict != httpcache.Stale {
			t.Errorf("max-age=%q is fresh", number)
		}
	})
}
