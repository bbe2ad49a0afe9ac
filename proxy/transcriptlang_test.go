package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The language of the transcripts in ../testdata/*.txtar. Each section of an archive is a case:
// steps, one on a line, with what belongs to them indented below by a tab. What begins with # is a
// comment.
//
//	config max-stale 5m                 sets a field of proxy.Config
//	origin GET /a?x=1                   queues an exchange: the origin is to be asked for this, by GET|HEAD with either method,
//	                                    before the next client step is over; if there is a wait after it, before that is
//		> If-None-Match: "1"            the request must have this; with ~text as the value, text must be in it
//		> !Range                        the request mustn't have this
//		> body: text                    the request's content
//		held                            the answer waits for a wait, or until all clients of a together have asked
//		takes 5s                        the clock moves on before the answer
//		maybe                           the origin needn't be asked for this, and if the request isn't as it must be, it isn't for it
//		HTTP/1.1 103 Early Hints        any number of interim responses
//
//		HTTP/1.1 200 OK                 the head as it is sent. A Content-Length is added, but not to one that has it or
//		Cache-Control: max-age=60       a Transfer-Encoding, nor after a line "close": then the connection's end ends it
//
//		body                            with a Transfer-Encoding, the lines of its framing; else the content
//	origin GET /b
//		close                           no answer: the connection is closed, and that of origin.HTTP's second try
//	client GET /files/a                 asks the next node in turn
//		> Accept-Language: de           a field of the request; "body: text" is its content
//		200                             the status, which comes first; "200 aborted" if the content breaks off; "any" will do
//		Age: 0                          the value, lines joined with a comma
//		Cache-Status: ~hit              text is in it; with !~hit, it isn't
//		!Set-Cookie                     there is no such field
//		interim 103 Link: ~style        the interim responses, all and in order
//		trailer Checksum: 42            a trailer field
//
//		body                            the content; not looked at if there is no blank line
//	together                            client steps below, indented, which are all on their way at once
//	advance 61s                         moves the clock of nodes and origin
//	wait                                until all that is queued has been asked for and answered
//
// Anywhere, {{now}} is an HTTP date, {{now-10s}} and {{now+1h}} others, {{now rfc850}} and {{now
// asctime}} in the obsolete formats, {{origin}} the origin's URL without a slash at its end,
// {{node}} that of the node that is asked, {{loop}} what the origin was last told in CDN-Loop, and
// {{"\t"}} what can't be written else, as a Go string.

// line is a line of an archive, without the indentation that says what it belongs to.
type line struct {
	n    int
	text string
}

// step is a line with those that belong to it.
type step struct {
	line
	block []line
}

// steps finds the steps in lines.
func steps(lines []line) (list []step, err error) {
	blank := 0 // lines that belong to the last step if more of it follows
	for _, l := range lines {
		inner, indented := strings.CutPrefix(l.text, "\t")
		switch {
		case strings.TrimSpace(l.text) == "":
			blank++
			continue
		case strings.HasPrefix(l.text, "#"):
		case indented && len(list) == 0:
			return nil, fmt.Errorf("line %d belongs to no step", l.n)
		case indented:
			last := &list[len(list)-1]
			for ; blank > 0; blank-- {
				last.block = append(last.block, line{l.n - blank, ""})
			}
			last.block = append(last.block, line{l.n, inner})
		default:
			list = append(list, step{line: l})
		}
		blank = 0
	}
	return list, nil
}

// verb is the first word of a step.
func (s step) verb() string { return strings.Fields(s.text)[0] }

// words are the n words after the verb.
func (s step) words(n int) ([]string, error) {
	words := strings.Fields(s.text)[1:]
	if len(words) != n {
		return nil, fmt.Errorf("%q has %d words after the first, not %d", s.text, len(words), n)
	}
	return words, nil
}

// numbered makes lines of a section that begins at line first.
func numbered(section []byte, first int) (lines []line) {
	for i, text := range strings.Split(strings.TrimSuffix(string(section), "\n"), "\n") {
		lines = append(lines, line{first + i, text})
	}
	return lines
}

// content joins the lines of a body.
func content(lines []line) string {
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.text)
	}
	return strings.Join(texts, "\n")
}

// exchange is what an origin step queues.
type exchange struct {
	line        int
	method, uri string
	wants       []line // of the request
	held, maybe bool
	again       bool // it stands for a second try
	takes       time.Duration
	close       bool       // the end of the connection is the end of the answer
	heads       [][]string // the last one is final
	content     string
	gate        <-chan struct{} // what a held one waits for
}

// parseExchange makes an exchange of an origin step.
func parseExchange(s step) (*exchange, error) {
	words, err := s.words(2)
	if err != nil {
		return nil, err
	}
	x := &exchange{line: s.n, method: words[0], uri: words[1]}
	rest := s.block
	for ; len(rest) > 0 && !strings.HasPrefix(rest[0].text, "HTTP/"); rest = rest[1:] {
		word, arg, _ := strings.Cut(rest[0].text, " ")
		switch word {
		case ">":
			x.wants = append(x.wants, line{rest[0].n, arg})
		case "held":
			x.held = true
		case "maybe":
			x.maybe = true
		case "close":
			x.close = true
		case "takes":
			if x.takes, err = time.ParseDuration(arg); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("line %d: %q isn't the beginning of a response", rest[0].n,
				rest[0].text)
		}
	}
	for interim := true; interim && len(rest) > 0; {
		interim = strings.HasPrefix(rest[0].text, "HTTP/1.1 1")
		var head []string
		for ; len(rest) > 0 && rest[0].text != ""; rest = rest[1:] {
			head = append(head, rest[0].text)
		}
		rest = rest[min(1, len(rest)):] // the blank line
		x.heads = append(x.heads, head)
	}
	x.content = content(rest)
	if len(x.heads) == 0 && !x.close {
		return nil, fmt.Errorf("line %d: no response", s.n)
	}
	return x, nil
}

// answers reports whether x is for a request. What needn't be asked for is only for one that has
// what x wants.
func (x *exchange) answers(req *http.Request, body string) bool {
	if x.uri != req.RequestURI || x.method != req.Method && (x.method != "GET|HEAD" ||
		req.Method != http.MethodGet && req.Method != http.MethodHead) {
		return false
	}
	return !x.maybe || !slices.ContainsFunc(x.wants, func(l line) bool {
		return unlike(req.Header,
			body, l.text) != ""
	})
}

// answer is x on the wire, as the answer to a request with that method.
func (x *exchange) answer(method string) string {
	var b strings.Builder
	for i, head := range x.heads {
		for _, field := range head {
			b.WriteString(field + "\r\n")
		}
		if i == len(x.heads)-1 && !x.framed(head) {
			fmt.Fprintf(&b, "Content-Length: %d\r\n", len(x.content))
		}
		b.WriteString("\r\n")
	}
	switch {
	case len(x.heads) == 0 || method == http.MethodHead:
	case hasField(x.heads[len(x.heads)-1], "transfer-encoding"):
		b.WriteString(strings.ReplaceAll(x.content, "\n", "\r\n") + "\r\n\r\n")
	default:
		b.WriteString(x.content)
	}
	return b.String()
}

// framed reports whether a response with that head needs no Content-Length of ours.
func (x *exchange) framed(head []string) bool {
	return x.close || hasField(head, "content-length") || hasField(head, "transfer-encoding") ||
		strings.HasPrefix(head[0], "HTTP/1.1 204") || strings.HasPrefix(head[0], "HTTP/1.1 304") ||
		x.method == http.MethodHead && x.content == "" // it doesn't say how long a content would be
}

func hasField(head []string, name string) bool {
	for _, f := range head {
		if n, _, _ := strings.Cut(f, ":"); strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// question is what a client step asks, and what must come back.
type question struct {
	step
	method, path string
	fields       []line // of the request
	status       int
	aborted      bool
	checks       []line
	interims     []line
	content      []line
	hasContent   bool
}

// anyStatus stands for whatever status comes.
const anyStatus = -1

// parseQuestion makes a request of a client step.
func parseQuestion(s step) (*question, error) {
	words, err := s.words(2)
	if err != nil {
		return nil, err
	}
	q := &question{step: s, method: words[0], path: words[1]}
	for i, l := range s.block {
		field, isRequest := strings.CutPrefix(l.text, "> ")
		interim, isInterim := strings.CutPrefix(l.text, "interim ")
		switch {
		case l.text == "":
			q.content, q.hasContent = s.block[i+1:], true
			return q, nil
		case isRequest:
			q.fields = append(q.fields, line{l.n, field})
		case isInterim:
			q.interims = append(q.interims, line{l.n, interim})
		case q.status == 0:
			status, aborted := strings.CutSuffix(l.text, " aborted")
			if status == "any" {
				status = strconv.Itoa(anyStatus)
			}
			if q.status, err = strconv.Atoi(status); err != nil {
				return nil, fmt.Errorf("line %d: %q isn't a status", l.n, l.text)
			}
			q.aborted = aborted
		default:
			q.checks = append(q.checks, l)
		}
	}
	if q.status == 0 {
		return nil, fmt.Errorf("line %d: no status", s.n)
	}
	return q, nil
}
