package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/scurrycache/scurry/internal/warm"
)

// Warm answers POST /warm: the node fetches URLs, one warming at a time. The answer is a
// warm.Report once all is done: 200 if all URLs were fetched, else 207. With Accept:
// application/x-ndjson it is a line of JSON for each URL as soon as that is done, and then the
// report; with Accept: text/event-stream the same as events named url and report. The warming ends
// with its client, and when the node begins to drain.
type Warm struct {
	client   *http.Client
	draining <-chan struct{}
	runs     atomic.Bool
}

// NewWarm makes a Warm that fetches by transport, until draining is closed.
func NewWarm(transport http.RoundTripper, draining <-chan struct{}) *Warm {
	return &Warm{draining: draining, client: &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

const (
	maxForm        = 16 << 20 // bytes of JSON
	maxConcurrency = 64
	concurrency    = 8   // if it isn't said
	mostFailures   = 100 // of a report
	warmExample    = `{"files":["/files/a.txt"]}`
)

var errDraining = errors.New("the node is draining")

func (h *Warm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form, status, err := parseWarm(w, r)
	select {
	case <-h.draining:
		status, err = http.StatusServiceUnavailable, errDraining
	default:
	}
	if err == nil && !h.runs.CompareAndSwap(false, true) {
		status, err = http.StatusConflict, errors.New("another warming is under way, and one "+
			"runs at a time: ask again when it has ended, or end its client")
	}
	if err != nil {
		Refuse(w, r, status, err.Error())
		return
	}
	over := sync.OnceFunc(func() { h.runs.Store(false) })
	defer over()
	// the end of the connection ends the warming
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	go func() {
		select {
		case <-h.draining:
			cancel(errDraining)
		case <-ctx.Done():
		}
	}()
	t := newTelling(w, r)
	report := h.run(ctx, cancel, form, t)
	over() // before the client, who may ask again at once, knows that
	t.report(report)
}

// run warms what form says, and has t tell of each URL. What can't be told ends it.
func (h *Warm) run(ctx context.Context, cancel context.CancelCauseFunc, form *warm.Form,
	t *telling) warm.Report {
	cfg := warm.Config{
		Client: h.client, Header: warm.DefaultHeader(), Concurrency: form.Concurrency,
		Rate: form.Rate, Node: "localhost",
	}
	for name, value := range form.Header {
		cfg.Header.Set(name, value)
	}
	cfg.Tell = func(f warm.Fetched) {
		if err := t.fetched(f); err != nil {
			cancel(err)
		}
	}
	sum, err := warm.Run(ctx, cfg, form.Files)
	return warm.ReportOf(sum, t.failures, err)
}

// parseWarm reads the JSON of a warming. An error says what is wrong with it, by that status.
func parseWarm(w http.ResponseWriter, r *http.Request) (f *warm.Form, status int, err error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, http.StatusUnsupportedMediaType, errors.New("a warming is JSON, such as " +
			warmExample + ", with Content-Type: application/json")
	}
	f = &warm.Form{}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm))
	d.DisallowUnknownFields()
	if err = d.Decode(f); err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("something follows the JSON of the warming")
		}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the list has more than %d "+
			"bytes: send it in parts, one after the other", maxForm)
	}
	if err == nil {
		err = checkWarm(f)
	} else {
		err = fmt.Errorf("the body isn't the JSON of a warming, such as %s: %s", warmExample,
			strings.TrimPrefix(err.Error(), "json: "))
	}
	return f, http.StatusBadRequest, err
}

// checkWarm says what is wrong with f, and completes it.
func checkWarm(f *warm.Form) error {
	if f.Concurrency == 0 {
		f.Concurrency = concurrency
	}
	switch {
	case len(f.Files) == 0:
		return errors.New("no URL is named: name them as clients ask for them, as in " +
			warmExample)
	case f.Concurrency < 0 || f.Concurrency > maxConcurrency:
		return fmt.Errorf("concurrency %d: expected 1 to %d", f.Concurrency, maxConcurrency)
	case f.Rate < 0 || math.IsInf(f.Rate, 0):
		return errors.New("rate: expected a number of requests in a second, 0 for any number")
	}
	for name, value := range f.Header {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf(`header: %.100q isn't a field such as "Accept-Encoding": "gzip"`,
				name+": "+value)
		}
	}
	return nil
}
