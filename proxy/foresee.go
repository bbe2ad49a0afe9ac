package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/site"
	"github.com/scurrycache/scurry/internal/store"
)

// The actions of Next.
const (
	actionHit      = "hit"
	actionStale    = "stale"
	actionValidate = "validate"
	actionFetch    = "fetch"
	actionPass     = "pass"
	actionRefuse   = "refuse"
)

// route finds the key of u, as router and serveZK do. If there is none, the explanation is complete
// with why.
func (x *inquiry) route(u *url.URL) bool {
	way, mount := x.p.site.Way(u), x.p.site.Mount
	switch {
	case way == site.ToResource:
		key, err := x.p.site.KeyFromURL(u)
		return x.keyed(key, err)
	case way != site.ToNothing && !reads(x.method):
		return x.refused(http.StatusMethodNotAllowed, "", "This path can only be read, with GET or HEAD; a %s gets a 405.", x.method)
	case way == site.ToForm:
		key, err := site.KeyFromForm(u.RawQuery)
		if errors.Is(err, site.ErrForm) {
			return x.refused(http.StatusBadRequest, "", "%s, so this gets a 400.", err)
		}
		return x.keyed(key, err)
	case way == site.ToMount:
		return x.refused(http.StatusTemporaryRedirect, "", "This only leads to %s, with a 307. Ask about that.", mount)
	}
	x.hint("If the file %s of the origin is meant, ask about %s.", shown(strings.TrimPrefix(u.Path, "/")), shown(mount+strings.TrimPrefix(site.Spelling(u), "/")))
	return x.refused(http.StatusNotFound, "", "Only what is under %s, or asked for by /zk?key=, is served and cached. Anything else gets a 404 of the cache's own, and the origin is never asked.", mount)
}

// keyed takes note of a URL's key.
func (x *inquiry) keyed(key string, err error) bool {
	switch {
	case errors.Is(err, site.ErrLong):
		return x.refused(http.StatusRequestURITooLong, "RFC 9110 §15.5.15", "The URL is longer than %d bytes: it gets a 414, and the origin isn't asked.", site.MaxKey)
	case err != nil:
		return x.refused(http.StatusBadRequest, "RFC 9110 §15.5.1", "%s: it gets a 400, and the origin isn't asked.", capital(err.Error()))
	}
	x.key, x.target = x.p.site.LikelyKey(key), key
	if x.explanation.Key = shown(x.key); x.key == "" {
		x.explanation.Key = "(the folder " + x.p.site.Mount + " itself)"
	}
	if x.key != key {
		x.about("", "By the No-Vary-Search of an earlier response, what is stored under it is also for "+shown(key)+", which was asked about.")
	}
	if canonical := site.Canonical(key); canonical != key {
		x.about("RFC 3986 §6.2.2", "Other spellings of the same path, such as "+shown(canonical)+", are stored each for itself. They have the same owner, and are invalidated together.")
	}
	_, _, query := strings.Cut(key, "?")
	if query && x.key == key {
		x.about("RFC 9111 §2", "The query belongs to the key: each other query, or order of its parts, is stored for itself.")
	}
	return true
}

func (x *inquiry) about(section, text string) {
	x.explanation.About = append(x.explanation.About, Statement{text, section})
}

// refused completes the explanation of a request that gets no further.
func (x *inquiry) refused(status int, section, format string, args ...any) bool {
	x.explanation.Now = []Statement{{fmt.Sprintf(format, args...), section}}
	x.explanation.Next = Next{actionRefuse, status, []Statement{{Text: fmt.Sprintf("The next such request is answered with %d %s.", status, http.StatusText(status))}}}
	return false
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func foreseen(action, section, format string, args ...any) Next {
	return Next{Action: action, Statements: []Statement{{fmt.Sprintf(format, args...), section}}}
}

// next foresees what serve will do with the request. Its cases are those of serve, serveStored,
// serveMiss and fetch.
func (x *inquiry) next() Next {
	switch {
	case x.p.looped(&http.Request{Header: x.header}):
		n := foreseen(actionRefuse, "RFC 8586 §2", "The request says in CDN-Loop that it has been through this cluster before, so it is answered with 508 lest it run in a circle.")
		n.Status = http.StatusLoopDetected
		return n
	case refusedMethod(x.method):
		return foreseen(actionRefuse, "", "It is answered by this cache itself.")
	case !reads(x.method):
		return foreseen(actionPass, "RFC 9111 §4", "The next %s is sent to the origin, past the cache.", x.method)
	case x.switches:
		return foreseen(actionPass, "RFC 9110 §7.8", "The request wants to change to another protocol, so it is sent to the origin, past the cache.")
	case x.rec == nil || x.mustRevalidate:
		return x.nextMiss(x.rec)
	case x.rec.Pass && x.wants("only-if-cached"):
		return unsatisfiable()
	case x.rec.Pass && x.p.rangedPass(x.method, x.header, x.rec):
		return foreseen(actionFetch, "RFC 9110 §14.2", "The content is too large to be kept as a whole and can't be joined from parts, so the next request is sent to the origin with its Range.")
	case x.rec.Pass:
		return foreseen(actionPass, "", "The next request is sent straight to the origin, as its answer isn't one that can be stored; no other request gets that answer.")
	}
	rp, ok := x.p.reuse(x.rec, x.header)
	switch {
	case ok:
		return x.answered(x.rec, &rp, "from memory")
	case rp.use.OnlyIfCached:
		return x.nextMiss(x.rec)
	}
	return x.nextFetch(x.rec)
}

// wants reports whether the request has that directive, and it counts.
func (x *inquiry) wants(directive string) bool {
	return x.p.policy.RequestDirectives(x.header).Has(directive)
}

func unsatisfiable() Next {
	n := foreseen(actionRefuse, "RFC 9111 §5.2.1.7", "The request wants an answer only if it needs nothing from the origin (only-if-cached), and there is none: it gets a 504.")
	n.Status = http.StatusGatewayTimeout
	return n
}

// nextMiss foresees serveMiss.
func (x *inquiry) nextMiss(prev *store.Record) Next {
	cached := x.wants("only-if-cached")
	if (cached || x.wants("no-store")) && x.atOwner != nil && !x.atOwner.Pass {
		if rp, ok := x.p.reuse(x.atOwner, x.header); ok {
			return x.answered(x.atOwner, &rp, "by way of "+x.explanation.Owner+", which has it in memory")
		}
	}
	if cached {
		return unsatisfiable()
	}
	return x.nextFetch(prev)
}

// nextFetch foresees fetch.
func (x *inquiry) nextFetch(prev *store.Record) Next {
	if x.wants("no-store") {
		return foreseen(actionPass, "RFC 9111 §5.2.1.5", "The next request is sent to the origin, past the cache, since it says no-store: its answer is for this client alone.")
	}
	who := ""
	if x.away {
		who = ", by its owner, " + x.explanation.Owner + ","
		if n, ok := x.byOwner(); ok {
			return n
		}
		if x.atOwner != nil {
			prev = x.atOwner
		}
	}
	conditions := http.Header{}
	if prev == nil && len(x.header["Authorization"]) > 0 {
		return foreseen(actionFetch, "RFC 9111 §3.5", "The next request is fetched%s from the origin, by itself: who else may have the answer, only the answer tells.", who)
	}
	validates := prev != nil && !prev.Pass && httpcache.AddConditions(conditions, prev.Fields())
	switch {
	case x.head() && !validates:
		return foreseen(actionFetch, "RFC 9110 §9.3.2", "The next HEAD is sent%s to the origin as a HEAD, for the content isn't wanted. Its answer is stored for later HEADs, if it may be, and all who ask so meanwhile get the same. A GET fetches the content, and answers HEADs from then on.", who)
	case !validates:
		n := foreseen(actionFetch, "RFC 9111 §4", "The next request is fetched%s from the origin. All who ask for the same meanwhile get the same answer, if it may be stored.", who)
		if tags := x.offered(prev); tags != "" {
			n.Statements = append(n.Statements, Statement{"The origin is told in If-None-Match of what is stored for other requests: " + shown(tags) + ". If it says 304, the one that it names is sent and stored for such requests, too.", "RFC 9111 §4.1"})
		}
		return n
	}
	var with []string
	for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
		if v := conditions.Get(name); v != "" {
			with = append(with, name+": "+shown(v))
		}
	}
	if prev.HeadOnly {
		who += " by a HEAD"
	}
	return foreseen(actionValidate, "RFC 9111 §4.3", "At the next request the origin is asked%s whether the stored response is still good, with %s. If it says 304, the stored one is fresh again and is sent; any other answer takes its place.", who, strings.Join(with, " and "))
}

// offered is the If-None-Match that tells the origin of what is stored for other requests, if this
// node is to ask it.
func (x *inquiry) offered(prev *store.Record) string {
	if prev != nil || x.away {
		return ""
	}
	variants := slices.DeleteFunc(x.p.store.List(x.key), func(rec *store.Record) bool { return rec.Pass || rec.HeadOnly })
	header := http.Header{}
	(&source{x.p}).offer(header, &store.Request{Variants: variants}, x.target)
	return header.Get("If-None-Match")
}

// byOwner foresees what the owner does, another node, if it needn't ask the origin.
func (x *inquiry) byOwner() (n Next, ok bool) {
	switch rec := x.atOwner; {
	case rec == nil:
		return n, false
	case rec.Pass:
		return foreseen(actionPass, "", "The next request is sent straight to the origin, as the owner of the resource, %s, knows that its answer isn't one that can be stored.", x.explanation.Owner), true
	default:
		rp, ok := x.p.reuse(rec, x.header)
		return x.answered(rec, &rp, "by way of "+x.explanation.Owner+", which owns it and has it in memory"), ok
	}
}

// answered foresees answer, with a reply made of rec.
func (x *inquiry) answered(rec *store.Record, rp *reply, from string) Next {
	n := foreseen(actionHit, "RFC 9111 §4", "The next request is answered %s. The origin isn't asked.", from)
	switch {
	case rp.refresh():
		n = foreseen(actionStale, "RFC 5861 §3", "The next request is answered at once, %s, though the response is stale; the origin is asked for a newer one in the background.", from)
	case rp.use.Verdict == httpcache.StaleAllowed:
		n = foreseen(actionStale, "RFC 9111 §5.2.1.2", "The next request is answered %s, though the response is stale, since it says max-stale.", from)
	case rp.use.Verdict == httpcache.Stale:
		n = foreseen(actionStale, "RFC 9111 §4.2.4", "The next request is answered %s, though the response is stale: the origin has just failed, and isn't asked again before %s.", from, stamp(rec.RetryAfter.Time()))
	}
	if u := x.p.store.Usage().Chunks; u.Evictions > 0 {
		n.Statements = append(n.Statements, Statement{Text: "Contents have been evicted here for want of memory: if some of this one has been, the origin is asked for that part."})
	}
	n.Status = rec.Status
	partial := rec.Part != store.Part{}
	if rec.Status != http.StatusOK && !partial {
		return n
	}
	outcome, ranges := httpcache.Preconditions(x.method, x.header, rec.Fields())
	add := func(status int, section, format string, args ...any) {
		n.Status = status
		n.Statements = append(n.Statements, Statement{fmt.Sprintf(format, args...), section})
	}
	switch {
	case outcome == httpcache.NotModified:
		add(http.StatusNotModified, "RFC 9110 §13.2.2", "The client gets a 304, without the content: by its own If-None-Match or If-Modified-Since it has this very response.")
	case outcome == httpcache.PreconditionFailed:
		add(http.StatusPreconditionFailed, "RFC 9110 §13.2.2", "The client gets a 412: its If-Match or If-Unmodified-Since doesn't agree with this response.")
	case partial: // it is selected by a request for a range within
		add(http.StatusPartialContent, "RFC 9110 §15.3.7", "The client gets a 206 with the part that its Range names.")
	case x.method == http.MethodGet && ranges && rec.Length >= 0 && len(x.header["Range"]) > 0:
		x.ranged(&n, rec, add)
	}
	return n
}

// ranged foresees answerRanges.
func (x *inquiry) ranged(n *Next, rec *store.Record, add func(status int, section, format string, args ...any)) {
	parts, err := httpcache.ParseRange(x.header.Get("Range"), rec.Length)
	switch {
	case errors.Is(err, httpcache.ErrUnsatisfiable), errors.Is(err, httpcache.ErrTooMany):
		add(http.StatusRequestedRangeNotSatisfiable, "RFC 9110 §15.5.17", "The client gets a 416: its Range lies outside of the %d bytes that there are, or has too many parts.", rec.Length)
	case err != nil, len(parts) == 0, httpcache.TotalLength(parts) > rec.Length:
		add(rec.Status, "RFC 9110 §14.2", "Its Range is ignored, as it is malformed, or no less than the whole.")
	default:
		add(http.StatusPartialContent, "RFC 9110 §15.3.7", "The client gets a 206 with the part that its Range names.")
	}
}
