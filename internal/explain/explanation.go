package explain

import (
	"fmt"
	"strings"
)

// Explanation says what a Proxy has stored for a request, why it has or hasn't, and what it will do
// when the request comes. It is for those who operate the Proxy, not for clients: it shows what
// other clients' requests have brought.
type Explanation struct {
	// Action is what the next such request will bring about: "hit", "stale" (answered from memory
	// although it isn't fresh), "validate", "fetch", "pass" (sent to the origin past the cache) or
	// "refuse" (answered without the origin and without what is stored). Status is that of the
	// answer, if it is known beforehand.
	Action string `json:"action"`
	Status int    `json:"status,omitempty"`

	// Lifetime and TTL, in seconds, are those of the stored response that the request selects, if
	// there is one. TTL is negative if it is stale.
	Lifetime int64 `json:"lifetime,omitempty"`
	TTL      int64 `json:"ttl,omitempty"`

	Lines []Line `json:"lines"`
}

// Line is one thing that an Explanation says. These names are told first, in this order; those of
// the lines between them, in small letters, are about the response above:
//
//	Request        what is explained: the method, the URL and the fields
//	Now, Next      how things stand, and what the next such request will bring about
//	Selected       a response that this node knows of, which the request selects
//	Stored         another one
//	At its owner   what the node that owns the resource has for the request
//	Origin         what the origin answers, if it was asked
//	Key, Owner     of the resource
type Line struct {
	Name    string `json:"name"`
	Text    string `json:"text"`
	Section string `json:"section,omitempty"` // where the rule is laid down, as "RFC 9111 §4.2.1"
}

func (e *Explanation) say(name, section, format string, args ...any) {
	if section != "" {
		section = "RFC " + section
	}
	e.Lines = append(e.Lines, Line{name, fmt.Sprintf(format, args...), section})
}

// when says that if it is so.
func (e *Explanation) when(so bool, name, section, format string, args ...any) {
	if so {
		e.say(name, section, format, args...)
	}
}

// String is e as text, a line for each of Lines. Names that repeat are left out.
func (e *Explanation) String() string {
	var b strings.Builder
	last := ""
	for _, l := range e.Lines {
		name, text := l.Name, l.Text
		if name == last {
			name = ""
		}
		if l.Section != "" {
			text += " [" + l.Section + "]"
		}
		fmt.Fprintf(&b, "%-13s%s\n", name, text)
		last = l.Name
	}
	return b.String()
}
