package fastlane

import (
	"hash/maphash"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/hostport"
	"github.com/scurrycache/scurry/internal/site"
)

// known are fields that have been used lately, where their hashes place them: a client sends the
// same lines again and again.
type known [1 << 10]atomic.Pointer[fields]

var seed = maphash.MakeSeed()

func (k *known) place(raw []byte) *atomic.Pointer[fields] {
	return &k[maphash.Bytes(seed, raw)%uint64(len(k))]
}

// find returns the fields of raw, or nil if they aren't known.
func (k *known) find(method string, raw []byte) *fields {
	f := k.place(raw).Load()
	if f == nil || f.request.Method != method || f.raw != text(raw) {
		return nil
	}
	return f
}

// fields returns the fields that raw has, with its empty line at the end, but for those that carry
// a trace, which come by themselves if traces are of interest. It returns nil if one isn't plain.
func (l *Lane) fields(method string, raw []byte) (f *fields, trace http.Header) {
	if f = l.known.find(method, raw); f != nil {
		return f, nil
	}
	var room [1 << 10]byte
	rest, values, ok := cutTrace(room[:0], raw)
	if !ok {
		return nil, nil
	}
	if len(rest) < len(raw) {
		if f = l.known.find(method, rest); l.log.Tracer != nil {
			trace = carried(&values)
		}
	}
	if f == nil {
		f = l.learn(method, rest)
	}
	return f, trace
}

// learn is fields for lines that aren't known, and none of which carries a trace.
func (l *Lane) learn(method string, raw []byte) *fields {
	f := l.readFields(string(raw))
	if f == nil {
		return nil
	}
	if trusted := l.gate.Trusted; len(trusted) > 0 {
		if client, told := trusted.Client(f.request.Header); told {
			f.client, f.shown = client, client.String()
		}
	}
	f.request = l.server.Request(&http.Request{Method: method, Header: f.request.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, "")
	l.known.place(raw).Store(f)
	return f
}

// readFields reads field lines. Of the request it returns the header only.
func (l *Lane) readFields(raw string) *fields {
	header := http.Header{}
	for line := range strings.SplitSeq(strings.TrimSuffix(raw, "\r\n\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		name, ok := l.admitted[strings.ToLower(name)]
		if !ok || !plainValue(value) || header[name] != nil {
			return nil
		}
		header[name] = []string{value}
	}
	host, connection := header.Get("Host"), header.Get("Connection")
	if header["Host"] == nil || !hostport.Valid(host) ||
		connection != "" && !strings.EqualFold(connection, "keep-alive") {
		return nil
	}
	delete(header, "Host")
	read := header.Clone()
	delete(header, "Connection")
	return &fields{raw: raw, host: host, userAgent: header.Get("User-Agent"), header: read,
		request: decide.Request{Header: header}}
}

// admitted are the fields that a plain request may have, by their names in lower case: those that
// clients send with most requests, which frame no message, and which are no directives; and those
// that the site has rules about, which are none of these either.
func admitted(s *site.Site) map[string]string {
	names := map[string]string{}
	for _, name := range slices.Concat(s.KeyFields, s.DropFields, []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Baggage", "Connection", "Cookie", "Dnt",
		"Forwarded", "Host", "If-Modified-Since", "If-None-Match", "If-Range", "Origin",
		"Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform",
		"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc",
		"Upgrade-Insecure-Requests", "User-Agent", "Via",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip",
	}) {
		names[strings.ToLower(name)] = name
	}
	return names
}
