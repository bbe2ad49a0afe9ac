// Package fastlane answers plain hits without what net/http costs for each request, and spares
// other plain requests the part of that which is in reading them.
//
// A connection's bytes pass by a Lane on their way to net/http, wherever a request begins:
//
//	bytes ─► recognise ─► site: key ─► serve.Hit ─► admitted? ─► head and content in one write ─► log
//	              │           └────────────┴────────────┴► no plain hit: on to the server's handler
//	              └► no plain request: on to net/http
//
// A plain request is a GET or a HEAD of HTTP/1.1 in its usual form. It is a plain hit if its answer
// is in the memory of this node, or of the one that owns it. The Lane recognises requests rather
// than parse them: it knows one spelling of a request line, and fields that concern neither the
// connection nor caches. What it doesn't know it leaves as it came. So a client can't tell which
// requests net/http has seen.
package fastlane

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/serve"
)

// Conn is a client's connection.
type Conn interface {
	// Remote is the client's address, for the log.
	Remote() string

	// Send writes all of b to the client, or as much as it takes in time. It consumes b.
	Send(b *net.Buffers) (n int64, err error)
}

// Lane answers plain hits of one server. Its methods may be called concurrently.
type Lane struct {
	server *serve.Server
	gate   *admission.Gate
	log    *logging.AccessLog
	known  known

	admitted map[string]string
}

// New makes a Lane, which answers what gate admits, and counts and logs that in log.
func New(server *serve.Server, gate *admission.Gate, log *logging.AccessLog) *Lane {
	return &Lane{server: server, gate: gate, log: log, admitted: admitted(server.Site)}
}

// answer is what one request's answer is made in.
type answer struct {
	hit     serve.Hit
	head    []byte
	pieces  [][]byte // of the response
	sending net.Buffers
	line    logging.Line
}

var answers = sync.Pool{New: func() any { return new(answer) }}

// epoch is a moment to count from: what has gone by since costs half of what the time of day does.
var epoch = time.Now()

// Serve answers the plain hits that p begins with, one after the other. If a plain request follows
// that is none, it returns that as next, for the server's handler. n is how many bytes all these
// have. An error means that the client couldn't be sent all of the last hit.
func (l *Lane) Serve(c Conn, p []byte) (n int, next *http.Request, err error) {
	a := answers.Get().(*answer)
	defer answers.Put(a)
	for n < len(p) && err == nil {
		start := time.Since(epoch)
		r, ok := l.recognise(p[n:])
		if !ok {
			break
		}
		if !l.find(a, &r) || !l.admit(c, a, &r) {
			if next = r.handed(c.Remote()); next != nil {
				n += r.size
			}
			break
		}
		n += r.size
		err = l.send(a, c, &r, start)
	}
	return n, next, err
}

// find makes a the answer to r, if that is a hit. Other nodes are asked only if there are no limits
// and no traces: a request must be admitted before it costs another node anything, and have its
// span before that of the request. Both are the case in net/http's handler.
func (l *Lane) find(a *answer, r *request) bool {
	key, ok := l.server.Site.PlainKey(r.target)
	if !ok {
		return false
	}
	q := r.fields.request
	q.Resource = key
	return l.server.Hit(&q, &a.hit, l.gate.Open() && l.log.Tracer == nil)
}

// admit reports whether r is taken on, which a is the answer to. What isn't goes on to net/http, by
// way of which it is refused, and logged and counted as such.
func (l *Lane) admit(c Conn, a *answer, r *request) bool {
	if l.gate.Open() {
		return true
	}
	client := r.fields.client
	if !l.told(c, r) {
		client = admission.AddrOf(c.Remote())
	}
	if l.gate.Admit(client).Reason == admission.Admitted {
		return true
	}
	a.hit.Close()
	return false
}

// told reports whether a proxy that is trusted has told who r's client is.
func (l *Lane) told(c Conn, r *request) bool {
	return r.fields.shown != "" && l.gate.Trusted.Trusts(admission.AddrOf(c.Remote()))
}

// send sends a to the client, and logs r, which came at that time from epoch.
func (l *Lane) send(a *answer, c Conn, r *request, start time.Duration) error {
	defer l.gate.Done()
	defer a.hit.Close()
	l.server.CountHit()
	a.head = a.hit.AppendHead(a.head[:0])
	a.pieces = a.hit.AppendContent(append(a.pieces[:0], a.head))
	head := len(a.head)
	if len(a.pieces) == 2 && len(a.pieces[1]) <= small {
		a.head = append(a.head, a.pieces[1]...)
		a.pieces = append(a.pieces[:0], a.head)
	}
	a.sending = a.pieces
	first := time.Since(epoch)
	n, err := c.Send(&a.sending)
	clear(a.pieces[:cap(a.pieces)]) // so that the pool holds no content
	a.line = logging.Line{
		Entry: a.hit.Entry(), Remote: c.Remote(), Method: r.fields.request.Method,
		Host: r.fields.host, URI: r.target, Proto: "HTTP/1.1", UserAgent: r.fields.userAgent,
		Status: a.hit.Status, Bytes: max(0, n-int64(head)), Took: time.Since(epoch) - start,
		First: first - start, Aborted: err != nil,
	}
	if l.told(c, r) {
		a.line.Client = r.fields.shown
	}
	a.line.LogNext(l.log, r.trace)
	a.line = logging.Line{}
	return err
}

// small is up to how many bytes of content are copied behind the head, which costs less than a
// second buffer in the write.
const small = 4 << 10
