package httpcache_test

import (
	"math"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

const clamp = 1 << 31 * time.Second

func TestLifetime_RFC9111_4_2_1(t *testing.T) {
	date, modified := "Date: "+at(0), "Last-Modified: "+at(-10*time.Hour)
	inAnHour := "Expires: " + at(time.Hour)
	policy := httpcache.Policy{Limits: httpcache.Limits{HeuristicLimit: 2 * time.Hour,
		NegativeTTL: 30 * time.Second}}
	tests := []struct {
		name     string
		response *httpcache.Response
		lifetime time.Duration
		explicit bool
	}{
		{"s-maxage first", received(200, date, "Cache-Control: max-age=1, s-maxage=2", inAnHour,
			modified), 2 * time.Second, true},
		{"s-maxage of zero", received(200, date, "Cache-Control: max-age=1, s-maxage=0", inAnHour),
			0, true},
		{"s-maxage malformed", received(200, date, "Cache-Control: max-age=1, s-maxage=x",
			inAnHour), 0, true},
		{"max-age second", received(200, date, "Cache-Control: max-age=1", inAnHour, modified),
			time.Second, true},
		{"max-age malformed", received(200, date, "Cache-Control: max-age=-1", inAnHour, modified),
			0, true},
		{"max-age contradictory", received(200, date, "Cache-Control: max-age=5",
			"Cache-Control: max-age=6", inAnHour), 0, true},
		{"max-age huge", received(200, date, "Cache-Control: max-age=99999999999999999999"), clamp,
			true},
		{"Expires third", received(200, date, inAnHour, modified), time.Hour, true},
		{"Expires, other directives", received(200, date, inAnHour, "Cache-Control: public"),
			time.Hour, true},
		{"Expires against Date", received(200, "Date: "+at(-time.Minute), inAnHour), time.Hour +
			time.Minute, true},
		{"Expires without Date", received(200, inAnHour), time.Hour, true},
		{"Expires with a malformed Date", received(200, "Date: x", inAnHour), time.Hour, true},
		{"Expires as Date", received(200, date, "Expires: "+at(0)), 0, true},
		{"Expires before Date", received(200, date, "Expires: "+at(-time.Second)), 0, true},
		{"Expires 0 §5.3", received(200, date, "Expires: 0", modified), 0, true},
		{"Expires empty", received(200, date, "Expires:", modified), 0, true},
		{"Expires twice", received(200, date, inAnHour, inAnHour), time.Hour, true},
		{"Expires contradictory", received(200, date, inAnHour, "Expires: "+at(2*time.Hour)), 0,
			true},
		{"Expires in RFC 850 format", received(200, date, "Expires: Wednesday, 01-Jul-26 "+
			"13:00:00 GMT"), time.Hour, true},
		{"Expires in asctime format", received(200, date, "Expires: Wed Jul  1 13:00:00 2026"),
			time.Hour, true},
		{"Expires in another zone", received(200, date, "Expires: Wed, 01 Jul 2026 13:00:00 EST"),
			0, true},
		{"Expires far away", received(200, date, "Expires: Fri, 31 Dec 9999 23:59:59 GMT"), clamp,
			true},
		{"404", received(404, date, modified), 30 * time.Second, false},
		{"410", received(410, date), 30 * time.Second, false},
		{"404 stated", received(404, date, "Cache-Control: max-age=5"), 5 * time.Second, true},
		{"heuristic §4.2.2", received(200, date, modified), time.Hour, false},
		{"heuristic, no Date", received(200, modified), time.Hour, false},
		{"heuristic, capped", received(200, date, "Last-Modified: "+at(-1000*time.Hour)),
			2 * time.Hour, false},
		{"heuristic, centuries", received(200, "Date: Fri, 31 Dec 9999 23:59:59 GMT",
			"Last-Modified: Mon, 01 Jan 0001 00:00:00 GMT"), 2 * time.Hour, false},
		{"heuristic, modified later", received(200, date, "Last-Modified: "+at(time.Hour)), 0,
			false},
		{"heuristic, malformed", received(200, date, "Last-Modified: 5"), 0, false},
		{"heuristic, 302", received(302, date, modified), 0, false},
		{"heuristic, 302 public", received(302, date, modified, "Cache-Control: public"), time.Hour,
			false},
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
	for _, p := range []httpcache.Policy{{}, {Limits: httpcache.Limits{HeuristicLimit: -1,
		NegativeTTL: -1}}} {
		for _, status := range []int{200, 404, 410} {
			if lifetime, explicit := p.Lifetime(received(status, old)); lifetime != 0 || explicit {
				t.Errorf("%+v, %d: %v, %v", p, status, lifetime, explicit)
			}
		}
	}
	boundless := httpcache.Policy{Limits: httpcache.Limits{HeuristicLimit: math.MaxInt64,
		NegativeTTL: math.MaxInt64}}
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
		{"apparent_age", []string{"Date: " + at(-time.Hour)}, 0, time.Minute, time.Hour +
			time.Minute},
		{"age_value", []string{"Date: " + at(0), "Age: 30"}, 0, time.Second, 31 * time.Second},
		{"response_delay", []string{"Date: " + at(0), "Age: 30"}, 4 * time.Second, time.Second,
			35 * time.Second},
		{"response_delay alone", []string{"Date: " + at(0)}, 4 * time.Second, 0, 4 * time.Second},
		{"the larger counts", []string{"Date: " + at(-time.Minute), "Age: 30"}, 4 * time.Second, 0,
			time.Minute},
		{"no Date", []string{"Age: 30"}, 0, 0, 30 * time.Second},
		{"Date in the future", []string{"Date: " + at(time.Hour)}, 0, time.Second, time.Second},
		{"malformed Date", []string{"Date: noon"}, 0, time.Second, time.Second},
		{"clock set back while waiting", []string{"Date: " + at(0), "Age: 30"}, -time.Hour, 0,
			30 * time.Second},
		{"clock set back since", []string{"Date: " + at(0), "Age: 30"}, 0, -time.Hour,
			30 * time.Second},
		{"Age malformed §5.1", []string{"Age: 30s"}, 0, 0, 0},
		{"Age negative", []string{"Age: -30"}, 0, 0, 0},
		{"Age a fraction", []string{"Age: 3.5"}, 0, 0, 0},
		{"Age empty", []string{"Age:"}, 0, 0, 0},
		{"Age a list", []string{"Age: 30, 60"}, 0, 0, 30 * time.Second},
		{"Age a list, first malformed", []string{"Age: x, 60"}, 0, 0, 0},
		{"Age in several lines", []string{"Age: 30", "Age: 60"}, 0, 0, 30 * time.Second},
		{"Age huge", []string{"Age: 99999999999999999999"}, 0, 0, clamp},
		{"Age huge, centuries later", []string{"Age: 99999999999999999999"}, 0, math.MaxInt64,
			math.MaxInt64},
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
