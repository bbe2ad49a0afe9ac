package proxy_test

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/scurrycache/scurry/internal/origintest"
)

// drip answers with length bytes of origintest.Content(seed), or with an unknown number if length
// is -1, sending a piece each time the test sends its end offset on more, until more is closed.
func drip(seed byte, length int64, header http.Header, more <-chan int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), header)
		if length >= 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
		}
		w.WriteHeader(http.StatusOK)
		sent := int64(0)
		for end, ok := sent, true; ok; {
			if _, err := w.Write(origintest.Content(seed, sent, end)); err != nil {
				return
			}
			sent = end
			w.(http.Flusher).Flush()
			select {
			case end, ok = <-more:
			case <-r.Context().Done():
				return
			}
		}
	}
}
