package peer

import "time"

// maxHeard bounds for how many instances of peers it is remembered when they were last heard of.
const maxHeard = 1000

// contact is when peers were last heard of, to which there is no connection. It must be guarded.
type contact struct {
	connections int                  // to peers and from them
	any         time.Time            // some peer, while there are none
	each        map[string]time.Time // by instance
}

// apart reports whether the node of that instance, or any at all, was last heard of longer than a
// lease ago. From now on there is contact with it.
func (c *contact) apart(instance string, lease time.Duration) bool {
	heard, known := c.each[instance]
	apart := (known && time.Since(heard) > lease) ||
		(c.connections == 0 && time.Since(c.any) > lease)
	delete(c.each, instance)
	c.any = time.Now()
	return apart
}

// ended notes that a connection to or from the node of that instance has ended, which was last
// heard of at t.
func (c *contact) ended(instance string, t time.Time) {
	c.connections--
	if len(c.each) >= maxHeard {
		for other := range c.each { // any one
			delete(c.each, other)
			break
		}
	}
	if t.After(c.each[instance]) {
		c.each[instance] = t
	}
	if t.After(c.any) {
		c.any = t
	}
}
