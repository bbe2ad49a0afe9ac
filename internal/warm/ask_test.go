package warm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/warm"
)

// TestAsk: a node is asked for batches, and what it says of each URL counts, is told and is noted.
func TestAsk(t *testing.T) {
	var urls []string
	for i := range 10_001 {
		urls = append(urls, fmt.Sprint("/", i))
	}
	journal, err := warm.OpenJournal(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	var batches []int
	told := 0
	cfg := warm.Config{Header: warm.DefaultHeader(), Concurrency: 3, Rate: 5, Journal: journal,
		Tell: func(warm.Fetched) { told++ }}
	s, err := warm.Ask(t.Context(), cfg, urls, func(_ context.Context,
		form *warm.Form) (io.ReadCloser, error) {
		batches = append(batches, len(form.Files))
		if form.Concurrency != 3 || form.Rate != 5 || form.Header["User-Agent"] != "scurry-warm" {
			t.Errorf("it is asked for %+v", form)
		}
		var b strings.Builder
		for i, u := range form.Files {
			outcome := []string{"hit", "stored", "passed"}[i%3]
			if u == "/5" {
				outcome = "failed"
			}
			fmt.Fprintf(&b, `{"url":%q,"outcome":%q,"bytes":2}`+"\n", u, outcome)
		}
		return io.NopCloser(strings.NewReader(b.String() + `{"success":false,"urls":1,"bytes":99}` +
			"\n")), nil
	})
	if want := [warm.Outcomes]int64{3335, 3333, 3332, 1, 0}; err != nil || s.Count != want ||
		told != 10_001 || s.Bytes != 20_002 {
		t.Errorf("%+v, %v; %d are told", s, err, told)
	}
	if fmt.Sprint(batches) != "[10000 1]" {
		t.Errorf("batches of %v", batches)
	}
	if err := journal.Close(false); err != nil {
		t.Error(err)
	}
}

// TestAskFails: a node that refuses, goes away, drains, or talks of something else.
func TestAskFails(t *testing.T) {
	refusal := errors.New("refused")
	for answer, want := range map[string]string{
		"refused":                             "refused",
		"":                                    "the node has gone before it was done",
		`{"url":"/a","outcome":"hit"}` + "\n": "the node has gone before it was done",
		`{"url":"/a","outc`:                   "the node has gone before it was done",
		`{"success":false,"error":"the node is draining"}`: "the node is draining",
		"<html>": "the answer of the node can't be read",
	} {
		_, err := warm.Ask(t.Context(), warm.Config{}, []string{"/a"}, func(context.Context,
			*warm.Form) (io.ReadCloser, error) {
			if answer == "refused" {
				return nil, refusal
			}
			return io.NopCloser(strings.NewReader(answer)), nil
		})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

// TestRunIsCut: a run whose last URL is interrupted isn't done.
func TestRunIsCut(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := newCache(t)
	cfg := c.config(t)
	c.stop = cancel
	if s, err := warm.Run(ctx, cfg, []string{"/stop"}); err == nil {
		t.Errorf("%v", s)
	}
}
