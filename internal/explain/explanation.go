package explain

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Statement is one sentence of an Explanation. Section is where the rule is laid down, such as "RFC
// 9111 §4.2.1"; "" if it isn't one of HTTP's.
type Statement struct {
	Section string `json:"section,omitempty"`
	Text    string `json:"text"`
}

func (s Statement) String() string {
	if s.Section == "" {
		return s.Text
	}
	return s.Text + " [" + s.Section + "]"
}

// Statements are sentences, in order.
type Statements []Statement

func (s *Statements) say(section, format string, args ...any) {
	*s = append(*s, Statement{section, fmt.Sprintf(format, args...)})
}

// when says that if it is so.
func (s *Statements) when(so bool, section, format string, args ...any) {
	if so {
		s.say(section, format, args...)
	}
}

// Explanation says what a Proxy has stored of a resource, why it has or hasn't, and what it will do
// at the next request. It is for those who operate the Proxy, not for clients: it shows what other
// clients' requests have brought.
type Explanation struct {
	Method string    `json:"method"`
	URL    string    `json:"url"`
	Fields []string  `json:"fields,omitempty"` // of the request, as "Name: value"
	Time   time.Time `json:"time"`

	Now  Statements `json:"now"`  // how things stand for this request, and why
	Next Next       `json:"next"` // what the next such request will bring about

	Key   string     `json:"key,omitempty"` // of the resource; "" if the URL isn't cached
	About Statements `json:"aboutKey,omitempty"`
	Node  string     `json:"node,omitempty"`  // this one; "" if there is no other
	Owner string     `json:"owner,omitempty"` // the node that owns the resource

	Stored  []StoredResponse `json:"stored"`            // what this node knows of the resource
	AtOwner *StoredResponse  `json:"atOwner,omitempty"` // what the owner has for this request
	Origin  *StoredResponse  `json:"origin,omitempty"`  // what the origin answers, if it was asked
	Hints   Statements       `json:"hints,omitempty"`   // what the reader may want to do
}

// Next is what a request will bring about.
type Next struct {
	// Action is "hit", "stale" (answered from memory although it isn't fresh), "validate", "fetch",
	// "pass" (sent to the origin past the cache) or "refuse" (answered without the origin and
	// without what is stored).
	Action string `json:"action"`

	Status     int        `json:"status,omitempty"` // of the answer, if it is known beforehand
	Statements Statements `json:"statements"`
}

// StoredResponse is a response that the cache knows of.
type StoredResponse struct {
	Selected bool `json:"selected"` // it is the one that the request selects

	// Bypass: it isn't stored, but it is known that it can't be, and until PassUntil requests go
	// straight to the origin.
	Bypass    bool       `json:"bypass,omitempty"`
	PassUntil *time.Time `json:"passUntil,omitempty"`

	HeadOnly bool     `json:"headOnly,omitempty"` // it answers HEADs only
	Status   int      `json:"status"`
	Length   int64    `json:"length"` // of the content, -1 while it isn't known
	Version  string   `json:"version,omitempty"`
	Fields   []string `json:"fields"`           // that have to do with caching, as "Name: value"
	Vary     []string `json:"vary,omitempty"`   // what the requests say that select it, likewise
	Groups   []string `json:"groups,omitempty"` // that it belongs to (RFC 9875)

	// Age, Lifetime and TTL are in seconds; TTL is negative if it is stale. FreshUntil is when its
	// freshness ends.
	Age        int64      `json:"age"`
	Lifetime   int64      `json:"lifetime"`
	TTL        int64      `json:"ttl"`
	FreshUntil *time.Time `json:"freshUntil,omitempty"`

	// CopyUntil: it is a copy of what another node owns, used until then without asking that node.
	CopyUntil *time.Time `json:"copyUntil,omitempty"`

	Statements Statements `json:"statements"`

	main int // how many of the Statements Now says, too
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
		fmt.Fprintln(&b, f)
	}
	node := "this node is " + e.Node
	if e.Owner == e.Node {
		node = "which is this node"
	}
	key, owner := Statements{{"", e.Key}}, Statements{{"", e.Owner + ", " + node}}
	paragraph(&b, "Now", e.Now, true)
	paragraph(&b, "Next", e.Next.Statements, true)
	paragraph(&b, "Key", append(key, e.About...), e.Key != "")
	paragraph(&b, "Owner", owner, e.Owner != "")
	for i := range e.Stored {
		e.Stored[i].write(&b, "In memory")
	}
	e.AtOwner.write(&b, "At its owner")
	e.Origin.write(&b, "From the origin, asked just now")
	paragraph(&b, "Hint", e.Hints, len(e.Hints) > 0)
	return b.String()
}

// paragraph writes statements beside a label, if that is so.
func paragraph(b *strings.Builder, label string, statements Statements, so bool) {
	if !so {
		return
	}
	b.WriteByte('\n')
	for _, s := range statements {
		fmt.Fprintf(b, "%-7s%s\n", label, s)
		label = ""
	}
}

// write writes what there is to say of r, which may be nil, but for what Now says already.
func (r *StoredResponse) write(b *strings.Builder, where string) {
	if r == nil {
		return
	}
	parts := []struct {
		text string
		is   bool
	}{
		{fmt.Sprintf("\n%s: status %d", where, r.Status), true},
		{fmt.Sprintf(", %d bytes", r.Length), r.Length >= 0},
		{", whose length isn't known yet", r.Length < 0 && !r.HeadOnly && !r.Bypass},
		{", which can't be stored", r.Bypass},
		{", for HEAD only", r.HeadOnly},
		{", version " + r.Version, r.Version != ""},
		{", for requests with " + strings.Join(r.Vary, " and "), len(r.Vary) > 0},
		{"  <- what this request selects", r.Selected},
	}
	for _, part := range parts {
		if part.is {
			b.WriteString(part.text)
		}
	}
	for _, f := range r.Fields {
		fmt.Fprintf(b, "\n    | %s", f)
	}
	for _, s := range r.Statements[r.main:] {
		fmt.Fprintf(b, "\n  - %s", s)
	}
	b.WriteByte('\n')
}
