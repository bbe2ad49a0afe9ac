package watch

import (
	"maps"
	"slices"
	"time"
)

// Changes are names below the folder that is watched, with slashes.
type Changes struct {
	// Paths are files, links and folders that were made, changed or removed. The list of names in
	// the folder of each may have changed as well.
	Paths []string

	// Trees are folders of which anything may have changed, up to the whole, which is ".".
	Trees []string
}

// pending is Changes that haven't been told.
type pending struct{ paths, trees map[string]bool }

// note has Changed told of a path or a tree.
func (w *Watch) note(name string, tree bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &w.pending
	if p.paths == nil {
		*p = pending{map[string]bool{}, map[string]bool{}}
	}
	into := p.paths
	if tree {
		into = p.trees
	}
	if into[name] = true; len(p.paths)+len(p.trees) > maxPaths {
		*p = pending{map[string]bool{}, map[string]bool{".": true}}
	}
	select {
	case w.due <- struct{}{}:
	default:
	}
}

// take returns what is pending.
func (w *Watch) take() Changes {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pending
	w.pending = pending{}
	return Changes{slices.Sorted(maps.Keys(p.paths)), slices.Sorted(maps.Keys(p.trees))}
}

// tell calls Changed, and lets changes gather before.
func (w *Watch) tell() {
	for {
		select {
		case <-w.due:
		case <-w.closed:
			return
		}
		select {
		case <-time.After(gatherTime):
		case <-w.closed:
			return
		}
		if c := w.take(); len(c.Paths)+len(c.Trees) > 0 {
			w.cfg.Changed(c)
		}
	}
}
