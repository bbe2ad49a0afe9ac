package groups

// Config says how a Group works.
type Config struct {
	// Budget is how many bytes of keys and values the group holds; 0 makes one that holds nothing,
	// yet routes and collapses.
	Budget int64
	// Prefix is what every key begins with: that of another Group that has the same keys and isn't
	// released before this one. If it is "", the group gets one of its own.
	Prefix string
	// Remote reports whether another node owns a key (without the group's prefix); nil if this node
	// owns all.
	Remote func(key string) bool
}
