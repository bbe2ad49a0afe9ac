package warm

import (
	"errors"
	"net/http"
)

// Form is the JSON of a warming that a node is asked for.
type Form struct {
	Files []string `json:"files"` // URLs, as clients ask for them
	// of the requests, beside DefaultHeader's
	Header      map[string]string `json:"header,omitempty"`
	Concurrency int               `json:"concurrency,omitempty"`
	Rate        float64           `json:"rate,omitempty"`
}

// DefaultHeader is what a request has that isn't told otherwise: the variants that browsers get.
func DefaultHeader() http.Header {
	return http.Header{
		"User-Agent": {"scurry-warm"}, "Accept-Encoding": {"gzip, deflate, br, zstd"},
	}
}

// names are those of outcomes in JSON.
var names = [Outcomes]string{"hit", "stored", "passed", "failed", "skipped"}

// Line is a Fetched as JSON.
type Line struct {
	URL     string `json:"url"`
	Outcome string `json:"outcome"` // hit, stored, passed or failed
	Bytes   int64  `json:"bytes"`
	Error   string `json:"error,omitempty"`
}

// LineOf is f as JSON.
func LineOf(f Fetched) Line {
	l := Line{URL: f.URL, Outcome: names[f.Outcome], Bytes: f.Bytes}
	if f.Err != nil {
		l.Error = f.Err.Error()
	}
	return l
}

// Fetched is what l stands for. What isn't known has failed.
func (l Line) Fetched() Fetched {
	f := Fetched{URL: l.URL, Outcome: Failed, Bytes: l.Bytes}
	for outcome, name := range names {
		if name == l.Outcome {
			f.Outcome = Outcome(outcome)
		}
	}
	if l.Error != "" {
		f.Err = errors.New(l.Error)
	}
	return f
}

// Report is a Summary as JSON.
type Report struct {
	Success  bool    `json:"success"` // all URLs have been fetched
	URLs     int64   `json:"urls"`
	Hits     int64   `json:"hits"`
	Stored   int64   `json:"stored"`
	Passed   int64   `json:"passed"`
	Failed   int64   `json:"failed"`
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"`
	Failures []Line  `json:"failures,omitempty"` // the first ones
	Error    string  `json:"error,omitempty"`    // why not all URLs have been tried
}

// ReportOf is s as JSON, and err, which has ended the Run early, if it isn't nil.
func ReportOf(s Summary, failures []Line, err error) Report {
	r := Report{
		Success: err == nil && s.Count[Failed] == 0, URLs: s.Total(), Hits: s.Count[Hit],
		Stored: s.Count[Stored], Passed: s.Count[Passed], Failed: s.Count[Failed],
		Bytes: s.Bytes, Seconds: s.Took.Seconds(), Failures: failures,
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}
