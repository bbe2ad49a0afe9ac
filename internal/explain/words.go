package explain

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// The rules give their reasons as values. These are the words for them. {field} is the field that a
// response's directives come from.

// actions are the names of what is done.
var actions = map[decide.Action]string{
	decide.Refuse: "refuse", decide.Forward: "pass", decide.Fetch: "fetch",
	decide.Revalidate: "validate", decide.Serve: "stale",
}

// decisions are about the reasons of decide. For all others, the response is fetched or validated.
var decisions = map[decide.Reason]Statement{
	decide.WhyLooped:      {"RFC 8586 §2", "It is answered with 508: CDN-Loop names this cluster."},
	decide.WhyMethod:      {"", "This cache answers it itself."},
	decide.WhyMaxForwards: {"RFC 9110 §7.6.2", "This cache answers it itself: Max-Forwards is 0."},
	decide.WhyOnlyIfCached: {"RFC 9111 §5.2.1.7", "It is only-if-cached, and nothing stored may " +
		"answer it: it gets a 504."},
	decide.WhyUnread:  {"RFC 9111 §4", "The next one goes to the origin, past the cache."},
	decide.WhyUpgrade: {"RFC 9110 §7.8", "It asks for another protocol: it goes past the cache."},
	decide.WhyNoStore: {"RFC 9111 §5.2.1.5", "The next request is sent to the origin, past the " +
		"cache: it says no-store, so its answer is for this client alone."},
	decide.WhyNotStorable: {"", "The next request is sent straight to the origin, past the " +
		"cache: its answer can't be stored, and is for this client alone."},
	decide.WhyPrivate: {"RFC 9111 §3.5", "The next request is fetched from the origin, by " +
		"itself: who else may have the answer, only the answer tells."},
	decide.WhyPart: {"RFC 9110 §14.2", "The content isn't kept as a whole, so the next request " +
		"is sent to the origin with its Range. The part that comes is kept, if it may be."},
	decide.WhyFresh: {"RFC 9111 §4", "The next request is answered from memory."},
	decide.WhyMeanwhile: {"RFC 5861 §3", "The next request is answered at once, from memory, " +
		"though the response is stale; the origin is asked for a newer one in the background."},
	decide.WhyMaxStale: {"RFC 9111 §5.2.1.2", "The next request is answered from memory, though " +
		"the response is stale, since it says max-stale."},
	decide.WhyResting: {"RFC 9111 §4.2.4", "The next request is answered from memory, though the " +
		"response is stale: the origin has just failed."},
}

// representations are where it is laid down when a client gets an answer with that status.
var representations = map[int]string{
	http.StatusNotModified: "RFC 9110 §13.2.2", http.StatusPreconditionFailed: "RFC 9110 §13.2.2",
	http.StatusPartialContent:               "RFC 9110 §15.3.7",
	http.StatusRequestedRangeNotSatisfiable: "RFC 9110 §15.5.17",
}

// refusal is why a response isn't stored, and what would change that.
type refusal struct{ section, why, remedy string }

const tooLarge = "too-large" // besides the reasons of Storable

// refusals are about the reasons of Storable.
var refusals = map[string]refusal{
	httpcache.ReasonStatus: {"RFC 9111 §3", "with its status it is stored only if it says how " +
		"long it stays fresh, and never with 428, 429, 431 or 511", "have the origin send " +
		"Cache-Control: max-age=60 or so"},
	httpcache.ReasonUnderstand: {"RFC 9111 §5.2.2.3", "must-understand in {field} leaves it to " +
		"caches that know what its status means", ""},
	httpcache.ReasonPartial: {"RFC 9111 §3.3", "it is only a part (206) of something", ""},
	httpcache.ReasonRequest: {"RFC 9111 §5.2.1.5", "the request says no-store", "ask without " +
		"no-store, or have it ignored by the setting ignore-request-directives"},
	httpcache.ReasonNoStore: {"RFC 9111 §5.2.2.5", "no-store in {field} forbids it", "have the " +
		"origin leave that out and send max-age=60 or so, here or in a targeted field such as " +
		"CDN-Cache-Control, if it is the same for everyone"},
	httpcache.ReasonVaryStar: {"RFC 9111 §4.1", "its Vary says that it depends on more than " +
		"fields of requests", "have the origin name in Vary the request fields that matter"},
	httpcache.ReasonPrivate: {"RFC 9111 §5.2.2.7", "private in {field} makes it one user's own, " +
		"and this cache is shared by all", "have the origin leave that out and send max-age=60 " +
		"or so, here or in a targeted field such as CDN-Cache-Control, if it is the same for " +
		"everyone"},
	httpcache.ReasonAuthorization: {"RFC 9111 §3.5", "it answers a request with Authorization, " +
		"and doesn't say that others may have it", "ask without Authorization, or have the " +
		"origin send public, must-revalidate or s-maxage, if it is the same for everyone"},
	httpcache.ReasonSetCookie: {"RFC 9111 §7.3", "it has Set-Cookie, which is taken to be one " +
		"client's: it doesn't say itself for how long it stays fresh, or says no-cache, or " +
		"private-cookies is set", "have the origin set no cookie on what is the same for everyone"},
	httpcache.ReasonNoCache: {"RFC 9111 §5.2.2.4", "no-cache in {field} has each use validated, " +
		"and it has no usable ETag or Last-Modified to validate it by", "have the origin send an " +
		"ETag or Last-Modified, or max-age=60 or so instead of no-cache"},
	httpcache.ReasonUseless: {"RFC 9111 §3", "it is never fresh, and has no usable ETag or " +
		"Last-Modified to validate it by, so it could never be used", "have the origin send " +
		"Cache-Control: max-age=60 or so, or an ETag or Last-Modified"},
	tooLarge: {"", "it is larger than a quarter of the memory, and can't be asked for in parts",
		"have the origin send a strong ETag and Accept-Ranges: bytes, or give this cache more " +
			"memory"},
	"": {"", "the request that got it kept it from being stored", ""},
}

// verdicts are about the reasons of Reuse. They follow until when the response is or was fresh.
var verdicts = map[string]Statement{
	"":          {"RFC 9111 §4.2", "."},
	"request":   {"", ", but this request doesn't accept it: "},
	"max-stale": {"RFC 9111 §5.2.1.2", "; this request accepts that by its max-stale."},
	"stale-while-revalidate": {"RFC 5861 §3", ". It is still sent at once, while the origin is " +
		"asked in the background: stale-while-revalidate in {field}."},
	"stale":    {"RFC 9111 §4.2.4", "; the origin has to confirm it before it is used."},
	"no-cache": {"RFC 9111 §5.2.2.4", ": no-cache in {field} has it validated first."},
}

// sources are about where a freshness lifetime comes from.
var sources = map[httpcache.Source]Statement{
	httpcache.SourceSMaxage: {"RFC 9111 §5.2.2.10", "s-maxage in {field}, before all else."},
	httpcache.SourceMaxAge:  {"RFC 9111 §5.2.2.1", "max-age in {field}, before Expires."},
	httpcache.SourceExpires: {"RFC 9111 §5.3", "its Expires less its Date."},
	httpcache.SourceNegativeTTL: {"RFC 9111 §4.2.2", "none is stated, so the setting " +
		"negative-ttl counts."},
	httpcache.SourceHeuristic: {"RFC 9111 §4.2.2", "none is stated, so a tenth of the time from " +
		"its Last-Modified to its Date is assumed, at most the setting heuristic-limit."},
	httpcache.SourceHeuristicOff: {"RFC 9111 §4.2.2", "none is stated, and heuristic-limit is " +
		"off."},
	httpcache.SourceHeuristicStatus: {"RFC 9111 §4.2.2", "none is stated, nor assumed for its " +
		"status."},
	httpcache.SourceNone: {"RFC 9111 §4.2.2", "none is stated, and there is no Last-Modified to " +
		"guess by."},
}

// directive is what a directive of a response or a request means.
type directive struct{ name, section, meaning string }

// bounds are the directives that say whether a stale response may be sent when the origin fails.
// Of several, the last one counts.
var bounds = []directive{
	{"stale-if-error", "RFC 5861 §4", ""}, {"s-maxage", "RFC 9111 §5.2.2.10", ""},
	{"proxy-revalidate", "RFC 9111 §5.2.2.8", ""}, {"must-revalidate", "RFC 9111 §5.2.2.2", ""},
	{"no-cache", "RFC 9111 §5.2.2.4", ""},
}

// wishes are what a request may say about caching.
var wishes = []directive{
	{"no-cache", "RFC 9111 §5.2.1.4", "the origin is asked before anything stored is used"},
	{"no-store", "RFC 9111 §5.2.1.5", "what the origin answers is for this client alone"},
	{"only-if-cached", "RFC 9111 §5.2.1.7", "it wants a 504 rather than that the origin is asked"},
	{"max-age", "RFC 9111 §5.2.1.1", "it wants nothing older, and with 0 nothing unconfirmed"},
	{"min-fresh", "RFC 9111 §5.2.1.3", "it wants only what stays fresh for that long"},
	{"max-stale", "RFC 9111 §5.2.1.2", "it takes what has been stale for no longer, if it may"},
	{"stale-if-error", "RFC 5861 §4", "if the origin fails, it takes what is no staler, if it may"},
}
