package explain

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// The rules give their reasons as values. These are the words for them. What stands in braces is
// filled in with what is known of the request or the response.

// actions are the names of what is done.
var actions = map[decide.Action]string{
	decide.Refuse: "refuse", decide.Forward: "pass", decide.Fetch: "fetch",
	decide.Revalidate: "validate", decide.Serve: "stale",
}

// decisions are about the reasons of decide. For all others, the response is fetched or validated.
var decisions = map[decide.Reason]Statement{
	decide.WhyLooped: {"It is answered with 508: by its CDN-Loop, it has been through this cluster " +
		"before.", "RFC 8586 §2"},
	decide.WhyMethod: {"It is answered by this cache itself.", ""},
	decide.WhyMaxForwards: {"It is answered by this cache itself: its Max-Forwards is 0.",
		"RFC 9110 §7.6.2"},
	decide.WhyOnlyIfCached: {"It gets a 504: it is only-if-cached, and nothing stored may answer " +
		"it.", "RFC 9111 §5.2.1.7"},
	decide.WhyUnread: {"The next {method} is sent to the origin, past the cache.", "RFC 9111 §4"},
	decide.WhyUpgrade: {"It asks for another protocol: it is sent to the origin, past the cache.",
		"RFC 9110 §7.8"},
	decide.WhyNoStore: {"The next request is sent to the origin, past the cache: it says no-store, " +
		"so its answer is for this client alone.", "RFC 9111 §5.2.1.5"},
	decide.WhyNotStorable: {"The next request is sent straight to the origin, past the cache: its " +
		"answer can't be stored, and is for this client alone.", ""},
	decide.WhyPrivate: {"The next request is fetched from the origin, by itself: who else may " +
		"have the answer, only the answer tells.", "RFC 9111 §3.5"},
	decide.WhyPart: {"The content isn't kept as a whole, so the next request is sent to the " +
		"origin with its Range. The part that comes is kept, if it may be.", "RFC 9110 §14.2"},
	decide.WhyFresh: {"The next request is answered from memory. The origin isn't asked.",
		"RFC 9111 §4"},
	decide.WhyMeanwhile: {"The next request is answered at once, from memory, though the response is " +
		"stale; the origin is asked for a newer one in the background.", "RFC 5861 §3"},
	decide.WhyMaxStale: {"The next request is answered from memory, though the response is stale, " +
		"since it says max-stale.", "RFC 9111 §5.2.1.2"},
	decide.WhyResting: {"The next request is answered from memory, though the response is stale: the " +
		"origin has just failed.", "RFC 9111 §4.2.4"},
}

// What is done for all other reasons.
var (
	fetched = Statement{"The next request is fetched from the origin. All who ask for the " +
		"same meanwhile get the same answer, if it may be stored.", "RFC 9111 §4"}
	fetchedByHead = Statement{"The next HEAD is sent to the origin as a HEAD. Its answer is " +
		"stored for later HEADs, if it may be. A GET fetches the content.", "RFC 9110 §9.3.2"}
	validated = Statement{"At the next request the origin is asked{head} whether the stored response " +
		"is still good, with {conditions}. If it says 304, the stored one is fresh again and is " +
		"sent; any other answer takes its place.", "RFC 9111 §4.3"}
)

// representations are where it is laid down when a client gets an answer with that status.
var representations = map[int]string{
	http.StatusNotModified: "RFC 9110 §13.2.2", http.StatusPreconditionFailed: "RFC 9110 §13.2.2",
	http.StatusPartialContent:               "RFC 9110 §15.3.7",
	http.StatusRequestedRangeNotSatisfiable: "RFC 9110 §15.5.17",
}

// refusal is why a response isn't stored, and what would change that.
type refusal struct{ why, section, remedy string }

const tooLarge = "too-large" // besides the reasons of Storable

// refusals are about the reasons of Storable.
var refusals = map[string]refusal{
	httpcache.ReasonStatus: {"with status {status} it is stored only if it says how long it stays " +
		"fresh, and never with 428, 429, 431 or 511", "RFC 9111 §3",
		"have the origin send Cache-Control: max-age=60 or so"},
	httpcache.ReasonUnderstand: {"must-understand in {field} leaves it to caches that know what " +
		"status {status} means", "RFC 9111 §5.2.2.3", ""},
	httpcache.ReasonPartial: {"it is only a part (206) of something", "RFC 9111 §3.3", ""},
	httpcache.ReasonRequest: {"the request says no-store", "RFC 9111 §5.2.1.5", "ask without " +
		"no-store, or have it ignored by the setting ignore-request-directives"},
	httpcache.ReasonNoStore: {"no-store in {field} forbids it", "RFC 9111 §5.2.2.5",
		"have the origin leave out no-store and send max-age=60 or so, if it is the same for " +
			"everyone{beside}"},
	httpcache.ReasonVaryStar: {"its Vary ({vary}) means that no other request may be answered with " +
		"it", "RFC 9111 §4.1", "have the origin name in Vary the request fields that matter"},
	httpcache.ReasonPrivate: {"private in {field} makes it one user's own, and this cache is " +
		"shared by all", "RFC 9111 §5.2.2.7", "have the origin leave out private and send " +
		"max-age=60 or so, if it is the same for everyone{beside}"},
	httpcache.ReasonAuthorization: {"it answers a request with Authorization, and doesn't say that " +
		"others may have it", "RFC 9111 §3.5", "ask without Authorization, or have the origin " +
		"send public, must-revalidate or s-maxage, if it is the same for everyone"},
	httpcache.ReasonSetCookie: {"it has Set-Cookie, which is taken to be one client's: it doesn't " +
		"say itself for how long it stays fresh, or says no-cache, or private-cookies is set",
		"RFC 9111 §7.3", "have the origin set no cookie on what is the same for everyone"},
	httpcache.ReasonNoCache: {"no-cache in {field} has each use validated, and it has no usable " +
		"ETag or Last-Modified to validate it by", "RFC 9111 §5.2.2.4", "have the origin send an " +
		"ETag or Last-Modified, or max-age=60 or so instead of no-cache"},
	httpcache.ReasonUseless: {"it is never fresh, and has no usable ETag or Last-Modified to " +
		"validate it by, so it could never be used", "RFC 9111 §3", "have the origin send " +
		"Cache-Control: max-age=60 or so, or an ETag or Last-Modified"},
	tooLarge: {"its {length} bytes are more than a quarter of the memory, and can't be asked for " +
		"in parts", "", "have the origin send a strong ETag and Accept-Ranges: bytes, or give this " +
		"cache more memory"},
	"": {"for what the request said that got it, it couldn't be", "", ""},
}

// verdicts are about the reasons of Reuse. They follow until when the response is or was fresh.
var verdicts = map[string]Statement{
	"":          {".", "RFC 9111 §4.2"},
	"request":   {", but this request doesn't accept it: {objection}.", ""},
	"max-stale": {"; this request accepts that by its max-stale.", "RFC 9111 §5.2.1.2"},
	"stale-while-revalidate": {". It is still sent at once, while the origin is asked in the " +
		"background: {stale-while-revalidate} in {field}.", "RFC 5861 §3"},
	"stale": {"; it may not be used before the origin has said that it is still good.",
		"RFC 9111 §4.2.4"},
	"no-cache": {": no-cache in {field} has it validated first.", "RFC 9111 §5.2.2.4"},
}

// sources are about where a freshness lifetime comes from.
var sources = map[httpcache.Source]Statement{
	httpcache.SourceSMaxage: {"{s-maxage} in {field}, before max-age and Expires.",
		"RFC 9111 §5.2.2.10"},
	httpcache.SourceMaxAge:  {"{max-age} in {field}, before Expires.", "RFC 9111 §5.2.2.1"},
	httpcache.SourceExpires: {"its Expires less its Date.", "RFC 9111 §5.3"},
	httpcache.SourceNegativeTTL: {"it states none, and a {status} then gets that of the setting " +
		"negative-ttl.", "RFC 9111 §4.2.2"},
	httpcache.SourceHeuristic: {"it states none, so a tenth of the time from its Last-Modified to " +
		"its Date is assumed, at most the setting heuristic-limit.", "RFC 9111 §4.2.2"},
	httpcache.SourceHeuristicOff: {"it states none, and the setting heuristic-limit has none " +
		"assumed.", "RFC 9111 §4.2.2"},
	httpcache.SourceHeuristicStatus: {"it states none, and for status {status} none may be " +
		"assumed.", "RFC 9111 §4.2.2"},
	httpcache.SourceNone: {"it states none, and without a Last-Modified there is nothing to guess " +
		"one from.", "RFC 9111 §4.2.2"},
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
