package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Files are those that stand out, as this node sees it.
type Files struct {
	SampledOneIn int         `json:"sampled_one_in"` // which part of the requests Hottest counts
	Hottest      []HotFile   `json:"hottest"`
	Largest      []LargeFile `json:"largest"`
}

// HotFile is one that is asked for often: a mean over the last minute, about.
type HotFile struct {
	URL               string  `json:"url"`
	RequestsPerSecond float64 `json:"requests_per_second"`
	BytesPerSecond    float64 `json:"bytes_per_second"`
}

// LargeFile is a stored response.
type LargeFile struct {
	URL          string `json:"url"`
	ContentBytes int64  `json:"content_bytes"`
	Status       int    `json:"status"`
	ContentType  string `json:"content_type,omitempty"`
}

// Errors are what has gone wrong lately, the latest first.
type Errors struct {
	Origin []OriginError `json:"origin"`
}

// OriginError is a request to the origin that brought no response, or only a part of one.
type OriginError struct {
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	URL    string    `json:"url"`
	Text   string    `json:"text"`
}

// usualFiles are how many /files tells of each kind, and maxFiles how many it may be asked for.
const usualFiles, maxFiles = 10, 100

// files answers /files, for the n that the query has.
func files(f func(n int) Files) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := usualFiles
		if text := r.URL.Query().Get("n"); text != "" {
			var err error
			if n, err = strconv.Atoi(text); err != nil || n < 1 || n > maxFiles {
				Refuse(w, r, http.StatusBadRequest, fmt.Sprintf("n=%.20q: expected a number from "+
					"1 to %d", text, maxFiles))
				return
			}
		}
		writeJSON(w, http.StatusOK, "application/json", f(n))
	})
}
