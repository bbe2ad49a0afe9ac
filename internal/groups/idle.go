package groups

import "sync"

// kind says which tenants can have a pooled group. A tenant without peers can't have one that had
// peers: fillers are left in its hot cache, and only values from peers push them out.
type kind struct {
	budget int64
	peers  bool
}

// idle are the pooled groups that have no tenant. They are package variables because groupcache's
// table of groups is one.
var (
	idleMu sync.Mutex
	idle   = map[kind][]*pooledGroup{} // guarded by idleMu
)

// take returns an idle group, or a new one.
func take(k kind) *pooledGroup {
	idleMu.Lock()
	defer idleMu.Unlock()
	last := len(idle[k]) - 1
	if last < 0 {
		return newPooledGroup(k)
	}
	p := idle[k][last]
	idle[k] = idle[k][:last]
	return p
}

func giveBack(p *pooledGroup) {
	idleMu.Lock()
	defer idleMu.Unlock()
	idle[p.kind] = append(idle[p.kind], p)
}
