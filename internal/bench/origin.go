package main

import (
	"net"
	"net/http"
	"path"
	"strconv"
	"time"
)

var zeros [1 << 20]byte

// serveZeros serves files of any size: the last element of the path is the size in bytes. The query
// may limit the rate.
func serveZeros(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.ParseInt(path.Base(r.URL.Path), 10, 64)
	if err != nil || size < 0 {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Etag", `"1"`)
	h.Set("Cache-Control", "max-age=86400")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	rate, _ := strconv.ParseFloat(r.URL.Query().Get("rate"), 64)
	start := time.Now()
	for sent := int64(0); sent < size; {
		n, err := w.Write(zeros[:min(size-sent, int64(len(zeros)))])
		if err != nil {
			return // the client has gone
		}
		if sent += int64(n); rate > 0 {
			due := time.Duration(float64(sent) / rate * float64(time.Second))
			time.Sleep(due - time.Since(start))
		}
	}
}

// origin serves files as serveZeros does.
type origin struct {
	http.Server
	base string
}

func newOrigin() (*origin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{base: "http://" + l.Addr().String()}
	o.Handler = http.HandlerFunc(serveZeros)
	go func() { _ = o.Serve(l) }() // until it is closed
	return o, nil
}
