package metrics

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/proxy"
)

// node is a node with a peer, whose clients have had a hit, a slow hit and a miss.
func node() Config {
	var ended measure.Requests
	for _, q := range []measure.Request{
		{Cache: "hit", Source: "memory", Status: 200, Bytes: 1000, Took: time.Microsecond},
		{Cache: "hit", Source: "memory", Status: 200, Bytes: 1000, Took: 3 * time.Second,
			First: 2 * time.Millisecond},
		{Cache: "miss", Source: "origin", Status: 404, Bytes: 10, Took: 40 * time.Millisecond,
			First: 40 * time.Millisecond},
	} {
		ended.Ended(q)
	}
	return Config{
		Stats: func() proxy.Stats {
			return proxy.Stats{
				Hits: 2, Ended: ended.Read(), OriginRequests: 7, Memory: 1 << 30,
				Main:        proxy.Part{Entries: 3, Bytes: 300, Limit: 1000, Evictions: 5},
				EvictionAge: 90 * time.Second, Removes: 4, Purges: 16, PurgesIncomplete: 3,
				RingEpoch: 6, Ring: []string{"a:1", "b:1"},
				Peers: []proxy.PeerStats{{Name: "b:1", State: "live", Requests: 8,
					Latencies: ended.Read().Took[1]}},
			}
		},
		Connections:        func() (int, int) { return 12, 11 },
		Refused:            func() int64 { return 13 },
		RefusedConnections: func() (many, ofClient int64) { return 14, 15 },
		Dropped:            func() int64 { return 14 },
		Ready:              func() bool { return true },
		Reloaded:           func() (bool, time.Time) { return true, time.Unix(15, 0) },
		Version:            "v1", Revision: "abc", GoVersion: "go1",
	}
}

// scraped is what a scrape brings, in the format that accept asks for.
func scraped(t *testing.T, accept string) (body []byte, h http.Header) {
	t.Helper()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	Handler(New(node())).ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.Bytes(), w.Header()
}

// TestText: the values are those of the node, and the names are as Prometheus wants them.
func TestText(t *testing.T) {
	body, _ := scraped(t, "text/plain")
	for _, want := range []string{
		`scurry_http_requests_total{code="2xx",outcome="hit"} 2`,
		`scurry_http_requests_total{code="4xx",outcome="miss"} 1`,
		`scurry_http_requests_total{code="5xx",outcome="hit"} 0`,
		`scurry_http_requests_in_flight 11`, `scurry_http_connections 12`,
		`scurry_http_request_duration_seconds_bucket{outcome="hit",le="0.001"} 1`,
		`scurry_http_request_duration_seconds_bucket{outcome="hit",le="2.5"} 1`,
		`scurry_http_request_duration_seconds_bucket{outcome="hit",le="5"} 2`,
		`scurry_http_request_duration_seconds_sum{outcome="hit"} 3`,
		`scurry_http_request_duration_seconds_count{outcome="hit"} 2`,
		`scurry_http_response_duration_seconds_bucket{outcome="hit",le="0.001"} 1`,
		`scurry_http_response_duration_seconds_bucket{outcome="hit",le="0.0025"} 2`,
		`scurry_http_response_size_bytes_bucket{source="memory",le="512"} 0`,
		`scurry_http_response_size_bytes_bucket{source="memory",le="4096"} 2`,
		`scurry_http_response_size_bytes_sum{source="memory"} 2000`,
		`scurry_http_response_size_bytes_count{source="origin"} 1`,
		`scurry_http_requests_refused_total 13`, `scurry_origin_requests_total 7`,
		`scurry_cache_entries{part="main"} 3`, `scurry_cache_bytes{part="main"} 300`,
		`scurry_cache_limit_bytes{part="main"} 1000`,
		`scurry_cache_evictions_total{part="main"} 5`,
		`scurry_cache_memory_limit_bytes 1.073741824e+09`,
		`scurry_cache_eviction_age_seconds 90`, `scurry_invalidations_total{kind="remove"} 4`,
		`scurry_purges_total{result="complete"} 13`, `scurry_purges_total{result="incomplete"} 3`,
		`scurry_peer_requests_total{peer="b:1"} 8`, `scurry_peer_state{peer="b:1",state="live"} 1`,
		`scurry_peer_state{peer="b:1",state="down"} 0`, `scurry_ring_epoch 6`,
		`scurry_ring_nodes 2`, `scurry_ready 1`,
		`scurry_peer_request_duration_seconds_count{peer="b:1"} 2`,
		`scurry_log_lines_dropped_total 14`, `scurry_config_last_reload_successful 1`,
		`scurry_config_last_reload_success_timestamp_seconds 15`,
		`scurry_build_info{go_version="go1",revision="abc",version="v1"} 1`,
		`go_goroutines `, `process_start_time_seconds `,
	} {
		if !strings.Contains(string(body), "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestFamilies: a scrape brings all families, each of its type and with its labels.
func TestFamilies(t *testing.T) {
	got := map[string]*dto.MetricFamily{}
	for _, f := range decoded(t) {
		got[f.GetName()] = f
	}
	for _, want := range Families() {
		f := got[want.Name]
		if f == nil {
			t.Errorf("%s isn't there", want.Name)
			continue
		}
		if kind := strings.ToLower(f.GetType().String()); kind != want.Type ||
			f.GetHelp() != want.Help {
			t.Errorf("%s is a %s: %s", want.Name, kind, f.GetHelp())
		}
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName())
			}
			if slices.Sort(labels); !slices.Equal(labels,
				slices.Sorted(slices.Values(want.Labels))) {
				t.Errorf("%s has the labels %q, not %q", want.Name, labels, want.Labels)
			}
		}
	}
	for name := range got {
		known := slices.ContainsFunc(Families(), func(f Family) bool { return f.Name == name })
		if strings.HasPrefix(name, "scurry_") && !known {
			t.Errorf("%s is no family", name)
		}
	}
}

// decoded is what a scrape brings in the protobuf format.
func decoded(t *testing.T) (all []*dto.MetricFamily) {
	t.Helper()
	body, header := scraped(t, string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(header))
	for {
		f := new(dto.MetricFamily)
		switch err := decoder.Decode(f); err {
		case nil:
			all = append(all, f)
		case io.EOF:
			return all
		default:
			t.Fatal(err)
		}
	}
}

// TestNativeHistogram: the native buckets have the same durations as the classic ones.
func TestNativeHistogram(t *testing.T) {
	for _, f := range decoded(t) {
		if f.GetName() != "scurry_http_request_duration_seconds" &&
			f.GetName() != "scurry_http_response_duration_seconds" {
			continue
		}
		for _, m := range f.Metric {
			h := m.Histogram
			at, n, total := int32(0), int64(0), h.GetZeroCount()
			deltas := h.PositiveDelta
			found := map[string]int64{}
			for _, span := range h.PositiveSpan {
				at += span.GetOffset()
				for range span.GetLength() {
					n += deltas[0]
					deltas = deltas[1:]
					found[fmt.Sprint(at)] = n
					total += uint64(n)
					at++
				}
			}
			if total != h.GetSampleCount() || len(deltas) != 0 || h.GetSchema() != 3 ||
				h.GetZeroThreshold() != 1./1024 || len(h.Bucket) != len(measure.Bounds) {
				t.Errorf("%s %v: %v", f.GetName(), m.Label, h)
			}
			if m.Label[0].GetValue() == "hit" {
				// 3 s are in (2^(12/8), 2^(13/8)], and 2 ms are in (2^(-72/8), 2^(-71/8)].
				want := map[string]string{"scurry_http_request_duration_seconds": "map[13:1]",
					"scurry_http_response_duration_seconds": "map[-71:1]"}
				if got := fmt.Sprint(found); got != want[f.GetName()] || h.GetZeroCount() != 1 {
					t.Errorf("%s of hits: %s, %d short", f.GetName(), got, h.GetZeroCount())
				}
			}
		}
	}
}

// TestSpans: runs of buckets, and what is between them, come out as the format has them.
func TestSpans(t *testing.T) {
	var d measure.Durations
	for _, ms := range []int{2, 2, 2, 10, 11, 12, 13, 14, 500, 1000, 1000, 1_000_000} {
		d.Observe(time.Duration(ms) * time.Millisecond)
	}
	read := d.Read()
	var out dto.Metric
	if err := seconds(read).metric(newCollector(node()).descs[1], nil).Write(&out); err != nil {
		t.Fatal(err)
	}
	got := make([]uint64, len(read.Native))
	at, n, deltas := int32(-measure.FirstNative), int64(0), out.Histogram.PositiveDelta
	for _, span := range out.Histogram.PositiveSpan {
		for at += span.GetOffset(); span.GetLength() > 0; *span.Length-- {
			n += deltas[0]
			got[at], deltas, at = uint64(n), deltas[1:], at+1
		}
	}
	if !slices.Equal(got, read.Native) || len(out.Histogram.PositiveSpan) < 4 {
		t.Errorf("%v\nwant %v", got, read.Native)
	}
}
