package codec

import (
	"net/http"
	"strings"

	"github.com/scurrycache/scurry/internal/fields"
)

// Header codes header fields, in no order. No fields are read as nil.
func (c *Coder) Header(h *http.Header) {
	if c.Reads {
		*h = c.fields()
		return
	}
	n := 0
	for _, values := range *h {
		n += len(values)
	}
	c.length(n)
	for name, values := range *h {
		for i := range values {
			c.Text(&name)
			c.Text(&values[i])
		}
	}
}

// Packed codes header fields as Header does. It writes p, which takes less than to unpack it first,
// or returns what it has read.
func (c *Coder) Packed(p fields.Packed) http.Header {
	if c.Reads {
		return c.fields()
	}
	c.length(p.Len())
	for name, value := range p.All() {
		c.Text(&name)
		c.Text(&value)
	}
	return nil
}

// fields reads header fields. They are to be as net/http would have taken them from a client or an
// origin: else what one side takes for a field could be another message to the next.
func (c *Coder) fields() (h http.Header) {
	for n := c.length(0); n > 0; n-- {
		var name, value string
		c.Text(&name)
		c.Text(&value)
		if c.Bad || !fieldable(name, value) {
			c.Fail()
			return nil
		}
		if h == nil {
			h = http.Header{}
		}
		h[name] = append(h[name], value)
	}
	return h
}

// fieldable reports whether a field of that name may have that value.
func fieldable(name, value string) bool {
	const ends = "\r\n\x00"
	return name != "" && http.CanonicalHeaderKey(name) == name &&
		!strings.ContainsAny(name, " :"+ends) && !strings.ContainsAny(value, ends)
}
