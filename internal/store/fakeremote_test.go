package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/codec"
)

// fakeCluster is stores that are each other's Remotes without a connection: what one asks, the
// Server of the other answers at once. Records go from one to the other in their encoded form.
type fakeCluster struct {
	owner func(routingKey string) string // fixed while requests are under way

	mu    sync.Mutex
	nodes map[string]*Store
	down  map[string]bool // can't be asked
	calls []string        // "node method: who asked", in the order of their beginnings
	hooks map[string]func()
}

// before does something before the next call of that method, or at once if it is "".
func (c *fakeCluster) before(method string, do func()) {
	if method == "" {
		do()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = map[string]func(){method: do}
}

// fakeRemote is one node's.
type fakeRemote struct {
	*fakeCluster
	self string
}

var errDown = errors.New("the node is down")

// openCluster makes nodes named a, b and c with those sources. The node that owner names owns all.
func openCluster(t *testing.T, owner string, sources ...Source) *fakeCluster {
	t.Helper()
	c := &fakeCluster{nodes: map[string]*Store{}, down: map[string]bool{},
		owner: func(string) string { return owner }}
	for i, src := range sources {
		name := string(rune('a' + i))
		s, err := New(Config{
			Memory: 1 << 20, Geometry: chunk.Geometry{First: 1 << 10, Max: 8 << 10, Slab: 64 << 10},
			Source: src,
			Keys:   &plainKeys{}, Remote: &fakeRemote{c, name}, Lease: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes[name] = s
		t.Cleanup(s.Close)
	}
	return c
}

// close ends all nodes, in a test whose goroutines are synctest's.
func (c *fakeCluster) close() {
	for _, s := range c.nodes {
		s.Close()
	}
}

// asked returns what has been asked of others since it was called last.
func (c *fakeCluster) asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

func (c *fakeCluster) setDown(node string, down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down[node] = down
}

// server is the Server of node, which is called for method.
func (r *fakeRemote) server(node, method string) (*Server, error) {
	r.mu.Lock()
	hook := r.hooks[method]
	delete(r.hooks, method)
	r.mu.Unlock()
	if hook != nil {
		hook()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, fmt.Sprintf("%s %s: %s", node, method, r.self))
	if r.down[node] {
		return nil, errDown
	}
	return r.nodes[node].Server(), nil
}

// Encode writes r.
func (r *Record) Encode(now time.Time) []byte {
	c := codec.Coder{Now: now}
	CodeRecord(&c, &r)
	return c.B
}

// Decode reads a record.
func Decode(b []byte, now time.Time) (rec *Record, err error) {
	c := codec.Coder{B: b, Reads: true, Now: now}
	if CodeRecord(&c, &rec); c.Bad || len(c.B) > 0 {
		return nil, errNoAnswer
	}
	return rec, nil
}

// sent is rec as it comes out of a message.
func sent(rec *Record) *Record {
	now := time.Now()
	got, err := Decode(rec.Encode(now), now)
	if err != nil {
		panic(err)
	}
	return got
}

func (r *fakeRemote) Owner(routingKey string) (string, bool) {
	owner := r.owner(routingKey)
	return owner, owner == r.self
}

func (r *fakeRemote) RingEpoch() uint64 { return 1 }

func (r *fakeRemote) OwnedSince(routingKey string, _ uint64) bool {
	return r.owner(routingKey) == r.self
}

func (r *fakeRemote) Lookup(ctx context.Context, node string, q *LookupRequest) (*LookupResult,
	error) {
	v, err := r.server(node, "Lookup")
	if err != nil {
		return nil, err
	}
	theirs := *q
	theirs.Cause, theirs.Variants = Cause{Asked: new(atomic.Bool)}, nil
	found, sending, err := v.Lookup(ctx, &theirs)
	if errors.Is(err, ErrBehind) {
		r.share(node)
		found, sending, err = v.Lookup(ctx, &theirs)
	}
	if theirs.Noted() {
		q.Note()
	}
	if err != nil {
		return nil, err
	}
	copied := *found
	copied.Record = sent(found.Record)
	if sending != nil {
		copied.Content = &fakeContent{ctx: ctx, r: r, node: node, cause: theirs.Cause,
			sending: sending}
	}
	return &copied, nil
}

func (r *fakeRemote) Ask(_ context.Context, node string, m Message) ([]byte, error) {
	name := reflect.TypeOf(m).Elem().Name()
	v, err := r.server(node, strings.TrimSuffix(name, "Request"))
	if err != nil {
		return nil, err
	}
	written := codec.Coder{Now: time.Now()}
	m.Code(&written)
	read, got := codec.Coder{B: written.B, Reads: true, Now: written.Now},
		reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
	if got.Code(&read); read.Bad || len(read.B) > 0 {
		panic("a message isn't read as it was written: " + name)
	}
	b, err := v.Answer(got)
	return b, r.caughtUp(node, err)
}

func (r *fakeRemote) NoticeStandstill() {}

func (r *fakeRemote) Notify(m Message) (all []Notified) {
	for _, node := range []string{"a", "b", "c"} {
		if r.nodes[node] != nil && node != r.self {
			value, err := r.Ask(context.Background(), node, m)
			if errors.Is(err, ErrBehind) {
				err = nil // it has caught up
			}
			all = append(all, Notified{node, value, err})
		}
	}
	return all
}

// theirs is q as another node gets it.
func theirs(q *ReadRequest) *ReadRequest {
	copied := *q
	copied.Record, copied.By.Cause = sent(q.Record), Cause{Asked: new(atomic.Bool)}
	return &copied
}

func (r *fakeRemote) Read(ctx context.Context, node string, q *ReadRequest) (*ReadResult, error) {
	v, err := r.server(node, "Read")
	if err != nil {
		return nil, err
	}
	asked := theirs(q)
	sending, err := v.Read(ctx, asked)
	if err != nil {
		if asked.By.Noted() {
			q.By.Note()
		}
		return nil, r.caughtUp(node, err)
	}
	if q.TakesOver {
		return &ReadResult{}, nil
	}
	body := &fakeContent{ctx: ctx, r: r, node: node, cause: asked.By.Cause, sending: sending}
	return &ReadResult{Content: body, Length: sending.Length(), Foreseen: sending.Foresee(ctx)}, nil
}

// caughtUp returns err, after an exchange of logs with the node that has answered with it, if that
// is what it takes.
func (r *fakeRemote) caughtUp(node string, err error) error {
	if errors.Is(err, ErrBehind) {
		r.share(node)
	}
	return err
}

// share exchanges the logs of node and this one.
func (r *fakeRemote) share(node string) {
	ours, theirs := r.nodes[r.self], r.nodes[node]
	for _, pull := range [][2]*Store{{ours, theirs}, {theirs, ours}} {
		if err := pull[0].Merge(pull[1].Reply(pull[0].Position())); err != nil {
			panic(err)
		}
	}
}

func (r *fakeRemote) Share() {
	for node := range r.nodes {
		if node != r.self {
			r.share(node)
		}
	}
}

// fakeContent is what another node sends: as much as has been read.
type fakeContent struct {
	ctx     context.Context
	r       *fakeRemote
	node    string
	cause   Cause // of the node that sends
	sending *Sending

	mu      sync.Mutex // one goroutine reads, another may ask
	b       []byte
	err     error
	closed  bool
	trailer http.Header
	asked   Asked
}

func (f *fakeContent) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.b) == 0 && f.err == nil {
		f.nextLocked()
	}
	n := copy(p, f.b)
	if f.b = f.b[n:]; n > 0 {
		return n, nil
	}
	return 0, f.err
}

func (f *fakeContent) nextLocked() {
	f.r.mu.Lock()
	down := f.r.down[f.node]
	f.r.mu.Unlock()
	if down {
		f.err = errDown
		return
	}
	var b []byte
	if b, f.err = f.sending.Next(f.ctx); f.err == io.EOF {
		f.trailer, f.asked = f.sending.End()
	}
	f.b = append(f.b, b...)
}

func (f *fakeContent) Over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err != nil
}

func (f *fakeContent) End() (http.Header, Asked, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.err == nil {
		f.nextLocked()
	}
	return f.trailer, f.asked, f.err == io.EOF
}

func (f *fakeContent) OriginAsked(context.Context) bool { return f.cause.Noted() }

func (f *fakeContent) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		f.err = errors.Join(f.err, io.ErrClosedPipe)
		f.sending.Close()
	}
	return nil
}

// read reads [start, end) of what key is fetched as on s.
func read(t *testing.T, s *Store, key string, start, end int64) string {
	t.Helper()
	res, err := s.Fetch(t.Context(), &Request{Key: key, Whole: start == 0,
		Fields: Fields{Cause: Cause{Asked: new(atomic.Bool)}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Close()
	var rd Reader
	s.ReaderFrom(&rd, &Fields{Cause: Cause{Asked: new(atomic.Bool)}}, res, start, end)
	return readAll(t, &rd)
}
