package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// wire is an origin that takes note of request lines as they come. Its answers are cacheable, and
// tell them.
type wire struct {
	base  *url.URL
	mu    sync.Mutex
	lines []string
}

func newWire(t *testing.T, base string) *wire {
	l := origintest.Listen(t)
	u, err := url.Parse("http://" + l.Addr().String() + base)
	if err != nil {
		t.Fatal(err)
	}
	o := &wire{base: u}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { o.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return o
}

func (o *wire) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	for header := ""; err == nil && header != "\r\n"; {
		header, err = r.ReadString('\n')
	}
	line = strings.TrimSuffix(line, "\r\n")
	o.mu.Lock()
	o.lines = append(o.lines, line)
	o.mu.Unlock()
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nConnection: "+
		"close\r\nContent-Length: %d\r\n\r\n", len(line))
	if !strings.HasPrefix(line, "HEAD") {
		io.WriteString(c, line)
	}
}

// heard returns the request lines since the last time.
func (o *wire) heard() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.lines
	o.lines = nil
	return lines
}

// targets are paths under the mount, and queries, that mustn't be spelled otherwise on their way.
func targets() []string {
	return []string{
		"", "a", "%7E", "~", "%7e", "%2D", "%2d", "%3a", "%3A", ":", "[1]", "%5B1%5D", "'", "%27",
		"+", "%2B", ";", "%3B", "a%20b",
		"/a", "//a/", "a//b/", "a%2Fb", "a%2fb", "a%3Fb", "%25", "%2525", "!$&()*,=@",
		"%41/%62?%63", "é", "%C3%A9", "%c3%a9", "\xe9", "%E9",
		`{%7E}`, `a|b%2d`, `"<>^` + "`", "/{%7E}", "//é%7e/", "a?", "a?b", "a?%7E=%2d;+'[]&é|{}",
		"a??b?", "...", "a/..b",
	}
}

// ask sends a request without a body as it is spelled here, and returns the answer's content.
func (n *node) ask(method, target string, fields ...string) (status, content string) {
	n.t.Helper()
	head := method + " " + target + " HTTP/1.1\r\nHost: n\r\nConnection: close\r\n"
	for _, field := range fields {
		head += field + "\r\n"
	}
	answer := n.raw(head + "\r\n")
	for strings.HasPrefix(answer, "HTTP/1.1 1") {
		_, answer, _ = strings.Cut(answer, "\r\n\r\n")
	}
	header, content, _ := strings.Cut(answer, "\r\n\r\n")
	line, header, _ := strings.Cut(header, "\r\n")
	for field := range strings.SplitSeq(header, "\r\n") {
		if value, ok := strings.CutPrefix(field, "Cache-Status: "); ok {
			status = value
		}
	}
	if !strings.HasPrefix(line, "HTTP/1.1 200") {
		n.t.Errorf("%s %q: %q", method, target, line)
	}
	return status, content
}

// TestPathGoesAsWritten: what arrives at the origin is what the client wrote, byte for byte, and is
// stored for that spelling only.
func TestPathGoesAsWritten(t *testing.T) {
	for _, base := range []string{"/", "/base%2d{%7e/"} {
		o := newWire(t, base)
		cfg := proxy.Config{Origin: origin.HTTP(o.base)}
		heardAsWritten(t, o, []*node{newNode(t, cfg)}, base)
		heardAsWritten(t, o, newCluster(t, 3, cfg).nodes, base)
	}
}

func heardAsWritten(t *testing.T, o *wire, nodes []*node, base string) {
	for i, target := range targets() {
		n := nodes[i%len(nodes)]
		want := "GET " + base + target + " HTTP/1.1"
		if strings.HasPrefix(base+target, "//") && !plain(target) {
			want = "GET http://" + o.base.Host + base + target + " HTTP/1.1" // which means the same
		}
		if status, got := n.ask("GET", "/files/"+target); got != want || strings.Contains(status,
			"hit") {
			t.Errorf("%q: the origin was asked %q, want %q; %s", target, got, want, status)
		}
		for _, n := range nodes {
			if status, got := n.ask("GET", "http://n/files/"+target); got != want ||
				!strings.Contains(status, "hit") {
				t.Errorf("%q again: %q, %s", target, got, status)
			}
		}
		if lines := o.heard(); len(lines) != 1 {
			t.Errorf("%q: the origin was asked %q", target, lines)
		}
		for _, method := range []string{"OPTIONS", "PROPFIND", "DELETE"} {
			n.ask(method, "/files/"+target)
			if lines := o.heard(); len(lines) != 1 || lines[0] != method+want[3:] {
				t.Errorf("%s %q: the origin was asked %q", method, target, lines)
			}
		}
		n.ask("HEAD", "/files/"+target)
		n.ask("GET", "/files/"+target, "Authorization: Basic YTpi", "Cache-Control: no-store")
		if lines := o.heard(); len(lines) != 2 || lines[0] != "HEAD"+want[3:] || lines[1] != want {
			t.Errorf("%q: the origin was asked %q", target, lines)
		}
	}
}

// plain reports whether no character of a path is to be escaped.
func plain(target string) bool {
	path, _, _ := strings.Cut(target, "?")
	return !strings.ContainsAny(path, "{}|\"<>^`") && !strings.ContainsFunc(path,
		func(r rune) bool { return r >= 0x80 })
}

// TestSpellingsAreInvalidatedTogether: on all nodes, whichever of them is written to, by whichever
// node and in whichever spelling.
func TestSpellingsAreInvalidatedTogether(t *testing.T) {
	o := newWire(t, "/")
	c := newCluster(t, 3, proxy.Config{Origin: origin.HTTP(o.base)})
	spellings := []string{"~a[é]", "%7Ea[é]", "%7ea[%C3%A9]", "%7e%61[%c3\xa9]"}
	for _, written := range spellings {
		for i, method := range []string{"POST", "PUT", "DELETE"} {
			for _, s := range spellings {
				for _, n := range c.nodes {
					n.ask("GET", "/files/"+s)
				}
			}
			o.heard()
			c.nodes[i].ask(method, "/files/"+written)
			for _, s := range spellings {
				if status, _ := c.nodes[(i+1)%3].ask("GET", "/files/"+s); strings.Contains(status,
					"hit") {
					t.Errorf("%s of %q leaves %q: %s", method, written, s, status)
				}
			}
			if lines := o.heard(); len(lines) != 1+len(spellings) {
				t.Errorf("the origin was asked %q", lines)
			}
		}
	}
}

// TestSpellingsShareAnOwner: and its budget.
func TestSpellingsShareAnOwner(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	for i := range 20 {
		owner := c.nodes[0].Owner(fmt.Sprintf("~a/%d", i))
		for _, s := range []string{"%%7Ea/%d", "%%7ea/%d", "%%7e%%61/%d"} {
			if got := c.nodes[1].Owner(fmt.Sprintf(s, i)); got != owner {
				t.Errorf("the owner of %s is %s and not %s", s, got, owner)
			}
		}
	}
}

// folder is an origin of files with that content.
func folder(t *testing.T, files map[string]string) *origin.Dir {
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name,
			[]byte(content), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := origin.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestFolderTakesAnySpelling: a file has one name, however that is spelled, but a slash in it isn't
// spelled otherwise.
func TestFolderTakesAnySpelling(t *testing.T) {
	n := newNode(t, proxy.Config{Origin: folder(t, map[string]string{"~a {é}": "acorn",
		"a/b{": "beech"})})
	for _, target := range []string{"~a%20{é}", "%7ea%20{é}", "%7E%61%20%7B%C3%A9%7d"} {
		if _, got := n.ask("GET", "/files/"+target); got != "acorn" {
			t.Errorf("%q: %q", target, got)
		}
	}
	for _, target := range []string{"a%2Fb{", "a%2fb%7B"} {
		if answer := n.raw("GET /files/" + target + " HTTP/1.0\r\n\r\n"); !strings.HasPrefix(answer,
			"HTTP/1.0 404") {
			t.Errorf("%q: %q", target, answer)
		}
	}
}

// TestLibraryOriginSeesSpelling: a RoundTripper finds the path as it was written in RawPath, and
// what it means in Path.
func TestLibraryOriginSeesSpelling(t *testing.T) {
	oneNode(t) // its origin is asked by this process alone
	var got *url.URL
	n := newNode(t, proxy.Config{Origin: roundTrip(func(r *http.Request) (*http.Response, error) {
		got = r.URL
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody,
			Request: r}, nil
	})})
	n.ask("GET", "/files/%7E{é}%2F?%7E")
	if got == nil || got.RawPath != "/%7E{é}%2F" || got.Path != "/~{é}/" || got.RawQuery != "%7E" ||
		got.Host != "origin.invalid" {
		t.Errorf("the origin was asked for %#v", got)
	}
}

// TestSpellingIsTold: Cache-Status, Explain and both kinds of log lines show the path as it was
// written.
func TestSpellingIsTold(t *testing.T) {
	o := newWire(t, "/")
	oneNode(t)
	var log logbook
	logger := zerolog.New(&log)
	n := newNode(t, proxy.Config{Origin: origin.HTTP(o.base), Logger: &logger})
	status, _ := n.ask("GET", "/files/%7E{b}?%7E")
	if !strings.Contains(status, `key="%7E{b}?%7E"`) {
		t.Errorf("Cache-Status: %s", status)
	}
	e := n.explain(false, "GET", "/files/%7E{b}?%7E").String()
	for _, want := range []string{"/files/%7E{b}?%7E", "Key          %7E{b}?%7E",
		"all spellings of ~%7Bb%7D?%7E are invalidated together"} {
		if !strings.Contains(e, want) {
			t.Errorf("nothing says %q:\n%s", want, e)
		}
	}
	n.Server.Close() // by when the request is logged
	for _, want := range []string{`"uri":"/files/%7E{b}?%7E"`, `"url":"http://` + o.base.Host +
		`/%7E{b}?%7E"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("nothing says %s:\n%s", want, log.String())
		}
	}
}
