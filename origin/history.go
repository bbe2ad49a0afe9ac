package origin

// A connection is given up after so many requests, or so many bytes of their URLs, which bounds its
// history.
const (
	maxHistory      = 500
	maxHistoryBytes = 32 << 10
)

// history is the URLs of the requests that a connection has carried after its first. The first
// response can't be another's.
type history struct {
	urls  []string
	bytes int
}

func (h *history) add(url string) {
	h.urls = append(h.urls, url)
	h.bytes += len(url)
}

func (h *history) full() bool { return len(h.urls) >= maxHistory || h.bytes >= maxHistoryBytes }

func (h *history) take() []string {
	urls := h.urls
	*h = history{}
	return urls
}
