// Package otlp exports the spans of the command by OTLP, as OpenTelemetry's environment variables
// say: they go in, and a TracerProvider comes out.
//
//	spans ─► sampler ─► queue, which is bounded ─► exporter ─► collector
//	                                                   └ errors ─► Reporter ─► log
//
// The SDK reads most of the variables by itself. This package reads those that the SDK leaves to
// programs. A span never waits for the collector.
package otlp

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/grpclog"
)

// Node is what a node tells of itself. Empty fields are left out. The environment wins.
type Node struct{ Version, Name string }

// Tracing is where a node's spans go.
type Tracing struct {
	Provider   trace.TracerProvider          // nil if nothing is traced
	Propagator propagation.TextMapPropagator // nil for the usual one

	provider *sdk.TracerProvider
	exporter *otlptrace.Exporter
}

// Open returns the Tracing that env, the process's environment, asks for. It must be closed. What
// is wrong with env goes to the log, and nothing is traced then: an observer's mistake ends no
// node.
func Open(env []string, n Node, log zerolog.Logger) *Tracing {
	s := settingsOf(env)
	reporter := &Reporter{Log: log, Now: time.Now}
	for _, problem := range s.problems {
		log.Warn().Msg(problem)
	}
	if !s.on {
		return &Tracing{}
	}
	otel.SetErrorHandler(reporter)
	otel.SetLogger(reporter.logr())
	exporter, err := export(s.protocol)
	if err != nil {
		log.Error().Err(err).Msg("nothing is traced: the exporter can't be made")
		return &Tracing{}
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(n.resource()))
	return &Tracing{Provider: p, Propagator: s.propagator, provider: p, exporter: exporter}
}

// export makes the exporter of a protocol. It connects when there is something to be sent.
func export(protocol string) (*otlptrace.Exporter, error) {
	if protocol != "grpc" {
		return otlptracehttp.New(context.Background())
	}
	quiet()
	return otlptracegrpc.New(context.Background())
}

// quiet has gRPC print nothing: what concerns an export is in its error.
var quiet = sync.OnceFunc(func() {
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
})

// resource is what all spans tell of where they are from.
func (n Node) resource() *resource.Resource {
	a := []attribute.KeyValue{attribute.String("service.name", "scurry")}
	if n.Version != "" {
		a = append(a, attribute.String("service.version", n.Version))
	}
	if n.Name != "" {
		a = append(a, attribute.String("service.instance.id", n.Name))
	}
	r, err := resource.New(context.Background(), resource.WithAttributes(a...),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		otel.Handle(err) // r has the rest
	}
	return r
}

// Close exports the spans that wait, until ctx ends. What can't be exported by then is lost.
func (t *Tracing) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	err := t.provider.Shutdown(ctx)
	if ctx.Err() != nil { // the exporter may still wait for the collector
		err = errors.Join(err, t.exporter.Shutdown(ctx))
	}
	return err
}

// settings are what the environment says.
type settings struct {
	on         bool
	protocol   string
	propagator propagation.TextMapPropagator
	problems   []string // for the log
}

func settingsOf(env []string) (s settings) {
	get := func(names ...string) string {
		for _, name := range names {
			for _, pair := range env {
				value, ok := strings.CutPrefix(pair, name+"=")
				if value = strings.TrimSpace(value); ok && value != "" {
					return value
				}
			}
		}
		return ""
	}
	endpoint := get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	exporter := get("OTEL_TRACES_EXPORTER")
	switch {
	case strings.EqualFold(get("OTEL_SDK_DISABLED"), "true"), exporter == "none":
	case exporter == "":
		s.on = endpoint != ""
	case exporter == "otlp":
		s.on = true
	default:
		s.problem("nothing is traced: OTEL_TRACES_EXPORTER is otlp or none, not " + exporter)
	}
	if s.on {
		s.setProtocol(get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"))
		s.setPropagators(get("OTEL_PROPAGATORS"))
	}
	return s
}

func (s *settings) problem(text string) { s.problems = append(s.problems, text) }

func (s *settings) setProtocol(name string) {
	switch s.protocol = name; name {
	case "":
		s.protocol = "http/protobuf"
	case "http/protobuf", "http/json", "grpc":
	default:
		s.on = false
		s.problem("nothing is traced: OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf, http/json " +
			"or grpc, not " + name)
	}
}

// setPropagators takes a list of propagators. Baggage goes on like any other field, in the list or
// not.
func (s *settings) setPropagators(list string) {
	if list == "" {
		return
	}
	s.propagator = propagation.NewCompositeTextMapPropagator() // none
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); name {
		case "tracecontext":
			s.propagator = nil
		case "baggage", "none", "":
		default:
			s.problem("OTEL_PROPAGATORS: this program doesn't have " + name +
				"; it has tracecontext")
		}
	}
}
