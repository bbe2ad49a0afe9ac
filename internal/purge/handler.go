package purge

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// maxBody bounds the JSON of a purge, in bytes.
const maxBody = 256 << 10

// Handler answers POST /purge, POST /purge/URL and POST /purge/key/GROUP. It is for a listener that
// clients can't reach. A ServeMux would redirect URLs in paths, so it mustn't be behind one.
func (f Func) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, named := cutPrefix(r.URL.EscapedPath(), "/purge/")
		var q *Request
		var err error
		switch {
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", "POST")
			Problem(w, http.StatusMethodNotAllowed, "a purge is a POST")
			return
		case named:
			q, err = parsePath(r, rest)
		case !isJSON(r.Header):
			Problem(w, http.StatusUnsupportedMediaType, "a purge is JSON, such as "+example+
				", with Content-Type: application/json")
			return
		default:
			q, err = parseBody(http.MaxBytesReader(w, r.Body, maxBody))
		}
		f.answer(w, r, q, err)
	})
}

// isJSON reports whether the body is said to be JSON. A form, which any web page may send, isn't.
func isJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// forwardedBy are the fields by which one sees that a request has come by way of another server.
var forwardedBy = []string{
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via",
	"Cdn-Loop", "True-Client-Ip", "X-Client-Ip",
}

// Method answers requests with the method PURGE: of addresses in allowed, and of no others.
func (f Func) Method(allowed []netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !from(allowed, r.RemoteAddr) || slices.ContainsFunc(forwardedBy, func(name string) bool {
			return len(r.Header[name]) > 0
		}) {
			Problem(w, http.StatusForbidden, "")
			return
		}
		q, err := parseMethod(r)
		f.answer(w, r, q, err)
	})
}

// from reports whether a connection's address is in allowed.
func from(allowed []netip.Prefix, remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	ip := at.Addr().Unmap().WithZone("")
	return err == nil && slices.ContainsFunc(allowed, func(p netip.Prefix) bool {
		return p.Contains(ip)
	})
}

// answer purges what q names, unless err says that it names nothing.
func (f Func) answer(w http.ResponseWriter, r *http.Request, q *Request, err error) {
	var result *Result
	if err == nil {
		if err = q.Check(); err == nil {
			result, err = f(r.Context(), q)
		}
	}
	if err != nil {
		Problem(w, statusOf(err), err.Error())
		return
	}
	status := http.StatusOK
	if !result.Complete() {
		status = http.StatusMultiStatus
	}
	write(w, status, "application/json", shown(result))
}

func statusOf(err error) int {
	switch _, large := errors.AsType[*http.MaxBytesError](err); {
	case large:
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrID):
		return http.StatusConflict
	}
	return http.StatusBadRequest
}

// Answer is a Result as JSON.
type Answer struct {
	Success bool     `json:"success"` // all nodes have acknowledged
	ID      string   `json:"id,omitempty"`
	Nodes   []Acting `json:"nodes"`
}

// Acting is a Node as JSON. The times are for a node that hasn't acknowledged; see Until.
type Acting struct {
	Name        string `json:"name"`
	Status      string `json:"status"` // ok, or failed
	Purged      int    `json:"purged"`
	Reason      string `json:"reason,omitempty"`
	OldUntil    string `json:"old_until,omitempty"`
	CopiesUntil string `json:"copies_until,omitempty"`
}

// Until is a time as RFC 3339 has it, or "unknown" if it is zero.
func Until(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Add(time.Second - 1).Format(time.RFC3339) // rounded up
}

func shown(r *Result) *Answer {
	a := &Answer{Success: r.Complete(), ID: r.ID, Nodes: []Acting{}}
	for _, n := range r.Nodes {
		node := Acting{Name: n.Name, Status: "ok", Purged: n.Purged}
		if n.Err != nil {
			node.Status, node.Reason = "failed", n.Err.Error()
			node.OldUntil, node.CopiesUntil = Until(n.OldUntil), Until(n.CopiesUntil)
		}
		a.Nodes = append(a.Nodes, node)
	}
	return a
}

// Details are problem details (RFC 9457).
type Details struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

// Problem answers with problem details.
func Problem(w http.ResponseWriter, status int, detail string) {
	write(w, status, "application/problem+json",
		Details{"about:blank", http.StatusText(status), status, detail})
}

func write(w http.ResponseWriter, status int, media string, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("what is always JSON isn't: %v", err))
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // if that fails, nobody is there to be told
}
