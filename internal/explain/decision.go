package explain

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/httpcache"
	"github.com/scurrycache/scurry/internal/store"
)

// words are what there is to say of each reason of a decision: the section where the rule is laid
// down, and a sentence, whose places filled fills in.
var words = [...]struct{ section, text string }{
	decide.WhyLooped: {"RFC 8586 §2",
		"The request says in CDN-Loop that it has been through this cluster before, so it is " +
			"answered with 508: it would run in a circle."},
	decide.WhyMethod: {"", "It is answered by this cache itself."},
	decide.WhyMaxForwards: {"RFC 9110 §7.6.2",
		"The request says Max-Forwards: 0, so it is answered by this cache itself."},
	decide.WhyOnlyIfCached: {"RFC 9111 §5.2.1.7",
		"The request wants an answer only if it needs nothing from the origin (only-if-cached), " +
			"and there is none: it gets a 504."},

	decide.WhyUnread: {"RFC 9111 §4",
		"The next {method} is sent to the origin, past the cache."},
	decide.WhyUpgrade: {"RFC 9110 §7.8",
		"The request wants to change to another protocol, so it is sent to the origin, past the " +
			"cache."},
	decide.WhyNoStore: {"RFC 9111 §5.2.1.5",
		"The next request is sent to the origin, past the cache, since it says no-store: its " +
			"answer is for this client alone."},
	decide.WhyNotStorable: {"",
		"The next request is sent straight to the origin, as {known}its answer isn't one that can " +
			"be stored; no other request gets that answer."},

	decide.WhyMiss: {"RFC 9111 §4",
		"The next request is fetched{by} from the origin. All who ask for the same meanwhile get " +
			"the same answer, if it may be stored."},
	decide.WhyPrivate: {"RFC 9111 §3.5",
		"The next request is fetched{by} from the origin, by itself: who else may have the " +
			"answer, only the answer tells."},
	decide.WhyPart: {"RFC 9110 §14.2",
		"The content isn't kept as a whole, so the next request is sent{by} to the origin with " +
			"its Range. The part that comes is kept, if it may be stored."},

	decide.WhyFresh: {"RFC 9111 §4",
		"The next request is answered {from}. The origin isn't asked."},
	decide.WhyMeanwhile: {"RFC 5861 §3",
		"The next request is answered at once, {from}, though the response is stale; the origin " +
			"is asked for a newer one in the background."},
	decide.WhyMaxStale: {"RFC 9111 §5.2.1.2",
		"The next request is answered {from}, though the response is stale, since it says " +
			"max-stale."},
	decide.WhyResting: {"RFC 9111 §4.2.4",
		"The next request is answered {from}, though the response is stale: the origin has just " +
			"failed, and isn't asked again before {retry}."},
}

// next puts the decision about the request into words.
func (x *inquiry) next() Next {
	d := &x.decision
	w := words[d.Why]
	n := Next{Action: x.actionName(), Status: d.Code}
	switch d.Action {
	case decide.Serve:
		n.Statements = []Statement{{x.filled(w.text), w.section}}
		x.represented(&n)
	case decide.Fetch:
		n.Statements = x.fetching()
	case decide.Revalidate:
		n.Statements = []Statement{x.validating()}
	default:
		n.Statements = []Statement{{x.filled(w.text), w.section}}
	}
	return n
}

// actionName is what Next calls the decision's action.
func (x *inquiry) actionName() string {
	switch x.decision.Action {
	case decide.Refuse:
		return "refuse"
	case decide.Forward:
		return "pass"
	case decide.Fetch:
		return "fetch"
	case decide.Revalidate:
		return "validate"
	}
	if x.decision.Why == decide.WhyFresh {
		return "hit"
	}
	return "stale"
}

// filled is a sentence with its places filled in.
func (x *inquiry) filled(text string) string {
	from, by, retry, known := "from memory", "", "", ""
	if x.decision.Peer != "" {
		from = "by way of " + x.explanation.Owner + ", which owns it and has it in memory"
	}
	if x.away {
		by = ", by its owner, " + x.explanation.Owner + ","
	}
	if x.atOwner != nil {
		known = "its owner, " + x.explanation.Owner + ", knows that "
	}
	if x.decision.Why == decide.WhyResting {
		retry = stamp(x.decision.Record.RetryAfter.Time())
	}
	return strings.NewReplacer("{from}", from, "{by}", by, "{method}", x.q.Method, "{retry}", retry,
		"{known}", known).Replace(text)
}

// fetching says how the response is fetched.
func (x *inquiry) fetching() []Statement {
	why := x.decision.Why
	if words[why].text == "" { // what there is can't be validated
		why = decide.WhyMiss
	}
	if why == decide.WhyMiss && x.q.Head() {
		return []Statement{{x.filled("The next HEAD is sent{by} to the origin as a HEAD, for the " +
			"content isn't wanted. Its answer is stored for later HEADs, if it may be, and all " +
			"who ask so meanwhile get the same. A GET fetches the content, and answers HEADs " +
			"from then on."), "RFC 9110 §9.3.2"}}
	}
	list := []Statement{{x.filled(words[why].text), words[why].section}}
	if tags := x.offered(); why == decide.WhyMiss && tags != "" {
		list = append(list,
			Statement{"The origin is told in If-None-Match of what is stored for other requests: " +
				shown(tags) + ". If it says 304, the one that it names is sent and stored for " +
				"such requests, too.", "RFC 9111 §4.1"})
	}
	return list
}

// validating says how the record is validated.
func (x *inquiry) validating() Statement {
	conditions, by := http.Header{}, "{by}"
	httpcache.AddConditions(conditions, x.decision.Record.Fields())
	var with []string
	for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
		if v := conditions.Get(name); v != "" {
			with = append(with, name+": "+shown(v))
		}
	}
	if x.decision.Record.HeadOnly {
		by += " by a HEAD"
	}
	return Statement{x.filled("At the next request the origin is asked"+by+" whether the stored "+
		"response is still good, with ") +
		strings.Join(with, " and ") +
		". If it says 304, the stored one is fresh again and is sent; any other answer takes its " +
		"place.", "RFC 9111 §4.3"}
}

// offered is the If-None-Match that tells the origin of what is stored for other requests, if this
// node is to ask it.
func (x *inquiry) offered() string {
	if x.decision.Record != nil || x.away {
		return ""
	}
	variants := slices.DeleteFunc(x.c.Store.List(x.found.Key), func(rec *store.Record) bool {
		return rec.Pass || rec.HeadOnly
	})
	header := http.Header{}
	x.c.Origin.Offer(header, &store.Request{Variants: variants}, x.q.Resource)
	return header.Get("If-None-Match")
}

// represented says what the client gets of the record that answers.
func (x *inquiry) represented(n *Next) {
	rec := x.decision.Record
	if u := x.c.Store.Usage().Chunks; u.Evictions > 0 {
		n.Statements = append(n.Statements,
			Statement{Text: "Contents have been evicted here for want of memory: if some of this " +
				"one has been, the origin is asked for that part."})
	}
	if rec.Fragments {
		n.Statements = append(n.Statements,
			Statement{"Its content has come in parts: if one that is wanted isn't held, the " +
				"origin is asked for it, and for all of the content if that is another by now.", "RFC 9111 §3.4"})
	}
	rep := decide.Represent(&x.q, rec, rec.Fields())
	n.Status = rep.Status
	add := func(section, format string, args ...any) {
		n.Statements = append(n.Statements, Statement{fmt.Sprintf(format, args...), section})
	}
	switch {
	case rep.Ignored:
		add("RFC 9110 §14.2",
			"Its Range is ignored, as it is malformed, or no less than the whole.")
	case rep.Status == rec.Status && rep.Parts == nil:
	case rep.Status == http.StatusNotModified:
		add("RFC 9110 §13.2.2",
			"The client gets a 304, without the content: by its own If-None-Match or "+
				"If-Modified-Since it has this very response.")
	case rep.Status == http.StatusPreconditionFailed:
		add("RFC 9110 §13.2.2",
			"The client gets a 412: its If-Match or If-Unmodified-Since doesn't agree with this "+
				"response.")
	case rep.Status == http.StatusPartialContent:
		add("RFC 9110 §15.3.7", "The client gets a 206 with the part that its Range names.")
	case rep.Status == http.StatusRequestedRangeNotSatisfiable:
		add("RFC 9110 §15.5.17",
			"The client gets a 416: its Range lies outside of the %d bytes that there are, or has "+
				"too many parts.", rec.Length)
	}
}
