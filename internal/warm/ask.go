package warm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Ask is Run by a node: it has a node fetch urls, and tells of them, and notes them, as Run does.
// send sends the node a Form, and returns its answer: a Line for each URL, and a Report. The
// Client, Node and Via of cfg don't matter.
func Ask(ctx context.Context, cfg Config, urls []string,
	send func(context.Context, *Form) (io.ReadCloser, error)) (s Summary, err error) {
	start := time.Now()
	a := client{cfg: &cfg, sum: &s, send: send}
	var batch []string
	size := 0
	for _, u := range urls {
		if cfg.Journal.has(u) {
			cfg.take(&s, Fetched{URL: u, Outcome: Skipped})
			continue
		}
		if len(batch) == mostBatch || size+len(u) > mostBatchSize {
			if err = a.ask(ctx, batch); err != nil {
				break
			}
			batch, size = batch[:0], 0
		}
		batch, size = append(batch, u), size+len(u)
	}
	if err == nil && len(batch) > 0 {
		err = a.ask(ctx, batch)
	}
	s.Took = time.Since(start)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return s, err
}

// A node is asked for that many URLs at once, and for that many bytes of them: it bounds a Form.
const mostBatch, mostBatchSize = 10_000, 2 << 20

type client struct {
	cfg  *Config
	sum  *Summary
	send func(context.Context, *Form) (io.ReadCloser, error)
}

// ask has the node fetch a batch.
func (a *client) ask(ctx context.Context, urls []string) error {
	form := &Form{Files: urls, Header: map[string]string{}, Concurrency: a.cfg.Concurrency,
		Rate: a.cfg.Rate}
	for name, values := range a.cfg.Header {
		form.Header[name] = values[0]
	}
	answer, err := a.send(ctx, form)
	if err != nil {
		return err
	}
	defer answer.Close()
	for lines := json.NewDecoder(answer); ; {
		var line struct {
			Line
			Success *bool `json:"success"` // of a Report
		}
		err := lines.Decode(&line)
		switch {
		case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the node has gone before it was done")
		case err != nil:
			return fmt.Errorf("the answer of the node can't be read: %w", err)
		case line.Success == nil:
			a.cfg.take(a.sum, line.Fetched())
		case line.Error != "":
			return errors.New(line.Error)
		default:
			return nil
		}
	}
}
