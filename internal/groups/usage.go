package groups

// Usage is what a group holds, and how often it was looked up. Hot counts what is held of other
// nodes' keys.
type Usage struct {
	Items, Bytes, Gets, Evictions int64
	HotItems, HotBytes, HotHits   int64
	HotEvictions                  int64
}

// puts is how many values have ever been put.
func (u Usage) puts() int64 { return u.Items + u.Evictions + u.HotItems + u.HotEvictions }

// since leaves out what was counted before a tenant came, and the fillers that it began with, which
// take so many bytes each: nobody looks for them, so they are the first to be evicted.
func (u Usage) since(before Usage, each int64) Usage {
	u.Gets -= before.Gets
	u.HotHits -= before.HotHits
	u.Evictions -= before.Evictions
	left := before.Items - min(u.Evictions, before.Items)
	u.Evictions -= before.Items - left
	u.Items -= left
	u.Bytes -= left * each
	u.HotEvictions -= before.HotEvictions
	left = before.HotItems - min(u.HotEvictions, before.HotItems)
	u.HotEvictions -= before.HotItems - left
	u.HotItems -= left
	u.HotBytes -= left * each
	return u
}
