package proxy

// Owner is the name of the node that owns what key names.
func (p *Proxy) Owner(key string) string { return p.store.Owner(key) }

// Remove removes what keys name on all nodes.
func (p *Proxy) Remove(keys ...string) { p.store.Remove(keys) }
