package codec

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/fields"
)

// usualFields is how many fields few messages exceed.
const usualFields = 32

// Header codes header fields, in no order. No fields are read as nil. Fields that are read are
// refused unless net/http would have taken them from a client or an origin: else what one side
// takes for a field could be another message to the next.
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

// Packed codes packed header fields, which are checked as Header's are.
func (c *Coder) Packed(p *fields.Packed) {
	n := c.length(len(*p))
	if !c.Reads {
		c.B = append(c.B, *p...)
		return
	}
	var ok bool
	if *p, ok = fields.Parse(c.B[:n]); !ok {
		c.Fail()
		return
	}
	c.B = c.B[n:]
}

// fields reads header fields.
func (c *Coder) fields() http.Header {
	n := c.length(0)
	if n == 0 {
		return nil
	}
	list := c.texts(2 * n)
	h := make(http.Header, min(n, usualFields)) // the sender says how many there are
	for i := 0; i < len(list); i += 2 {
		name, values := list[i], list[i+1:i+2:i+2]
		if !fields.Valid(name, values[0]) {
			c.Fail()
			return nil
		}
		if h[name] != nil {
			values = append(h[name], values...)
		}
		h[name] = values
	}
	if c.Bad {
		return nil
	}
	return h
}

// texts reads n strings, which have their memory in common.
func (c *Coder) texts(n int) []string {
	end := *c
	for range n {
		end.B = end.B[end.length(0):]
	}
	if end.Bad {
		c.Fail()
		return nil
	}
	list, all := make([]string, n), string(c.B[:len(c.B)-len(end.B)])
	for i := range list {
		size := c.length(0)
		from := len(all) + len(end.B) - len(c.B)
		list[i], c.B = all[from:from+size], c.B[size:]
	}
	return list
}
