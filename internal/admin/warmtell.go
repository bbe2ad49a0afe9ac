package admin

import (
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/warm"
)

// telling is how a client is told of a warming: URL by URL, or at the end only.
type telling struct {
	w        http.ResponseWriter
	r        *http.Request
	format   string // of lines or of events, with a name and JSON; "" if it is told at the end
	failures []warm.Line
}

// formats are those in which each URL is told, by their media types.
var formats = map[string]string{
	"application/x-ndjson": "%[2]s\n",
	"text/event-stream":    eventFormat,
}

// newTelling begins the response, if r wants to be told of each URL.
func newTelling(w http.ResponseWriter, r *http.Request) *telling {
	t := &telling{w: w, r: r}
	for member := range strings.SplitSeq(strings.Join(r.Header["Accept"], ","), ",") {
		media, _, _ := mime.ParseMediaType(member)
		if t.format = formats[media]; t.format != "" {
			w.Header().Set("Content-Type", media)
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush() // a failure shows at the first line
			break
		}
	}
	return t
}

// fetched tells what has come of a URL.
func (t *telling) fetched(f warm.Fetched) error {
	line := warm.LineOf(f)
	if f.Outcome == warm.Failed && len(t.failures) < mostFailures {
		t.failures = append(t.failures, line)
	}
	if t.format == "" {
		return nil
	}
	return t.send("url", line)
}

// report tells what has come of all. If that fails, nobody is there to be told.
func (t *telling) report(report warm.Report) {
	if t.format != "" {
		_ = t.send("report", report)
		return
	}
	_ = http.NewResponseController(t.w).SetWriteDeadline(time.Now().Add(eventTime))
	status := http.StatusOK
	switch {
	case report.Error == errDraining.Error():
		status = http.StatusServiceUnavailable
	case !report.Success:
		status = http.StatusMultiStatus
	}
	writeJSON(t.w, status, "application/json", report)
}

// send sends one line or event.
func (t *telling) send(name string, value any) error { return push(t.w, t.format, name, value) }
