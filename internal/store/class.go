package store

// class decides which entries of the table make room for which. When the records exceed their share
// of the memory, an entry of a class goes that has more than its part. Files may exceed that share,
// up to half of the memory: then a file goes. So responses that can be asked for without end (names
// that don't exist, the query strings of one script, files of a few bytes) evict only their own
// kind, and may still take all of the share that nothing else needs. The memory that chunks need is
// taken back from all classes (pool.go).
type class uint8

const (
	files   class = iota // what belongs to none of those below
	small                // a content so small that it is held in the record
	queries              // another query string of a path of which many are stored
	heads                // the answer to a HEAD, which has no content
	// no representation: a redirection, an error, or a response that isn't stored
	errs
	newcomers // files, and query strings, whose chunks are on probation, or near copies
	classes
)

// parts are the shares of the memory of records without chunks below which a class makes no room
// for others, as divisors: files for chunks only.
var parts = [classes]int64{files: 4, small: 2, queries: 8, heads: 8, errs: 8, newcomers: 16}

// class is r's, by what r says.
func (r *Record) class() class {
	switch {
	case r.Pass || r.Status >= 300:
		return errs
	case r.HeadOnly:
		return heads
	case r.Length >= 0 && r.Length <= maxSmall:
		return small
	}
	return files
}

// class is that of the best of the records.
func (e stored) class() class {
	c := errs
	for _, rec := range e.variants {
		c = min(c, rec.class())
	}
	if e.query && c < queries {
		c = queries
	}
	if e.onTrial && (c == files || c == queries) {
		return newcomers
	}
	return c
}
