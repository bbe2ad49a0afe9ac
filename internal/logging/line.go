package logging

import (
	"net/http"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/internal/popular"
	"github.com/scurrycache/scurry/internal/trace"
)

// AccessLog is where requests go that have ended: to a logger, which must be set, into counts, to a
// Tracer, which may be nil, and those for resources into a table of what is asked for most. It may
// be used concurrently.
type AccessLog struct {
	Logger   *zerolog.Logger
	Requests measure.Requests
	Popular  popular.Table
	Tracer   *trace.Tracer
}

// Line is what the access log tells about a request.
type Line struct {
	Entry
	ID, Remote, Method, Host, URI, Proto, UserAgent string

	Status      int
	Bytes       int64         // of the content that were sent
	Took, First time.Duration // until the end of the response, and until its head
	Aborted     bool          // the response is cut

	Span *trace.Span // of the request; nil if it isn't traced
}

// LogNext counts l and logs it, with a new ID. Its request has that header, and no Span yet.
func (l *Line) LogNext(to *AccessLog, header http.Header) {
	if to.Tracer != nil {
		l.begin(to.Tracer, header)
	}
	if e := l.event(to); e != nil {
		var b [64]byte
		id := append(append(b[:0], process...), '-')
		e.Bytes("id", strconv.AppendUint(id, requests.Add(1), 36))
		l.send(e)
	}
}

func (l *Line) log(to *AccessLog) {
	if e := l.event(to); e != nil {
		l.send(e.Str("id", l.ID))
	}
}

// event counts l's request, ends its Span, and begins l, or returns nil if it isn't logged.
func (l *Line) event(to *AccessLog) *zerolog.Event {
	nth := to.Requests.Ended(measure.Request{
		Cache: l.Cache, Source: l.Source, Status: l.Status, Bytes: l.Bytes,
		Took: l.Took, First: l.First, Aborted: l.Aborted,
	})
	if l.Cache != "" {
		to.Popular.Count(nth, l.URI, l.Bytes)
	}
	if l.Span != nil {
		l.endSpan()
	}
	level := zerolog.InfoLevel
	if l.Status >= 500 || l.Err != nil {
		level = zerolog.WarnLevel
	}
	return to.Logger.WithLevel(level)
}

func (l *Line) send(e *zerolog.Event) {
	var took, first [32]byte
	if l.Client != "" {
		e.Str("remote", l.Client).Str("proxy", l.Remote)
	} else {
		e.Str("remote", l.Remote)
	}
	e.Str("method", l.Method).Str("host", l.Host).Str("uri", l.URI).
		Str("proto", l.Proto).Int("status", l.Status).Int64("bytes", l.Bytes).
		RawJSON("duration_ms", appendMilliseconds(took[:0], l.Took)).
		RawJSON("ttfb_ms", appendMilliseconds(first[:0], l.First)).
		Str("user_agent", l.UserAgent)
	l.cacheFields(e)
	if l.Err != nil {
		e.AnErr("error", l.Err)
	}
	if l.Aborted {
		e.Bool("aborted", true)
	}
	l.Span.Log(e)
	e.Msg("request")
}

// cacheFields adds the fields of entry that are set.
func (entry *Entry) cacheFields(e *zerolog.Event) {
	add := func(name, value string) {
		if value != "" {
			e.Str(name, value)
		}
	}
	add("cache", entry.Cache)
	add("source", entry.Source)
	add("owner", entry.Owner)
	add("peer", entry.Peer)
	add("version", entry.Version)
	add("note", entry.Note)
	if entry.HasAge {
		e.Int64("age", int64(entry.Age/time.Second))
	}
}
