package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// events answers /events: the stats once a second, as server-sent events of that name, the first at
// once. They end with the client, or when the node begins to drain, after one that says so.
type events struct {
	stats    func() Stats
	draining <-chan struct{}
}

const (
	eventEvery = time.Second
	// eventTime is how long a client may take to take an event.
	eventTime = 5 * time.Second
)

func (e events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-e.draining:
		Refuse(w, r, http.StatusServiceUnavailable, "the node is draining")
		return
	default:
	}
	// the end of the connection ends the events
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(eventEvery)
	defer tick.Stop()
	for more := true; push(w, eventFormat, "stats", e.stats()) == nil && more; {
		select {
		case <-tick.C:
		case <-e.draining:
			more = false
			_ = push(w, eventFormat, "stats", e.stats())
		case <-r.Context().Done():
			more = false
		}
	}
}

// eventFormat is the form of a server-sent event, of its name and its JSON.
const eventFormat = "event: %s\ndata: %s\n\n"

// push sends value as JSON, in that form, at once.
func push(w http.ResponseWriter, format, name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(eventTime)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, format, name, data); err != nil {
		return err
	}
	return control.Flush()
}
