package warm

import (
	"net/http"
	"time"
)

// Config says how URLs are fetched. All fields but Header, Rate, Via, Journal and Tell must be
// set.
type Config struct {
	Client      *http.Client // which follows no redirections: each is a response of its own
	Header      http.Header  // of the requests
	Concurrency int          // how many URLs are fetched at once
	Rate        float64      // how many requests are sent in a second at the most; 0 for any number
	Node        string       // HOST:PORT that is asked for a URL without a host
	Via         string       // HOST:PORT that is asked for all URLs, if it isn't ""
	Journal     *Journal
	Tell        func(Fetched) // is called for each URL, one at a time
}

// Outcome is what came of a URL.
type Outcome int

// What can come of a URL.
const (
	Hit     Outcome = iota // the cache had it
	Stored                 // it was fetched, and is stored
	Passed                 // it was fetched, and can't be stored
	Failed                 // it couldn't be fetched, or the answer is an error
	Skipped                // an earlier run has fetched it
	Outcomes
)

// Fetched is a URL of which something has come.
type Fetched struct {
	URL     string
	Outcome Outcome
	Bytes   int64
	Err     error // why it has failed
}

// Summary is what came of all URLs.
type Summary struct {
	Count [Outcomes]int64
	Bytes int64
	Took  time.Duration
}

// Total is how many URLs there were.
func (s *Summary) Total() (n int64) {
	for _, count := range s.Count {
		n += count
	}
	return n
}

// Add takes in what came of a URL.
func (s *Summary) Add(f Fetched) {
	s.Count[f.Outcome]++
	s.Bytes += f.Bytes
}
