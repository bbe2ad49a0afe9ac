package invalidation

// Sought is the key or the group by which all that s matches is found in an index. Both are "" if
// there is none: s matches all, or a prefix.
func (s Scope) Sought() (canonical, member string) {
	switch s.field {
	case key:
		return s.name, ""
	case group:
		return "", s.name
	}
	return "", ""
}
