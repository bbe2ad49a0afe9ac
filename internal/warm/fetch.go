package warm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// fetcher fetches URLs. Its methods may be called concurrently.
type fetcher struct {
	cfg     *Config
	limiter *rate.Limiter
}

const (
	tries     = 4                // how often a URL is asked for that the cache has no room for
	mostPause = 30 * time.Second // how long it is waited for at the most, whatever Retry-After says
)

// fetch fetches u. A cache that has no room says when to come again.
func (f *fetcher) fetch(ctx context.Context, u string) Fetched {
	for try := 1; ; try++ {
		got, pause := f.try(ctx, u)
		if pause == 0 || try == tries {
			return got
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return got
		}
		if err := f.limiter.Wait(ctx); err != nil {
			return got
		}
	}
}

// try sends one request. If pause isn't 0, it may succeed after that time.
func (f *fetcher) try(ctx context.Context, u string) (got Fetched, pause time.Duration) {
	got = Fetched{URL: u, Outcome: Failed}
	req, err := f.request(ctx, u)
	if err != nil {
		got.Err = err
		return got, 0
	}
	resp, err := f.cfg.Client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok { // which repeats the URL
			err = failed.Err
		}
		got.Err = err
		return got, 0
	}
	defer resp.Body.Close()
	if got.Bytes, err = io.Copy(io.Discard, resp.Body); err != nil {
		got.Err = fmt.Errorf("the answer broke off after %d bytes: %w", got.Bytes, err)
		return got, 0
	}
	// a cache that warms itself keeps the content, and says its length
	if resp.Body == http.NoBody {
		got.Bytes = max(0, resp.ContentLength)
	}
	if resp.StatusCode >= 400 {
		got.Err = errors.New(resp.Status)
		return got, pauseOf(resp)
	}
	got.Outcome = outcomeOf(resp.Header)
	return got, 0
}

// request is the request for u.
func (f *fetcher) request(ctx context.Context, u string) (*http.Request, error) {
	if strings.HasPrefix(u, "/") {
		u = "http://" + f.cfg.Node + u
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	switch {
	case err != nil:
		return nil, errors.New("it is malformed")
	case req.URL.Host == "" || req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return nil, errors.New("it isn't an http URL")
	}
	if f.cfg.Via != "" {
		req.Host = req.URL.Host // the cache may go by it
		req.URL.Scheme, req.URL.Host = "http", f.cfg.Via
	}
	req.Header = f.cfg.Header.Clone()
	return req, nil
}

// pauseOf is how long to wait before another try of what resp refuses for now; 0 for what it
// refuses for good.
func pauseOf(resp *http.Response) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests &&
		resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return min(mostPause, max(time.Second/10, time.Duration(seconds)*time.Second))
}

// outcomeOf is what the cache nearest to the client has done, by the last member of Cache-Status.
// What the origin has confirmed by a 304 was held, and what has a lifetime left is stored. Without
// the field it is unknown whether anything is stored.
func outcomeOf(h http.Header) Outcome {
	members := strings.Join(h["Cache-Status"], ", ")
	last := members[strings.LastIndex(members, ", ")+1:]
	_, parameters, _ := strings.Cut(last, ";")
	outcome := Passed
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		switch {
		case name == "hit" || name == "fwd-status" && value == "304":
			return Hit
		case name == "stored" || name == "collapsed" || name == "ttl":
			outcome = Stored
		}
	}
	return outcome
}
