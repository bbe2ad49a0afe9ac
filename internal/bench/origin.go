package main

import (
	"bytes"
	"net"
	"net/http"
	"path"
	"strconv"
	"time"
)

// origin serves files of any size: the last element of the path is the size in bytes.
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
	modified := time.Now().Add(-time.Hour)
	o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, err := strconv.ParseInt(path.Base(r.URL.Path), 10, 32)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Cache-Control", "max-age=86400")
		http.ServeContent(w, r, "f.bin", modified, bytes.NewReader(make([]byte, size)))
	})
	go func() { _ = o.Serve(l) }() // until it is closed
	return o, nil
}
