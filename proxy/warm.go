package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// Warmer returns a RoundTripper that warms the cache: the response to a GET comes once its content
// is held by those nodes that own it, without the content. Each owner reads from the origin what it
// lacks, and nothing of it travels to another node. ContentLength is how many bytes are held, and
// Cache-Status tells what has been done, as for any client. What is known not to be storable isn't
// asked for. The host of a URL doesn't matter.
//
// These requests are counted and logged as those of clients are, with the note "warm". Limits hold
// for them, but for those of a client. The end of a request's context ends the wait, and not what
// an owner has begun to read.
func (p *Proxy) Warmer() http.RoundTripper { return warmer{p} }

type warmer struct{ p *Proxy }

// RoundTrip is http.RoundTripper's.
func (t warmer) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	if req.Method != http.MethodGet {
		return nil, fmt.Errorf("the method %s warms nothing: use GET", req.Method)
	}
	r := req.Clone(req.Context())
	r.RequestURI, r.Host, r.Body = req.URL.RequestURI(), req.URL.Host, http.NoBody
	w := &headOnly{header: http.Header{}, status: http.StatusOK}
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			if resp, err = nil, req.Context().Err(); err == nil {
				err = errors.New("it broke off")
			}
		default:
			panic(v)
		}
	}()
	t.p.warming.ServeHTTP(w, r)
	return w.response(req), nil
}

// headOnly is the ResponseWriter of a response whose content isn't wanted.
type headOnly struct {
	header http.Header
	status int
}

func (w *headOnly) Header() http.Header         { return w.header }
func (w *headOnly) Write(b []byte) (int, error) { return len(b), nil }

func (w *headOnly) WriteHeader(status int) {
	if status >= 200 {
		w.status = status
	}
}

func (w *headOnly) response(req *http.Request) *http.Response {
	length, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64)
	if err != nil || w.status >= 400 {
		length = 0
	}
	return &http.Response{
		Status:     fmt.Sprint(w.status, " ", http.StatusText(w.status)),
		StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: http.NoBody, ContentLength: length, Request: req,
	}
}
