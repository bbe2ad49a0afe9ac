package explain

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/serve"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// noon is the time at which the responses of the tests are made.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// head makes a header of lines such as "Cache-Control: no-store".
func head(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}

// at formats noon plus d as an HTTP-date.
func at(d time.Duration) string { return noon.Add(d).Format(http.TimeFormat) }

// answer is a response requested and received at noon.
func answer(status int, lines ...string) *httpcache.Response {
	return &httpcache.Response{Status: status, Header: head(lines...), RequestTime: noon,
		ResponseTime: noon}
}

// described begins a description under a policy, at that time, of the response to a request.
func described(policy httpcache.Policy, request http.Header, r *httpcache.Response,
	now time.Time) *response {
	s := site.New(site.Config{Mount: "/files/", Base: &url.URL{Scheme: "http", Host: "o",
		Path: "/"}, Policy: policy})
	x := &inquiry{now: now, Server: serve.New(serve.Config{Site: s,
		Origin: fetch.New(fetch.Config{Site: s})})}
	x.q.Header, x.q.Authorized = request, len(request["Authorization"]) > 0
	rec := store.NewRecord()
	rec.Status, rec.Length = r.Status, 9
	x.Origin.Describe(rec, request, r)
	return x.response("Stored", rec)
}

// told are the lines of a, but for what the response itself says.
func (a *response) told() []Line {
	return slices.DeleteFunc(a.Lines, func(l Line) bool {
		return l.Name == "Stored" || l.Name == "content" || l.Name == "field"
	})
}

// storing is what is said of the response to a GET that was asked for just now.
func storing(policy httpcache.Policy, request http.Header, r *httpcache.Response,
	now time.Time) []Line {
	a := described(policy, request, r, now)
	if ok, reason := policy.Storable(http.MethodGet, request, r); ok {
		a.reuse()
	} else {
		a.refuse(reason)
	}
	return a.told()
}

// reusing is what is said of a stored response.
func reusing(policy httpcache.Policy, request http.Header, r *httpcache.Response,
	now time.Time) []Line {
	a := described(policy, request, r, now)
	a.reuse()
	return a.told()
}

// named is the first of the lines with that name.
func named(lines []Line, name string) (line Line) {
	if i := slices.IndexFunc(lines, func(l Line) bool { return l.Name == name }); i >= 0 {
		line = lines[i]
	}
	return line
}

// TestExplainStoring: the reason and the remedy for each case that a user meets.
func TestExplainStoring(t *testing.T) {
	plain := httpcache.Policy{Limits: httpcache.Limits{HeuristicLimit: time.Minute,
		NegativeTTL: 10 * time.Second}, Targets: []string{"Cdn-Cache-Control"}}
	const etag = `ETag: "v1"`
	tests := []struct {
		name     string
		policy   httpcache.Policy
		request  http.Header
		response *httpcache.Response
		want     []string // each must be in some line, with its section behind it
	}{
		{"fresh", plain, nil, answer(200, "Cache-Control: max-age=60"), []string{"freshness: ends ",
			": it is fresh", "lifetime: 60 s: max-age"}},
		{"heuristic", plain, nil, answer(200, "Last-Modified: "+at(-time.Hour)),
			[]string{": it is fresh", "none is stated, so a tenth", "RFC 9111 §4.2.2"}},
		{"validator only", plain, nil, answer(200, etag), []string{"freshness: ends ",
			"it is stale, and the origin has to confirm it", `validation: If-None-Match: "v1"`}},
		{"no-cache", plain, nil, answer(200, etag, "Cache-Control: no-cache"),
			[]string{"no-cache has each use validated RFC 9111 §5.2.2.4"}},
		{"nothing", plain, nil, answer(200), []string{"not stored: it is never fresh, and has no " +
			"usable ETag or Last-Modified", "Cache-Control: max-age=60 or so, or an ETag"}},
		{"max-age=0", plain, nil, answer(200, "Cache-Control: max-age=0"),
			[]string{"not stored: it is never fresh"}},
		{"no-cache, no validator", plain, nil, answer(200, "Cache-Control: no-cache"),
			[]string{"to validate it by RFC 9111 §5.2.2.4"}},
		{"no-store", plain, nil, answer(200, "Cache-Control: no-store"),
			[]string{"its no-store forbids it", "in a targeted field such as CDN-Cache-Control",
				"RFC 9111 §5.2.2.5"}},
		{"targeted no-store", plain, nil, answer(200, "Cache-Control: max-age=60",
			"CDN-Cache-Control: no-store"), []string{"its no-store forbids it",
			"ignored: all directives but those of Cdn-Cache-Control: a targeted field comes " +
				"before Cache-Control and Expires, unless it is malformed RFC 9213 §2.2"}},
		{"targeted, invalid", plain, nil, answer(200, "Cache-Control: no-store",
			"CDN-Cache-Control: max-age=60,,"), []string{"its no-store forbids it",
			"ignored: all directives but those of Cache-Control: a targeted field comes before " +
				"Cache-Control and Expires, unless it is malformed RFC 9213 §2.2"}},
		{"must-understand", plain, nil, answer(200, "Cache-Control: no-store, must-understand, "+
			"max-age=9"), []string{": it is fresh", "ignored: no-store, beside must-understand",
			"§5.2.2.3"}},
		{"not understood", plain, nil, answer(299, "Cache-Control: no-store, must-understand, "+
			"max-age=9"), []string{"its must-understand needs a known status RFC 9111 §5.2.2.3"}},
		{"private", plain, nil, answer(200, "Cache-Control: private, public, max-age=9"),
			[]string{"one user's own", "§5.2.2.7"}},
		{"cookie", plain, nil, answer(200, etag, "Set-Cookie: a=secret"),
			[]string{"Set-Cookie, which is taken to be one client's: it doesn't say itself for " +
				"how long", "§7.3"}},
		{"cookie, no-cache", plain, nil, answer(200, etag, "Set-Cookie: a=secret",
			"Cache-Control: no-cache, max-age=9"), []string{"Set-Cookie", "or says no-cache"}},
		{"cookie, setting", httpcache.Policy{PrivateCookies: true}, nil,
			answer(200, "Set-Cookie: a=secret", "Cache-Control: max-age=9"), []string{"Set-Cookie",
				"or private-cookies is set"}},
		{"cookie stored", plain, nil, answer(200, "Set-Cookie: a=secret",
			"Cache-Control: max-age=9"), []string{": it is fresh", "cookie: for everyone"}},
		{"Authorization", plain, head("Authorization: Basic secret"),
			answer(200, "Cache-Control: max-age=9"), []string{"request with Authorization, and " +
				"doesn't say", "§3.5"}},
		{"Authorization, public", plain, head("Authorization: Basic secret"),
			answer(200, "Cache-Control: max-age=9, public"), []string{": it is fresh",
				"for: requests with Authorization, too, by public, must-revalidate or s-maxage " +
					"RFC 9111 §3.5"}},
		{"star", plain, nil, answer(200, etag, "Vary: Accept, *"),
			[]string{"its Vary says that it depends on more", "§4.1"}},
		{"Vary", plain, nil, answer(200, etag, "Vary: Accept, Accept-Language"),
			[]string{"for: requests that have, of the fields in Vary: none RFC 9111 §4.1"}},
		{"302", plain, nil, answer(302, etag), []string{"with its status it is stored only if it " +
			"says how long", "RFC 9111 §3"}},
		{"429", plain, nil, answer(429, "Cache-Control: max-age=9"),
			[]string{"never with 428, 429, 431 or 511"}},
		{"206", plain, nil, answer(206, etag), []string{"only a part (206)", "§3.3"}},
		{"request no-store", plain, head("Cache-Control: no-store"), answer(200, etag),
			[]string{"the request says no-store RFC 9111 §5.2.1.5"}},
		{"quote", plain, nil, answer(200, `Cache-Control: max-age=60, a="b`), []string{"not stored",
			"malformed: Cache-Control, max-age: counts as absent, 0 s or past RFC 9111 §4.2.1"}},
		{"unreadable", plain, nil, answer(200, etag, `Cache-Control: max-age=6.5`),
			[]string{"malformed: max-age: counts as absent, 0 s or past RFC 9111 §4.2.1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tells(t, storing(tt.policy, tt.request, tt.response, noon), tt.want)
		})
	}
}

// TestExplainReuse: where freshness comes from, and what is done with what is stale.
func TestExplainReuse(t *testing.T) {
	plain := httpcache.Policy{Limits: httpcache.Limits{HeuristicLimit: time.Minute,
		NegativeTTL: 10 * time.Second, MaxStale: time.Hour}, Targets: []string{"Cdn-Cache-Control"}}
	date, modified := "Date: "+at(0), "Last-Modified: "+at(-100*time.Second)
	tests := []struct {
		name     string
		policy   httpcache.Policy
		request  http.Header
		response *httpcache.Response
		later    time.Duration
		want     []string
	}{
		{"max-age", plain, nil, answer(200, "Cache-Control: max-age=60", "Expires: 0"),
			18 * time.Second, []string{
				"freshness: ends 2026-07-01 12:01:00 UTC, with a TTL of 42 s: it is fresh RFC " +
					"9111 §4.2", "lifetime: 60 s: max-age, before Expires RFC 9111 §5.2.2.1",
				"age: 18 s, of which 0 s before it came", "RFC 9111 §4.2.3",
				"sent until 2026-07-01 13:01:00 UTC, 3600 s past its freshness (the setting " +
					"max-stale) RFC 9111 §4.2.4", "has no usable ETag"}},
		{"s-maxage", plain, nil, answer(200, "Cache-Control: max-age=60, s-maxage=86400"), 0,
			[]string{
				"86400 s: s-maxage, before all else RFC 9111 §5.2.2.10",
				"never sent stale: clients get a 504 (s-maxage=86400)"}},
		{"targeted", plain, nil, answer(200, "CDN-Cache-Control: max-age=600", "Expires: 0"), 0,
			[]string{"600 s: max-age", "ignored: all directives but those of Cdn-Cache-Control: "}},
		{"Expires", plain, nil, answer(200, date, "Expires: "+at(time.Minute)), 0,
			[]string{"lifetime: 60 s: its Expires less its Date RFC 9111 §5.3"}},
		{"Expires past", plain, nil, answer(200, date, "Expires: "+at(-time.Minute)), 0,
			[]string{"it is stale", "lifetime: 0 s: its Expires less its Date"}},
		{"Expires 0", plain, nil, answer(200, date, "Expires: 0"), 0,
			[]string{"lifetime: 0 s: its Expires less its Date", "malformed: Expires: "}},
		{"heuristic", plain, nil, answer(200, date, modified), 0,
			[]string{"lifetime: 10 s: none is stated, so a tenth of the time from its " +
				"Last-Modified to its Date, at most the setting heuristic-limit RFC 9111 §4.2.2"}},
		{"heuristic, cut", plain, nil, answer(200, date, "Last-Modified: "+at(-time.Hour)), 0,
			[]string{"lifetime: 60 s: ", "at most the setting heuristic-limit"}},
		{"heuristic off", httpcache.Policy{}, nil, answer(200, date, modified), 0,
			[]string{"none is stated, and heuristic-limit is off",
				"on error: not sent once it is stale (the setting max-stale)"}},
		{"heuristic, none", plain, nil, answer(200, date, `ETag: "a"`), 0,
			[]string{"none is stated, nor a Last-Modified",
				`validation: If-None-Match: "a" RFC 9111 §4.3.1`}},
		{"heuristic, future", plain, nil, answer(200, date, "Last-Modified: "+at(time.Hour)), 0,
			[]string{"lifetime: 0 s: none is stated, so a tenth of the time from its " +
				"Last-Modified to its Date"}},
		{"heuristic, status", plain, nil, answer(302, date, modified), 0,
			[]string{"none is stated, nor assumed for its status"}},
		{"negative", plain, nil, answer(404), 0, []string{"lifetime: 10 s: none is stated: the " +
			"setting negative-ttl"}},
		{"contradictory", plain, nil, answer(200, "Cache-Control: max-age=60, max-age=50"), 0,
			[]string{"lifetime: 0 s: max-age", "malformed: max-age: counts as absent, 0 s or " +
				"past RFC 9111 §4.2.1"}},
		{"Age", plain, nil, answer(200, "Cache-Control: max-age=60", "Age: 50"), 15 * time.Second,
			[]string{"ends 2026-07-01 12:00:10 UTC, with a TTL of -5 s: it is stale, and the " +
				"origin has to confirm it", "age: 65 s, of which 50 s before it came, by its " +
				"Date, Age"}},
		{"old Date", plain, nil, answer(200, "Date: "+at(-30*time.Second),
			"Cache-Control: max-age=60"), 0, []string{"of which 30 s before it came, by its Date"}},
		{"Age malformed", plain, nil, answer(200, "Age: -5", "Cache-Control: max-age=60"), 0,
			[]string{"malformed: Age: "}},
		{"Date malformed", plain, nil, answer(200, "Date: today", "Cache-Control: max-age=60"), 0,
			[]string{"malformed: Date: "}},
		{"no-cache", plain, nil, answer(200, `ETag: "a"`, "Cache-Control: no-cache, max-age=60"), 0,
			[]string{": its no-cache has each use validated",
				"never sent stale: clients get a 504 (no-cache)"}},
		{"no-cache, stale", plain, nil, answer(200, `ETag: "a"`, "Cache-Control: no-cache"), 0,
			[]string{": its no-cache has each use validated"}},
		{"must-revalidate", plain, nil, answer(200, "Cache-Control: max-age=60, must-revalidate"),
			0, []string{"clients get a 504 (must-revalidate) RFC 9111 §5.2.2.2"}},
		{"proxy-revalidate", plain, nil, answer(200, "Cache-Control: max-age=60, proxy-revalidate"),
			0, []string{"clients get a 504 (proxy-revalidate) RFC 9111 §5.2.2.8"}},
		{"while-revalidate", plain, nil, answer(200, "Cache-Control: max-age=60, "+
			"stale-while-revalidate=30"), 70 * time.Second, []string{
			"a TTL of -10 s: it is stale, but says stale-while-revalidate RFC 5861 §3",
			"if stale: sent until 2026-07-01 12:01:30 UTC, and validated meanwhile RFC 5861 §3"}},
		{"if-error", plain, nil, answer(200, "Cache-Control: max-age=60, stale-if-error=30"), 0,
			[]string{"sent until 2026-07-01 12:01:30 UTC, 30 s past its freshness " +
				"(stale-if-error=30) RFC 5861 §4"}},
		{"if-error 0", plain, nil, answer(200, "Cache-Control: max-age=60, stale-if-error=0"), 0,
			[]string{"not sent once it is stale (stale-if-error=0)"}},
		{"if-error, request", plain, head("Cache-Control: stale-if-error=90"),
			answer(200, "Cache-Control: max-age=60, stale-if-error=30"), 0,
			[]string{"90 s past its freshness (stale-if-error=30, or the request's " +
				"stale-if-error=90) RFC 5861 §4"}},
		{"unreadable extension", plain, nil, answer(200, "Cache-Control: max-age=60, "+
			"stale-while-revalidate=x"), 0, []string{"malformed: stale-while-revalidate: "}},
		{"request no-cache", plain, head("Cache-Control: no-cache"),
			answer(200, "Cache-Control: max-age=60"), 0, []string{"but this request doesn't " +
				"accept it: no-cache RFC 9111 §5.2.1"}},
		{"Pragma", plain, head("Pragma: no-cache"), answer(200, "Cache-Control: max-age=60"), 0,
			[]string{"doesn't accept it: no-cache"}},
		{"Pragma beside", plain, head("Pragma: no-cache", "Cache-Control: max-stale=5"),
			answer(200, "Cache-Control: max-age=60"), 0, []string{": it is fresh"}},
		{"request max-age", plain, head("Cache-Control: max-age=5"),
			answer(200, "Cache-Control: max-age=60"), 9 * time.Second,
			[]string{"doesn't accept it: max-age RFC 9111 §5.2.1", "age: 9 s"}},
		{"min-fresh", plain, head("Cache-Control: min-fresh=50"),
			answer(200, "Cache-Control: max-age=60"), 15 * time.Second,
			[]string{"a TTL of 45 s: it is fresh, but this request doesn't accept it: min-fresh " +
				"RFC 9111 §5.2.1"}},
		{"min-fresh malformed", plain, head("Cache-Control: min-fresh=x"),
			answer(200, "Cache-Control: max-age=60"), 0, []string{"doesn't accept it: min-fresh " +
				"RFC 9111 §5.2.1"}},
		{"max-stale", plain, head("Cache-Control: max-stale"),
			answer(200, "Cache-Control: max-age=60"), 70 * time.Second,
			[]string{"it is stale, but this request says max-stale RFC 9111 §5.2.1.2"}},
		{"request no-store", plain, head("Cache-Control: no-store, max-age=0, max-stale=x"),
			answer(200, "Cache-Control: max-age=60"), 0, []string{"doesn't accept it: max-age " +
				"RFC 9111 §5.2.1"}},
		{"ignored", httpcache.Policy{IgnoreRequest: true}, head("Cache-Control: no-cache"),
			answer(200, "Cache-Control: max-age=60"), 0, []string{": it is fresh"}},
		{"Vary", plain, nil, answer(200, "Cache-Control: max-age=60", "Vary: Accept"), 0,
			[]string{"for: requests that have, of the fields in Vary: none"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tells(t, reusing(tt.policy, tt.request, tt.response, noon.Add(tt.later)), tt.want)
		})
	}
}

// tells checks that each of want is in some line, and that the lines are fit to be read.
func tells(t *testing.T, lines []Line, want []string) {
	t.Helper()
	var texts []string
	for _, l := range lines {
		texts = append(texts, strings.TrimSpace(l.Name+": "+l.Text+" "+l.Section))
	}
	all := strings.Join(texts, "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("nothing says %q:\n%s", w, all)
		}
	}
	readable(t, lines)
}

var section = regexp.MustCompile(`^(RFC \d{4} §\d+(\.\d+)*)?$`)

func readable(t *testing.T, lines []Line) {
	t.Helper()
	seen := map[string]bool{}
	for _, l := range lines {
		sentence := unicode.IsUpper(rune(l.Name[0]))
		if sentence != strings.HasSuffix(l.Text, ".") || strings.ContainsAny(l.Text,
			"\r\n\t\x00{}") || strings.Contains(l.Text, "%!") || strings.Contains(l.Text,
			"secret") || seen[l.Name+l.Text] {
			t.Errorf("not a line: %q", l)
		}
		if !section.MatchString(l.Section) {
			t.Errorf("not a section: %q", l.Section)
		}
		seen[l.Name+l.Text] = true
	}
}

// TestExplainAgrees: whatever the response, the request and the policy, the words say what the
// functions decide.
func TestExplainAgrees(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 11))
	for range 5_000 {
		g := generated(random)
		explained := storing(g.policy, g.request, g.response, g.now)
		readable(t, explained)
		g.storing(t, explained)
		explained = reusing(g.policy, g.request, g.response, g.now)
		readable(t, explained)
		g.reuse(t, explained)
		g.onError(t, explained)
		if t.Failed() {
			t.Fatalf("%+v\n%+v\n%+v\n%+v", g.policy, g.request, g.response, explained)
		}
	}
}

// TestEachReasonHasWords: none that the rules give is left without, and what stands in braces is
// filled in.
func TestEachReasonHasWords(t *testing.T) {
	for source := httpcache.SourceNone; source <= httpcache.SourceSMaxage; source++ {
		if sources[source].text == "" || sources[source].section == "" {
			t.Errorf("nothing is said of lifetime source %d", source)
		}
	}
	for why := decide.WhyLooped; why <= decide.WhyFetched; why++ {
		said := decisions[why].text != ""
		switch why {
		case decide.WhyFailed, decide.WhyChanging, decide.WhyForAnother, decide.WhyOnError, decide.WhyFetched: // known only once it has happened
			if said {
				t.Errorf("reason %d has words that aren't said", why)
			}
		default:
			if !said {
				t.Errorf("nothing is said of reason %d", why)
			}
		}
	}
	for reason := range refusals {
		a := described(httpcache.Policy{}, nil, answer(200), noon)
		a.refuse(reason)
		readable(t, a.told())
	}
}
