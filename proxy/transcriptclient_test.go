package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// came is what a client got.
type came struct {
	*http.Response
	content  string
	broken   error
	interims []string
}

// String is what came, for messages.
func (c *came) String() string {
	var b strings.Builder
	for _, i := range c.interims {
		fmt.Fprintf(&b, "\t\tinterim %s\n", i)
	}
	fmt.Fprintf(&b, "\t\t%d\n", c.StatusCode)
	var fields []string
	for name, values := range c.Header {
		fields = append(fields, "\t\t"+name+": "+strings.Join(values, ", ")+"\n")
	}
	slices.Sort(fields)
	b.WriteString(strings.Join(fields, "") + "\n\t\t" + strings.ReplaceAll(c.content, "\n",
		"\n\t\t"))
	if c.broken != nil {
		fmt.Fprintf(&b, "\n\t\t(%v)", c.broken)
	}
	return b.String()
}

// send asks q of n and reads all that comes; it calls sent when the request is on its way.
func (r *transcript) send(q *question, n *node, sent func()) (*came, error) {
	fields, err := r.expander(n.URL).expandAll(q.fields)
	if err != nil {
		return nil, err
	}
	got := &came{}
	ctx, cancel := context.WithTimeout(r.t.Context(), 3*patience)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { sent() },
		Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
			text := strconv.Itoa(status)
			for name, values := range h {
				text += " " + name + ": " + strings.Join(values, ", ")
			}
			got.interims = append(got.interims, text)
			return nil
		},
	})
	req, err := http.NewRequestWithContext(ctx, q.method, n.URL+q.path, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f.text, ":")
		value = strings.TrimPrefix(value, " ")
		if name == "body" {
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(value)), int64(len(value))
			continue
		}
		req.Header.Add(name, value)
	}
	if got.Response, err = n.client.Do(req); err != nil {
		if q.aborted && errors.Is(err, io.EOF) { // it has broken off before its head was sent
			got.Response, got.broken = &http.Response{StatusCode: q.status, Body: http.NoBody,
				Header: http.Header{}}, err
			return got, nil
		}
		return nil, err
	}
	defer got.Body.Close()
	var b []byte
	b, got.broken = io.ReadAll(got.Body)
	got.content = string(b)
	got.plain()
	return got, nil
}

// plain gives the parts of a multipart response a boundary that is always the same, ends their
// lines as files do, and leaves out the last end.
func (c *came) plain() {
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return
	}
	c.Header.Set("Content-Type", strings.ReplaceAll(c.Header.Get("Content-Type"),
		params["boundary"], "BOUNDARY"))
	c.content = strings.ReplaceAll(strings.ReplaceAll(c.content, params["boundary"], "BOUNDARY"),
		"\r\n", "\n")
	c.content = strings.TrimSuffix(c.content, "\n")
}

// problem is what isn't as a line of a transcript wants it.
type problem struct {
	line
	came string // what would do
}

// compare finds what isn't as q wants it.
func (r *transcript) compare(q *question, n *node, got *came) (problems []problem) {
	e := r.expander(n.URL)
	miss := func(l line, format string, args ...any) {
		problems = append(problems, problem{l, fmt.Sprintf(format, args...)})
	}
	if got.StatusCode != q.status && q.status != anyStatus {
		miss(q.line, "status %d", got.StatusCode)
	}
	if (got.broken != nil) != q.aborted && q.status != anyStatus {
		miss(q.line, "the content ends with %v", got.broken)
	}
	checks, err := e.expandAll(q.checks)
	if err != nil {
		miss(q.line, "%v", err)
	}
	for i, c := range checks {
		if text := got.unlike(c.text); text != "" {
			miss(q.checks[i], "%s", text)
		}
	}
	for i, l := range q.interims {
		status, field, _ := strings.Cut(l.text, " ")
		name, value, _ := strings.Cut(field, ": ")
		if i >= len(got.interims) || !strings.HasPrefix(got.interims[i], status) ||
			!holds(got.interims[i], "~"+name) ||
			!strings.Contains(got.interims[i], strings.TrimPrefix(value, "~")) {
			miss(l, "interim responses %q", got.interims)
		}
	}
	if len(got.interims) > len(q.interims) {
		miss(q.line, "interim responses %q", got.interims)
	}
	want, err := e.expand(content(q.content))
	if err != nil {
		miss(q.line, "%v", err)
	}
	if q.hasContent && got.content != want {
		miss(line{q.content[0].n, content(q.content)}, "%s", got.content)
	}
	return problems
}

// unlike is the line that would hold in the place of one that doesn't, or else empty.
func (c *came) unlike(check string) string {
	if absent, ok := strings.CutPrefix(check, "!"); ok {
		if values := c.Header.Values(absent); len(values) > 0 {
			return absent + ": " + strings.Join(values, ", ")
		}
		return ""
	}
	h, kind := c.Header, ""
	if field, ok := strings.CutPrefix(check, "trailer "); ok {
		h, kind, check = c.Trailer, "trailer ", field
	}
	name, want, _ := strings.Cut(check, ":")
	values := h.Values(name)
	if joined := strings.Join(values, ", "); len(values) == 0 ||
		!holds(joined, strings.TrimPrefix(want, " ")) {
		if len(values) == 0 && strings.HasPrefix(want, " !~") {
			return ""
		}
		return kind + name + ": " + joined
	}
	return ""
}

// report ends the test if there are problems, or lets -update remove them.
func (r *transcript) report(q *question, got *came, problems []problem) {
	r.t.Helper()
	var rest []string
	edits := map[int][]string{}
	for _, p := range problems {
		_, want, _ := strings.Cut(p.text, ": ")
		isBody := len(q.content) > 0 && p.n == q.content[0].n
		isField := slices.ContainsFunc(q.checks, func(l line) bool { return l.n == p.n }) &&
			!loose(p.text) && !loose(want)
		if !*update || r.edits == nil || !isBody && !isField {
			rest = append(rest, fmt.Sprintf("%s:%d: %s\n\t  came: %s", r.file, p.n, p.text, p.came))
			continue
		}
		edits[p.n] = indented(p.came)
		if isBody {
			for _, l := range q.content[1:] {
				edits[l.n] = nil
			}
		}
	}
	if len(rest) > 0 {
		r.t.Fatalf("%s\n\t%s\n%s", q.text, strings.Join(append(rest, r.origin.wrong(false)...),
			"\n\t"), got)
	}
	maps.Copy(r.edits, edits)
}

// indented is text as lines that belong to a step.
func indented(text string) (lines []string) {
	for l := range strings.SplitSeq(text, "\n") {
		if l != "" {
			l = "\t" + l
		}
		lines = append(lines, l)
	}
	return lines
}
