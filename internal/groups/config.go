package groups

// Config says how a Group works.
type Config struct {
	// Budget is how many bytes of keys and values the group holds; 0 makes one that holds nothing,
	// yet routes and collapses.
	Budget int64
	// Remote reports whether another node owns a key (without the group's prefix); nil if this node
	// owns all.
	Remote func(key string) bool
}
