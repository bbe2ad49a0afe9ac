package proxy_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// peerRequests is how often n has asked other nodes.
func (n *node) peerRequests() (requests int64) {
	for _, p := range n.Stats().Peers {
		requests += p.Requests
	}
	return requests
}

// TestPeerHitIsOneExchange: the first chunk comes with the record, wherever it is likely to be
// wanted, and small.
func TestPeerHitIsOneExchange(t *testing.T) {
	clock := newClock()
	c := newCluster(t, 2, small(proxy.Config{Now: clock.Now}))
	i := 0
	for _, tt := range []struct {
		file     origintest.File
		requests int64
	}{
		{origintest.File{Size: 0, ETag: `"1"`}, 1},
		{origintest.File{Size: 1, ETag: `"1"`}, 1},
		{origintest.File{Size: 513, ETag: `"1"`}, 1},
		{origintest.File{Size: first, ETag: `"1"`}, 1},
		{origintest.File{Size: first}, 1},
		{origintest.File{Size: first, ETag: `"1"`, NoRanges: true}, 1},
		{origintest.File{Size: first, Chunked: true}, 1},
		{origintest.File{Size: first + 1}, 2},
		{origintest.File{Size: first + 1, ETag: `"1"`}, 2},
		{origintest.File{Size: 4 * first, ETag: `"1"`}, 3},
	} {
		t.Run(fmt.Sprintf("%+v", tt.file), func(t *testing.T) {
			i++
			key := fmt.Sprint("f", i)
			tt.file.Header = maxAge("600")
			c.o.Handle("/"+key, tt.file.ServeHTTP)
			owner, other := c.nodes[c.owner(key)], c.other(key)
			content := origintest.Content(0, 0, tt.file.Size)
			owner.expect(200, content, "/files/"+key)
			owner.idle()
			// The lane has a new connection from the start. On one that net/http has had, net/http may
			// yet be at the end of the response before, and asks first whether all is held.
			other.client.CloseIdleConnections()
			before, origin := other.peerRequests(), c.o.Count()
			other.expect(200, content, "/files/"+key)
			if n := other.peerRequests() - before; n != tt.requests {
				t.Errorf("%d requests to the owner, want %d", n, tt.requests)
			}
			clock.Advance(time.Minute) // the lease is over
			other.expect(200, content, "/files/"+key)
			if n := c.o.Count() - origin; n > 0 {
				t.Errorf("%d requests to the origin", n)
			}
		})
	}
}

// TestNoChunkForThoseWhoWantNone: a client that wants no content, or only some, has the owner send
// the record alone.
func TestNoChunkForThoseWhoWantNone(t *testing.T) {
	c := newCluster(t, 2, small(proxy.Config{}))
	for i, tt := range []struct {
		method, field string
		status        int
		most          int64 // bytes that come from the owner
	}{
		{http.MethodGet, "", 200, 1 << 20},
		{http.MethodHead, "", 200, 700},
		{http.MethodGet, `If-None-Match: "1"`, 304, 700},
		{http.MethodGet, "If-Modified-Since: " + time.Now().UTC().Format(http.TimeFormat), 304,
			700},
	} {
		key := fmt.Sprint("f", i)
		c.o.Handle("/"+key, origintest.File{Size: first, ETag: `"1"`, Modified: origintest.Old,
			Header: maxAge("600")}.ServeHTTP)
		owner, other := c.nodes[c.owner(key)], c.other(key)
		owner.expect(200, origintest.Content(0, 0, first), "/files/"+key)
		owner.idle()
		before := other.Stats().Peers[0]
		var fields []string
		if tt.field != "" {
			fields = append(fields, tt.field)
		}
		resp := other.do(tt.method, "/files/"+key, fields...)
		resp.Body.Close()
		after := other.Stats().Peers[0]
		came := after.BytesIn - before.BytesIn
		t.Logf("%s %s: %d bytes", tt.method, tt.field, came)
		if resp.StatusCode != tt.status || after.Requests-before.Requests != 1 || came > tt.most {
			t.Errorf("%s %s: %s after %d requests, which brought %d bytes", tt.method, tt.field,
				resp.Status, after.Requests-before.Requests, came)
		}
	}
}
