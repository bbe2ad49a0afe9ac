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
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the end of the connection ends the events
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(eventEvery)
	defer tick.Stop()
	for more := true; e.send(w, control) == nil && more; {
		select {
		case <-tick.C:
		case <-e.draining:
			more = false
			_ = e.send(w, control)
		case <-r.Context().Done():
			more = false
		}
	}
}

// send sends one event.
func (e events) send(w http.ResponseWriter, control *http.ResponseController) error {
	data, err := json.Marshal(e.stats())
	if err != nil {
		return err
	}
	if err := control.SetWriteDeadline(time.Now().Add(eventTime)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: stats\ndata: %s\n\n", data); err != nil {
		return err
	}
	return control.Flush()
}
