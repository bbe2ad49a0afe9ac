package handshake

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/scurrycache/scurry/internal/wire/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	helloA = Hello{Name: "a:1", Instance: "started at noon", Members: []string{"a:1", "b:1"}, Facts: []Fact{{"origin", "http://o/"}}}
	helloB = Hello{Name: "b:1", Instance: "started at dawn", Facts: []Fact{{"origin", "http://ö/\x01"}, {"chunk", "1 MiB"}}}
)

// greeting is what came of one.
type greeting struct {
	theirs Hello
	err    error
}

// greet makes both sides greet each other, and closes the connection of the side that fails.
func greet(dialed, accepted net.Conn, dialer, acceptor []byte) (d, a greeting) {
	side := func(g *greeting, conn net.Conn, dials bool, secret []byte, mine Hello) {
		if g.theirs, g.err = Greet(conn, dials, secret, mine, time.Minute); g.err != nil {
			_ = conn.Close()
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { side(&d, dialed, true, dialer, helloA) })
	wg.Go(func() { side(&a, accepted, false, acceptor, helloB) })
	wg.Wait()
	return d, a
}

func TestGreet(t *testing.T) {
	for _, tr := range wiretest.Transports {
		for _, secret := range []string{"", "open sesame"} {
			t.Run(fmt.Sprintf("%s/%q", tr.Name, secret), func(t *testing.T) {
				dialed, accepted := tr.Open(t)
				defer dialed.Close()
				defer accepted.Close()
				d, a := greet(dialed, accepted, []byte(secret), []byte(secret))
				if d.err != nil || a.err != nil || !reflect.DeepEqual(d.theirs, helloB) || !reflect.DeepEqual(a.theirs, helloA) {
					t.Errorf("%+v, %+v", d, a)
				}
			})
		}
	}
}

// Nothing is read beyond the greeting, even if it comes in one piece with its end; and no deadline
// stays.
func TestGreetReadsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		go func() {
			_, err := Greet(&lateConn{Conn: there, more: []byte("more")}, true, nil, helloA, time.Minute)
			if err != nil {
				t.Error(err)
			}
		}()
		if _, err := Greet(here, false, nil, helloB, time.Minute); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		b := make([]byte, 4)
		if _, err := io.ReadFull(here, b); err != nil || string(b) != "more" {
			t.Errorf("%q, %v", b, err)
		}
		_, _ = here.Close(), there.Close()
	})
}

// lateConn adds more to the third write, which is a dialer's last.
type lateConn struct {
	net.Conn
	writes int
	more   []byte
}

func (c *lateConn) Write(p []byte) (int, error) {
	if c.writes++; c.writes < 3 {
		return c.Conn.Write(p)
	}
	go func() { _, _ = c.Conn.Write(append(bytes.Clone(p), c.more...)) }()
	return len(p), nil
}

func TestGreetSecret(t *testing.T) {
	for _, secrets := range [][2]string{{"a", "b"}, {"", "b"}, {"a", ""}} {
		dialed, accepted := wiretest.Sockets(t)
		dialer, acceptor := &wiretap{Conn: dialed}, &wiretap{Conn: accepted}
		d, a := greet(dialer, acceptor, []byte(secrets[0]), []byte(secrets[1]))
		if !errors.Is(d.err, ErrSecret) || !strings.Contains(d.err.Error(), "refused") {
			t.Errorf("%q: the dialer: %v", secrets, d.err)
		}
		if !errors.Is(a.err, ErrSecret) || !strings.Contains(a.err.Error(), "proof is wrong") {
			t.Errorf("%q: the acceptor: %v", secrets, a.err)
		}
		if n := dialer.sent.Len(); n != 42+37 || acceptor.sent.Len() != 43 {
			t.Errorf("%q: %d and %d bytes were sent", secrets, n, acceptor.sent.Len())
		}
	}
}

// wiretap notes what is sent.
type wiretap struct {
	net.Conn
	sent bytes.Buffer
}

func (w *wiretap) Write(p []byte) (int, error) {
	w.sent.Write(p)
	return w.Conn.Write(p)
}

// opening is that of a side of this version.
func opening(version uint16) []byte {
	b := binary.BigEndian.AppendUint16([]byte("scurry\r\n"), version)
	return append(b, bytes.Repeat([]byte{7}, nonceSize)...)
}

// What comes from something else than a node with the same secret is refused with an error that
// says what it is.
func TestGreetStrangers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		sent  []byte
		want  error
		says  string
		sides string // which of ours it may meet
	}{
		{"request", []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ErrForeign, "HTTP", "acceptor"},
		{"response", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), ErrForeign, "HTTP", "dialer"},
		{"TLS", []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), ErrForeign, "TLS", "acceptor"},
		{"alert of TLS", []byte("\x15\x03\x01\x00\x02\x02\x16\x00"), ErrForeign, "TLS", "dialer"},
		{"garbage", []byte("\x00\x01\x02\x03\x04\x05\x06\x07"), ErrForeign, "begins with", "acceptor dialer"},
		{"version", opening(7), &VersionError{Ours: version, Theirs: 7}, "version 2 here, 7 there", "acceptor dialer"},
		{"nothing", nil, io.ErrUnexpectedEOF, "", "acceptor dialer"},
		{"false proof of nothing", append(append(opening(version), accepted), make([]byte, 4+32)...), ErrSecret, "proof", "acceptor"},
		{"something instead of a proof", append(append(opening(version), accepted), 0, 0, 0, 1), ErrTooLarge, "hello", "acceptor"},
		{"refusal", append(opening(version), refused), ErrSecret, "refused", "acceptor dialer"},
		{"another verdict", append(opening(version), 99), ErrForeign, "verdict", "acceptor dialer"},
		{"false proof", append(append(opening(version), accepted), make([]byte, 4+32)...), ErrSecret, "proof", "dialer"},
	} {
		for _, side := range strings.Fields(tt.sides) {
			t.Run(tt.name+" to the "+side, func(t *testing.T) {
				here, there := net.Pipe()
				got := make(chan []byte)
				go func() {
					b, _ := io.ReadAll(there)
					got <- b
				}()
				go func() {
					_, _ = there.Write(tt.sent)
					if len(tt.sent) == 0 {
						_ = there.Close()
					}
				}()
				_, err := Greet(here, side == "dialer", []byte("secret"), helloA, time.Minute)
				_ = here.Close()
				var v *VersionError
				if !errors.Is(err, tt.want) && !(errors.As(err, &v) && reflect.DeepEqual(tt.want, v)) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v", err)
				}
				b := <-got
				if bytes.Contains(b, []byte(helloA.Instance)) {
					t.Errorf("it was told %q", b)
				}
				if tt.name == "version" && !bytes.HasPrefix(b, opening(version)[:10]) {
					t.Errorf("it wasn't told this side's version, but %q", b)
				}
			})
		}
	}
}

// A side that only returns what it received learns nothing.
func TestGreetReflection(t *testing.T) {
	here, there := net.Pipe()
	var told bytes.Buffer
	reflected := make(chan struct{})
	go func() {
		defer close(reflected)
		b := make([]byte, 4096)
		for {
			n, err := there.Read(b)
			if err != nil {
				return
			}
			told.Write(b[:n])
			_, _ = there.Write(b[:n])
		}
	}()
	if _, err := Greet(here, true, []byte("secret"), helloA, time.Minute); !errors.Is(err, ErrSecret) {
		t.Errorf("%v", err)
	}
	_ = here.Close()
	<-reflected
	if n := told.Len(); n != 42+37+1 {
		t.Errorf("it was told %d bytes", n)
	}
}

// What either side has said on one connection proves nothing on another.
func TestGreetReplay(t *testing.T) {
	dialed, accepted := net.Pipe()
	dialer, acceptor := &wiretap{Conn: dialed}, &wiretap{Conn: accepted}
	secret := []byte("secret")
	if d, a := greet(dialer, acceptor, secret, secret); d.err != nil || a.err != nil {
		t.Fatal(d.err, a.err)
	}
	_, _ = dialed.Close(), accepted.Close()
	for said, dials := range map[*wiretap]bool{dialer: false, acceptor: true} {
		here, there := net.Pipe()
		told := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(there)
			told <- b
		}()
		go func() { _, _ = there.Write(said.sent.Bytes()) }()
		_, err := Greet(here, dials, secret, helloA, time.Minute)
		_ = here.Close()
		if b := <-told; !errors.Is(err, ErrSecret) || bytes.Contains(b, []byte(helloA.Instance)) {
			t.Errorf("a replay to the dialer (%v): %v, and it was told %q", dials, err, b)
		}
	}
}

// A connection that ends in the middle of the greeting, wherever that is, ends the greeting.
func TestGreetTruncated(t *testing.T) {
	for _, dials := range []bool{true, false} {
		for at := 0; ; at += 7 {
			dialed, accepted := net.Pipe()
			cut := func(conn net.Conn) net.Conn { return &cutConn{Conn: conn, left: at} }
			var d, a greeting
			if dials {
				d, a = greet(cut(dialed), accepted, nil, nil)
			} else {
				d, a = greet(dialed, cut(accepted), nil, nil)
			}
			_, _ = dialed.Close(), accepted.Close()
			if d.err == nil && a.err == nil {
				if at < 100 {
					t.Errorf("a greeting of %d bytes", at)
				}
				break
			}
			if d.err != nil && a.err != nil {
				continue
			}
			// The dialer speaks last, and doesn't learn whether it was heard.
			if d.err != nil || !dials {
				t.Errorf("cut at %d: %v, %v", at, d.err, a.err)
			}
		}
	}
}

// cutConn closes the connection when so many bytes have been written.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p[:min(len(p), c.left)])
	c.left -= n
	if n < len(p) && err == nil {
		err = io.ErrClosedPipe
		_ = c.Close()
	}
	return n, err
}

// However slowly someone speaks, the greeting ends in time.
func TestGreetSlowly(t *testing.T) {
	for _, dials := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, there) }()
			var slow sync.WaitGroup
			slow.Go(func() {
				for _, b := range opening(version) {
					<-time.After(time.Second)
					if _, err := there.Write([]byte{b}); err != nil {
						return
					}
				}
			})
			begun := time.Now()
			_, err := Greet(here, dials, nil, helloA, 10*time.Second)
			if d := time.Since(begun); !errors.Is(err, os.ErrDeadlineExceeded) || d != 10*time.Second {
				t.Errorf("%v after %v", err, d)
			}
			_ = here.Close()
			slow.Wait()
		})
	}
}

func TestGreetTooLarge(t *testing.T) {
	for _, hello := range []Hello{
		{Name: strings.Repeat("x", maxHello)},
		{Members: make([]string, maxMembers+1)},
		{Facts: make([]Fact, maxFacts+1)},
	} {
		if _, err := Greet(nil, true, nil, hello, time.Minute); !errors.Is(err, ErrTooLarge) {
			t.Errorf("ours: %v", err)
		}
	}
	for _, theirs := range [][]byte{
		{accepted, 255, 255, 255, 255},
		sized(`{"Members":[""` + strings.Repeat(`,""`, maxMembers) + `]}`),
		sized(`{"Facts":[{}` + strings.Repeat(`,{}`, maxFacts) + `]}`),
		sized(`{"Name":1}`),
	} {
		here, there := net.Pipe()
		go func() { _, _ = there.Write(theirs) }()
		g := greeter{conn: here}
		b, err := g.hear(acceptor, maxHello), g.err
		if err == nil {
			_, err = decodeHello(b)
		}
		if err == nil || errors.Is(err, ErrSecret) {
			t.Errorf("theirs: %.40s, %v", b, err)
		}
		_, _ = here.Close(), there.Close()
	}
}

// sized is a hello with its proof, of a side that has no secret and two nonces of zeros.
func sized(hello string) []byte {
	w := &wiretap{Conn: deaf{}}
	g := greeter{conn: w}
	g.say(acceptor, []byte(hello))
	return w.sent.Bytes()
}

// deaf takes what is sent.
type deaf struct{ net.Conn }

func (deaf) Write(p []byte) (int, error) { return len(p), nil }

// TestHelloOfAnother: a side that passes on the proofs of two nodes to each other can't put a Hello
// of its own in the place of theirs.
func TestHelloOfAnother(t *testing.T) {
	var g greeter
	forged := sized(`{"Name":"stranger"}`)
	forged[len(forged)-1]++
	here, there := net.Pipe()
	go func() {
		_, _ = there.Write(forged)
		_, _ = io.Copy(io.Discard, there)
	}()
	g.conn = here
	if b := g.hear(acceptor, maxHello); !errors.Is(g.err, ErrSecret) {
		t.Errorf("%q, %v", b, g.err)
	}
	_, _ = here.Close(), there.Close()
}

func TestDiffer(t *testing.T) {
	facts := func(pairs ...string) (h Hello) {
		for i := 0; i < len(pairs); i += 2 {
			h.Facts = append(h.Facts, Fact{pairs[i], pairs[i+1]})
		}
		return h
	}
	for _, tt := range []struct {
		here, there Hello
		want        []string
	}{
		{Hello{}, Hello{}, nil},
		{facts("a", "1", "b", "2"), facts("b", "2", "a", "1"), nil},
		{facts("origin", "http://a/", "b", "2"), facts("origin", "http://b/", "b", "2"), []string{`origin: "http://a/" here, "http://b/" there`}},
		{facts("a", "1", "b", ""), facts("c", "3", "a", "2"), []string{`a: "1" here, "2" there`, `b: "" here, none there`, `c: none here, "3" there`}},
	} {
		if got := Differ(tt.here.Facts, tt.there.Facts); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v and %v: %q", tt.here, tt.there, got)
		}
	}
}

// FuzzGreet sends anything to either side: without the secret, none is greeted, none hangs, none
// panics.
func FuzzGreet(f *testing.F) {
	f.Add(opening(version))
	f.Add(append(opening(version), refused))
	f.Add(append(append(opening(version), accepted), make([]byte, 100)...))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		for _, dials := range []bool{true, false} {
			here, there := net.Pipe()
			told := make(chan []byte)
			go func() {
				b, _ := io.ReadAll(there)
				told <- b
			}()
			go func() {
				_, _ = there.Write(sent)
				_ = there.Close()
			}()
			_, err := Greet(here, dials, []byte("secret"), helloA, time.Minute)
			_ = here.Close()
			if b := <-told; err == nil || bytes.Contains(b, []byte(helloA.Instance)) {
				t.Errorf("%v, %q", err, b)
			}
		}
		_, _ = decodeHello(sent)
	})
}
