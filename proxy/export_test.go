package proxy

// Owner is the name of the node that owns what key names.
func (p *Proxy) Owner(key string) string { return p.store.Owner(key) }
