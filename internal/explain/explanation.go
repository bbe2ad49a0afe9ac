package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Statement is one sentence of an Explanation.
type Statement struct {
	Text string `json:"text"`

	// Section is where the rule is laid down, such as "RFC 9111 §4.2.1"; "" if it isn't one of
	// HTTP's.
	Section string `json:"section,omitempty"`
}

func (s Statement) String() string {
	if s.Section == "" {
		return s.Text
	}
	return s.Text + " [" + s.Section + "]"
}

// Explanation says what a Proxy has stored of a resource, why it has or hasn't, and what it will do
// at the next request. It is for those who operate the Proxy, not for clients: it shows what other
// clients' requests have brought.
type Explanation struct {
	Method string    `json:"method"`
	URL    string    `json:"url"`
	Fields []string  `json:"fields,omitempty"` // of the request, as "Name: value"
	Time   time.Time `json:"time"`

	// Now is how things stand for this request, and why; Next what the next such request will bring
	// about.
	Now  []Statement `json:"now"`
	Next Next        `json:"next"`

	// Key is what the resource is stored under; "" if the URL isn't one that is cached.
	Key   string      `json:"key,omitempty"`
	About []Statement `json:"aboutKey,omitempty"`

	// Node and Owner are the names of this node and of the one that owns the resource; "" if there
	// is but one node.
	Node  string `json:"node,omitempty"`
	Owner string `json:"owner,omitempty"`

	// Stored is what this node knows of the resource. AtOwner is what the owner has stored for this
	// request, if that is another node, and Origin what the origin answers, if it has been asked.
	Stored  []StoredResponse `json:"stored"`
	AtOwner *StoredResponse  `json:"atOwner,omitempty"`
	Origin  *StoredResponse  `json:"origin,omitempty"`

	// Hints are what the reader may want to do.
	Hints []Statement `json:"hints,omitempty"`
}

// Next is what a request will bring about.
type Next struct {
	// Action is "hit", "stale" (answered from memory although it isn't fresh), "validate", "fetch",
	// "pass" (sent to the origin past the cache) or "refuse" (answered without the origin and
	// without what is stored).
	Action string `json:"action"`

	// Status is that of the answer, if it is known beforehand.
	Status int `json:"status,omitempty"`

	Statements []Statement `json:"statements"`
}

// StoredResponse is a response that the cache knows of.
type StoredResponse struct {
	// Selected: it is the one that the request selects.
	Selected bool `json:"selected"`

	// Bypass: it isn't stored, but it is known that it can't be, and until PassUntil requests go
	// straight to the origin.
	Bypass    bool       `json:"bypass,omitempty"`
	PassUntil *time.Time `json:"passUntil,omitempty"`

	// HeadOnly: it answers HEADs only, since it came in answer to one.
	HeadOnly bool `json:"headOnly,omitempty"`

	Status  int    `json:"status"`
	Length  int64  `json:"length"` // of the content, -1 while it isn't known
	Version string `json:"version,omitempty"`
	// those of the response that have to do with caching, as "Name: value"
	Fields []string `json:"fields"`
	// what the requests that select it say in the fields of its Vary
	Vary   []string `json:"vary,omitempty"`
	Groups []string `json:"groups,omitempty"` // that it belongs to (RFC 9875)

	// Age, Lifetime and TTL are in seconds; TTL is negative if it is stale. FreshUntil is when its
	// freshness ends.
	Age        int64      `json:"age"`
	Lifetime   int64      `json:"lifetime"`
	TTL        int64      `json:"ttl"`
	FreshUntil *time.Time `json:"freshUntil,omitempty"`

	// CopyUntil: it is a copy of what another node owns, to be used until then without asking that
	// one.
	CopyUntil *time.Time `json:"copyUntil,omitempty"`

	Statements []Statement `json:"statements"`
}

// WriteTo writes e as text.
func (e *Explanation) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, e.String())
	return int64(n), err
}

// String is e as text: how things stand first, then the details.
func (e *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", e.Method, e.URL)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "%s\n", f)
	}
	labelled(&b, "Now", e.Now)
	labelled(&b, "Next", e.Next.Statements)
	if e.Key != "" {
		labelled(&b, "Key", append([]Statement{{Text: e.Key}}, e.About...))
	}
	switch {
	case e.Owner == "":
	case e.Owner == e.Node:
		labelled(&b, "Owner", []Statement{{Text: e.Owner + ", which is this node"}})
	default:
		labelled(&b, "Owner", []Statement{{Text: e.Owner + "; this node is " + e.Node}})
	}
	for i := range e.Stored {
		e.write(&b, "In memory", &e.Stored[i])
	}
	if e.AtOwner != nil {
		e.write(&b, "At its owner", e.AtOwner)
	}
	if e.Origin != nil {
		e.write(&b, "From the origin, asked just now", e.Origin)
	}
	if len(e.Hints) > 0 {
		labelled(&b, "Hint", e.Hints)
	}
	return b.String()
}

// labelled writes a paragraph of statements beside a label.
func labelled(b *strings.Builder, label string, statements []Statement) {
	b.WriteByte('\n')
	for _, s := range statements {
		fmt.Fprintf(b, "%-7s%s\n", label, s)
		label = ""
	}
}

// write writes what there is to say of r but for what has been said already.
func (e *Explanation) write(b *strings.Builder, where string, r *StoredResponse) {
	what := "status " + fmt.Sprint(r.Status)
	switch {
	case r.Bypass:
		what = fmt.Sprintf("a note that this response, %s, can't be stored", what)
	case r.Length >= 0:
		what += fmt.Sprintf(", %d bytes", r.Length)
	}
	if r.HeadOnly {
		what += ", for HEAD only"
	}
	if r.Version != "" {
		what += ", version " + r.Version
	}
	if len(r.Vary) > 0 {
		what += ", for requests with " + strings.Join(r.Vary, " and ")
	}
	if r.Selected {
		what += "  <- what this request selects"
	}
	fmt.Fprintf(b, "\n%s: %s\n", where, what)
	for _, f := range r.Fields {
		fmt.Fprintf(b, "    | %s\n", f)
	}
	if r.CopyUntil != nil {
		fmt.Fprintf(b, "  - It is a copy of what %s owns, used until %s without asking there.\n",
			e.Owner, stamp(*r.CopyUntil))
	}
	if len(r.Groups) > 0 {
		fmt.Fprintf(b, "  - %s\n", Statement{"It belongs to the groups " +
			strings.Join(r.Groups, ", ") + ", which may be invalidated together.", "RFC 9875 §2"})
	}
	for _, s := range r.Statements {
		said := strings.TrimPrefix(s.Text, "It isn't stored: ")
		if !slices.ContainsFunc(e.Now, func(now Statement) bool {
			return strings.HasSuffix(now.Text, said)
		}) {
			fmt.Fprintf(b, "  - %s\n", s)
		}
	}
}

// stamp is t as a text that no reader's time zone changes.
func stamp(t time.Time) string {
	return t.UTC().Round(time.Second).Format("2006-01-02 15:04:05 UTC")
}
