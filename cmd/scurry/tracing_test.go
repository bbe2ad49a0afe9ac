package main

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// lone starts a node on its own in front of a new origin, in an environment, and with more args.
func lone(t *testing.T, env []string, args ...string) *fleet {
	t.Helper()
	f := fleetOf(t, newMembers(t, 1)...)
	m := f.all[0]
	m.args = append([]string{"serve", "--origin=" + f.o.URL, "--listen=" + m.client,
		"--admin-listen=" + m.admin}, args...)
	m.env = append([]string{"OTEL_BSP_SCHEDULE_DELAY=20", "SCURRY_PEER_HEARTBEAT="}, env...)
	m.start(t)
	return f
}

// swr is the header of what is fresh for no time, and is then validated in the background.
var swr = http.Header{"Cache-Control": {"max-age=0, stale-while-revalidate=60"}}

// TestTracing has a node export its spans by the standard variables.
func TestTracing(t *testing.T) {
	c := newCollector(t)
	f := lone(t, []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.http, "OTEL_EXPORTER_OTLP_HEADERS=x-key=a%20b",
		"OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
		"OTEL_SERVICE_NAME=acorns", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test",
	})
	node := f.all[0]
	f.o.Handle("/f", origintest.File{Size: 100, ETag: `"1"`, Header: maxAge(60)}.ServeHTTP)
	f.o.Handle("/old", origintest.File{Size: 100, ETag: `"1"`, Header: swr}.ServeHTTP)
	sent := func() string { all := f.o.Requests(); return all[len(all)-1].Header.Get("Traceparent") }

	trace, _ := inTrace(t, f.client, 1, node.url("f"))
	miss := c.await(t, trace, "GET", "lookup", "GET")
	miss[0].want(t, "scurry.cache", "miss", "http.response.status_code", "200", "url.path",
		"/files/f")
	chain(t, miss[0], miss[1])
	chain(t, miss[0], miss[2])
	if miss[0].parent != "1111111111111111" || sent() != miss[2].carried() {
		t.Errorf("below %s; the origin is sent %s", miss[0].parent, sent())
	}
	line := node.log.awaitAfter(t, 0, "request", nil)
	if line["trace_id"] != trace || line["span_id"] != miss[0].id {
		t.Errorf("the log has %v", line)
	}
	if own := miss[0].node; own["service.name"] != "acorns" ||
		own["deployment.environment.name"] != "test" || own["telemetry.sdk.language"] != "go" {
		t.Errorf("the node is %v", own)
	}
	if got := c.header.Get("X-Key"); got != "a b" {
		t.Errorf("the header has %q", got)
	}

	trace, _ = inTrace(t, f.client, 2, node.url("f"))
	c.await(t, trace, "GET")[0].want(t, "scurry.cache", "hit", "scurry.source", "memory")

	inTrace(t, f.client, 3, node.url("old"))
	trace, _ = inTrace(t, f.client, 4, node.url("old"))
	stale := c.await(t, trace, "GET")[0]
	stale.want(t, "scurry.cache", "stale")
	if !eventually(func() bool { return len(c.linked(stale)) == 1 }) {
		t.Fatal("no validation is linked to what has caused it")
	}
	validation := c.await(t, c.linked(stale)[0].trace, "revalidate", "GET")
	chain(t, validation...)
	validation[1].want(t, "scurry.reason", "revalidate", "http.response.status_code", "304")
	if sent() != validation[1].carried() {
		t.Errorf("the origin is sent %s for the validation", sent())
	}

	trace, _ = inTrace(t, f.client, 5, node.url("p"), "Cache-Control: no-store")
	pass := c.await(t, trace, "GET", "lookup", "GET")
	pass[0].want(t, "scurry.cache", "pass")
	pass[2].want(t, "scurry.reason", "pass")
	chain(t, pass[0], pass[2])

	f.o.Close()
	trace, status := inTrace(t, f.client, 6, node.url("g"))
	failed := c.await(t, trace, "GET", "lookup", "GET")
	failed[0].want(t, "error.type", "502")
	failed[2].want(t, "error.type", "connection_refused")
	if status != http.StatusBadGateway || failed[0].Status.Code != 2 || failed[2].Status.Code != 2 {
		t.Errorf("status %d, %v, %v", status, failed[0].Status, failed[2].Status)
	}
}

// TestTracingOfThreeNodes: a trace goes through the nodes, and has its parents right.
func TestTracingOfThreeNodes(t *testing.T) {
	c := newCollector(t)
	f := fleetOf(t, newMembers(t, 3)...)
	for _, m := range f.all {
		m.env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.grpc,
			"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_BSP_SCHEDULE_DELAY=20"}
		m.serve(f.o.URL, "--peers="+strings.Join(f.names(), ","))
		m.start(t)
	}
	f.await(t, f.all...)
	f.o.Handle("/f", origintest.File{Size: 1 << 20, ETag: `"1"`, Header: maxAge(60)}.ServeHTTP)
	f.o.Handle("/old", origintest.File{Size: 100, ETag: `"1"`, Header: swr}.ServeHTTP)
	owner := f.owner(t, f.all[0], "f")
	first, second := f.but(owner)[0], f.but(owner)[1]

	trace, _ := inTrace(t, f.client, 1, first.url("f"))
	miss := c.await(t, trace, "GET", "lookup", "peer lookup", "peer lookup", "GET")
	chain(t, miss[0], miss[1])
	chain(t, miss[0], miss[2], miss[3], miss[4])
	miss[0].want(t, "scurry.cache", "miss", "scurry.source", "peer", "scurry.owner", owner.peer)
	miss[2].want(t, "scurry.peer", owner.peer, "scurry.cache", "miss")
	for i, m := range []*member{first, first, first, owner, owner} {
		if name := miss[i].node["service.instance.id"]; name != m.peer {
			t.Errorf("the span %s is that of %s, not of %s", miss[i].Name, name, m.peer)
		}
	}
	var sent string
	for _, r := range f.o.Requests() {
		if r.URI == "/f" {
			sent = r.Header.Get("Traceparent")
		}
	}
	if sent != miss[4].carried() {
		t.Errorf("the origin is sent %q, not %q", sent, miss[4].carried())
	}

	trace, _ = inTrace(t, f.client, 2, second.url("f"), "Range: bytes=0-9")
	hit := c.await(t, trace, "GET", "lookup", "peer lookup", "peer lookup", "peer chunk")
	chain(t, hit[0], hit[2], hit[3])
	hit[0].want(t, "scurry.cache", "hit", "scurry.source", "peer")
	hit[3].want(t, "scurry.cache", "hit")

	// To ask who owns it, once it is stale, would begin a validation as well.
	holder := f.owner(t, first, "old")
	inTrace(t, f.client, 3, first.url("old"))
	trace, _ = inTrace(t, f.client, 4, holder.url("old"))
	stale := c.await(t, trace, "GET")[0]
	stale.want(t, "scurry.cache", "stale")
	if !eventually(func() bool { return len(c.linked(stale)) == 1 }) {
		t.Error("no validation is linked to what has caused it")
	}
}

// TestTracingOff: without the variables, or where they say so, the origin is sent what clients
// send.
func TestTracingOff(t *testing.T) {
	c := newCollector(t)
	endpoint := "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.http
	for name, env := range map[string][]string{
		"unset":       nil,
		"no exporter": {endpoint, "OTEL_TRACES_EXPORTER=none"},
		"no SDK":      {endpoint, "OTEL_SDK_DISABLED=true"},
		"no such":     {endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=pigeon"},
	} {
		t.Run(name, func(t *testing.T) {
			f := lone(t, env)
			trace, _ := inTrace(t, f.client, 1, f.all[0].url("f"))
			if got := f.o.Requests()[0].Header.Get("Traceparent"); got != "00-"+trace+
				"-1111111111111111-01" {
				t.Errorf("the origin is sent %s", got)
			}
			warned := len(f.all[0].log.with(0, "nothing is traced"))
			if warned != 0 != (name == "no such") || f.all[0].log.awaitAfter(t, 0, "request",
				nil)["trace_id"] != nil {
				t.Errorf("the log is %v", f.all[0].log.all())
			}
		})
	}
	if n := c.count(); n > 0 {
		t.Errorf("there are %d spans", n)
	}
}

// TestTracingSampled: the sampler decides. A ratio goes by the trace's id.
func TestTracingSampled(t *testing.T) {
	c := newCollector(t)
	endpoint := "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.http
	f := lone(t, []string{endpoint, "OTEL_TRACES_SAMPLER=traceidratio",
		"OTEL_TRACES_SAMPLER_ARG=0.5"})
	f.o.Handle("/f", origintest.File{Size: 100, ETag: `"1"`, Header: maxAge(60)}.ServeHTTP)
	less, _ := inTrace(t, f.client, 1, f.all[0].url("f"))
	inTrace(t, f.client, 0xffff<<48, f.all[0].url("f"))
	off := lone(t, []string{endpoint, "OTEL_TRACES_SAMPLER=always_off"})
	trace, _ := inTrace(t, f.client, 2, off.all[0].url("f"))
	if got := off.o.Requests()[0].Header.Get("Traceparent"); !strings.HasPrefix(got, "00-"+trace) ||
		!strings.HasSuffix(got, "-00") {
		t.Errorf("the origin is sent %s", got)
	}
	for _, m := range []*member{f.all[0], off.all[0]} {
		send(t, m.cmd, os.Interrupt)
		if code := m.exit(); code != exitOK {
			t.Errorf("exit code %d", code)
		}
	}
	c.await(t, less, "GET", "lookup", "GET")
	if n := c.count(); n != 3 {
		t.Errorf("there are %d spans", n)
	}
}

// TestTracingEnds: the spans that wait are exported when a node stops.
func TestTracingEnds(t *testing.T) {
	c := newCollector(t)
	f := lone(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.http,
		"OTEL_BSP_SCHEDULE_DELAY=600000"})
	trace, _ := inTrace(t, f.client, 1, f.all[0].url("f"))
	send(t, f.all[0].cmd, os.Interrupt)
	if code := f.all[0].exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	c.await(t, trace, "GET", "lookup", "GET")
}

// TestTracingWithoutCollector: a collector that is away, or that never answers, harms nobody, is
// logged once, and doesn't keep the node from stopping.
func TestTracingWithoutCollector(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, env := range map[string][]string{
		"away": {"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + loopback(freePorts(t, 1)[0])},
		"silent": {"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + silent.Addr().String(),
			"OTEL_BSP_EXPORT_TIMEOUT=100"},
		"grpc": {"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + silent.Addr().String(),
			"OTEL_BSP_EXPORT_TIMEOUT=100", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
	} {
		t.Run(name, func(t *testing.T) {
			f := lone(t, env, "--grace=1s")
			node := f.all[0]
			f.o.Handle("/f", origintest.File{Size: 100, ETag: `"1"`, Header: maxAge(60)}.ServeHTTP)
			for n := range uint64(3000) { // more than the queue takes
				if _, status := inTrace(t, f.client, n+1, node.url("f")); status != http.StatusOK {
					t.Fatalf("status %d", status)
				}
			}
			node.log.awaitAfter(t, 0, "spans can't be exported", nil)
			inTrace(t, f.client, 1, node.url("f"))
			send(t, node.cmd, os.Interrupt)
			if code := node.exit(); code != exitOK {
				t.Errorf("exit code %d", code)
			}
			node.log.await(t, "stopped")
			if n := len(node.log.with(0, "spans can't be exported")); n != 1 {
				t.Errorf("it is logged %d times", n)
			}
		})
	}
}
