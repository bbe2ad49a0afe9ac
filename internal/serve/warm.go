package serve

import (
	"net/http"
	"strconv"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/store"
)

// warmUp has the content of d's record held by its owners, and then says so. The error is
// respond's.
func (t *response) warmUp(d *decide.Decision) error {
	length, err := t.s.Store.Warm(t.r.Context(), t, d.Record, d.Result)
	if err != nil {
		return err
	}
	if d.FromMemory() && t.Noted() {
		d.ContentAsked(store.AskedForThis)
	}
	t.warmed(d, length)
	return nil
}

// passOver answers about what isn't stored. If that is known, nobody is asked for it.
func (t *response) passOver(d *decide.Decision) {
	if d.Record != nil {
		t.warmed(d, 0)
		return
	}
	t.count(d.Outcome)
	t.w.Header().Set("Cache-Status", d.Status.String())
	t.w.WriteHeader(http.StatusOK)
}

// warmed writes the head that d's record has, for a content of that length.
func (t *response) warmed(d *decide.Decision, length int64) {
	t.putFields(d, d.Record.Status)
	t.w.Header()["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	t.w.WriteHeader(d.Record.Status)
}
