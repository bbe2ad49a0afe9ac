package otlp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestSettings(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"
	for env, want := range map[string]struct {
		on, problem bool
		protocol    string
		carries     bool
	}{
		"":                              {},
		"OTEL_EXPORTER_OTLP_ENDPOINT= ": {},
		"OTEL_SERVICE_NAME=a":           {},
		endpoint: {on: true, protocol: "http/protobuf",
			carries: true},
		"OTEL_TRACES_EXPORTER=otlp": {on: true, protocol: "http/protobuf",
			carries: true},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=a": {on: true, protocol: "http/protobuf",
			carries: true},
		endpoint + " OTEL_TRACES_EXPORTER=none": {},
		endpoint + " OTEL_TRACES_EXPORTER=x":    {problem: true},
		endpoint + " OTEL_SDK_DISABLED=TRUE":    {},
		endpoint + " OTEL_SDK_DISABLED=false": {on: true, protocol: "http/protobuf",
			carries: true},
		endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=grpc": {on: true, protocol: "grpc", carries: true},
		endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json": {
			on: true, protocol: "http/json", carries: true,
		},
		endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=x": {problem: true, protocol: "x",
			carries: true},
		endpoint + " OTEL_PROPAGATORS=baggage,tracecontext": {on: true, protocol: "http/protobuf",
			carries: true},
		endpoint + " OTEL_PROPAGATORS=none": {on: true, protocol: "http/protobuf"},
		endpoint + " OTEL_PROPAGATORS=b3": {on: true, problem: true,
			protocol: "http/protobuf"},
	} {
		var list []string
		for pair := range strings.SplitSeq(env, " ") {
			list = append(list, pair)
		}
		s := settingsOf(list)
		carries := s.protocol != "" && s.propagator == nil
		if s.on != want.on || len(s.problems) > 0 != want.problem || s.protocol != want.protocol ||
			carries != want.carries {
			t.Errorf("%q: %+v", env, s)
		}
	}
}

// TestReports: an error is logged at once, and those of the next minute are counted.
func TestReports(t *testing.T) {
	var log bytes.Buffer
	now := time.Now()
	r := &Reporter{Log: zerolog.New(&log), Now: func() time.Time { return now }}
	for range 3 {
		r.Handle(errors.New("a"))
	}
	now = now.Add(pause)
	r.logr().Error(errors.New("b"), "c")
	r.logr().V(1).Info("d")
	r.logr().V(4).Info("e")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"error":"a","errors":1`) ||
		!strings.Contains(lines[1], `"errors":3`) {
		t.Errorf("%q", lines)
	}
}
