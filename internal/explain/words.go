package explain

import (
	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/fetch"
	"github.com/scurrycache/scurry/internal/httpcache"
)

// The rules give their reasons as values. These are the words for them.

// rule is a reason in words, and where it is laid down: the RFC's number and section.
type rule struct{ section, text string }

// actions are what is done about a request: the name for programs, and the words.
var actions = map[decide.Action]struct{ name, text string }{
	decide.Refuse:     {"refuse", "It is answered with {status}, and the origin isn't asked"},
	decide.Forward:    {"pass", "It goes to the origin, past the cache"},
	decide.Fetch:      {"fetch", "It is fetched from the origin by a {method}"},
	decide.Revalidate: {"validate", "The origin is asked by a {method} with {conditions}"},
	decide.Serve:      {"stale", "It is answered from memory"},
}

// decisions are about the reasons of decide. They follow what is done.
var decisions = map[decide.Reason]rule{
	decide.WhyLooped:       {"8586 §2", ": CDN-Loop names this cluster."},
	decide.WhyMethod:       {"", ": no origin is sent such a method."},
	decide.WhyReadOnly:     {"9110 §9.2.1", ": read-only is set, and it may change something."},
	decide.WhyMaxForwards:  {"9110 §7.6.2", ": Max-Forwards is 0."},
	decide.WhyOnlyIfCached: {"9111 §5.2.1.7", ": nothing is stored that it may have."},
	decide.WhyUnread:       {"9111 §4", ": only GET and HEAD are answered from memory."},
	decide.WhyUpgrade:      {"9110 §7.8", ": it asks for another protocol."},
	decide.WhyNoStore:      {"9111 §5.2.1.5", ": it says no-store."},
	decide.WhyNotStorable:  {"", ": the response can't be stored."},
	decide.WhyMiss:         {"9111 §4", ": nothing is stored for it."},
	decide.WhyPrivate:      {"9111 §3.5", ": nothing is stored for requests with Authorization."},
	decide.WhyPart:         {"9110 §14.2", " with its Range: the content isn't kept as a whole."},
	decide.WhyStale:        {"9111 §4.2.4", ": the stored response is stale."},
	decide.WhyUnaccepted:   {"9111 §5.2.1", ": it doesn't accept the stored response as it is."},
	decide.WhyUnmatched: {"9111 §4.3.2", ": the stored response fails its If-Match or " +
		"If-Unmodified-Since, and the origin may have another one by now."},
	decide.WhyUnconfirmed: {"9111 §4.2.4", ": the time of this node's copy is over, the node was " +
		"out of contact with the others, or another request may have changed it."},
	decide.WhyFresh:     {"9111 §4", ": the stored response is fresh."},
	decide.WhyMeanwhile: {"5861 §3", ", though stale, and revalidated in the background."},
	decide.WhyMaxStale:  {"9111 §5.2.1.2", ", though stale, since it says max-stale."},
	decide.WhyResting:   {"9111 §4.2.4", ", though stale: the origin has just failed."},
}

// representations are where it is laid down when a client gets an answer with that status.
var representations = map[int]string{304: "9110 §13.2.2", 412: "9110 §13.2.2",
	206: "9110 §15.3.7", 416: "9110 §15.5.17"}

const unheld = "unheld" // besides the reasons of Judge

const unshared = ". have the origin leave that out and send max-age=60 or so, here or in a " +
	"targeted field such as CDN-Cache-Control, if it is the same for everyone"

// refusals are about the reasons of Judge. What follows a full stop would change that.
var refusals = map[string]rule{
	httpcache.ReasonStatus: {"9111 §3", "with its status it is stored only if it says how long " +
		"it stays fresh, and never with 428, 429, 431 or 511"},
	httpcache.ReasonUnderstand: {"9111 §5.2.2.3", "its must-understand needs a known status"},
	httpcache.ReasonPartial:    {"9111 §3.3", "it is only a part (206) of something"},
	httpcache.ReasonRequest:    {"9111 §5.2.1.5", "the request says no-store"},
	httpcache.ReasonNoStore:    {"9111 §5.2.2.5", "its no-store forbids it" + unshared},
	httpcache.ReasonVaryStar:   {"9111 §4.1", "its Vary says that it depends on more than fields"},
	httpcache.ReasonPrivate:    {"9111 §5.2.2.7", "its private makes it one user's own" + unshared},
	httpcache.ReasonAuthorization: {"9111 §3.5", "it answers a request with Authorization, and " +
		"doesn't say that others may have it. ask without Authorization, or have the origin send " +
		"public, must-revalidate or s-maxage, if it is the same for everyone"},
	httpcache.ReasonSetCookie: {"9111 §7.3", "it has Set-Cookie, which is taken to be one " +
		"client's: it doesn't say itself for how long it stays fresh, or says no-cache, or " +
		"private-cookies is set"},
	httpcache.ReasonNoCache: {"9111 §5.2.2.4", "its no-cache has each use validated, and it has " +
		"no usable ETag or Last-Modified to validate it by"},
	httpcache.ReasonUseless: {"9111 §3", "it is never fresh, and has no usable ETag or " +
		"Last-Modified, so it could never be used. have the origin send Cache-Control: " +
		"max-age=60 or so, or an ETag or Last-Modified"},
	fetch.ReasonTooLarge: {"", "it is larger than the setting max-object. set a larger one"},
	unheld: {"", "it is larger than a quarter of the memory, and can't be asked for in parts. " +
		"have the origin send a strong ETag and Accept-Ranges: bytes, or give it more memory"},
	"": {"", "the request that got it kept it from being stored"},
}

// caching are the fields of a response that have to do with caching, besides those of the settings.
var caching = []string{"Cache-Control", "Expires", "Date", "Age", "Last-Modified", "Etag", "Vary",
	"Set-Cookie", "Cache-Groups", "No-Vary-Search", "Content-Range", "Content-Encoding"}

// verdicts are about the reasons of Reuse.
var verdicts = map[string]rule{
	"":                       {"9111 §4.2", "it is fresh"},
	"request":                {"9111 §5.2.1", "it is fresh, but this request doesn't accept it: "},
	"max-stale":              {"9111 §5.2.1.2", "it is stale, but this request says max-stale"},
	"stale-while-revalidate": {"5861 §3", "it is stale, but says stale-while-revalidate"},
	"stale":                  {"9111 §4.2.4", "it is stale, and the origin has to confirm it"},
	"no-cache":               {"9111 §5.2.2.4", "its no-cache has each use validated"},
}

// sources are about where a freshness lifetime comes from.
var sources = map[httpcache.Source]rule{
	httpcache.SourceSMaxage:     {"9111 §5.2.2.10", "s-maxage, before all else"},
	httpcache.SourceMaxAge:      {"9111 §5.2.2.1", "max-age, before Expires"},
	httpcache.SourceExpires:     {"9111 §5.3", "its Expires less its Date"},
	httpcache.SourceNegativeTTL: {"9111 §4.2.2", "none is stated: the setting negative-ttl"},
	httpcache.SourceHeuristic: {"9111 §4.2.2", "none is stated, so a tenth of the time from its " +
		"Last-Modified to its Date, at most the setting heuristic-limit"},
	httpcache.SourceHeuristicOff:    {"9111 §4.2.2", "none is stated, and heuristic-limit is off"},
	httpcache.SourceHeuristicStatus: {"9111 §4.2.2", "none is stated, nor assumed for its status"},
	httpcache.SourceNone:            {"9111 §4.2.2", "none is stated, nor a Last-Modified"},
}

// bounds are the directives that say whether a stale response may be sent when the origin fails,
// and where that is laid down. Of several, the last one counts.
var bounds = []rule{{"5861 §4", "stale-if-error"}, {"9111 §5.2.2.10", "s-maxage"},
	{"9111 §5.2.2.8", "proxy-revalidate"}, {"9111 §5.2.2.2", "must-revalidate"},
	{"9111 §5.2.2.4", "no-cache"}}
