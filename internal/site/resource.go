package site

// keyOf is the function keyOf with what the site's policy leaves of the query.
func (s *Site) keyOf(escaped, query string, hasQuery bool) (string, error) {
	if hasQuery && !s.Query.leaves() {
		query = s.Query.reduce(query)
		hasQuery = query != ""
	}
	return keyOf(escaped, query, hasQuery)
}
