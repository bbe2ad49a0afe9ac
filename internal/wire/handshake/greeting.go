// Package handshake lets two nodes introduce themselves to each other on a new connection.
//
// A net.Conn comes in, and a Hello that describes this node. Out comes the other node's Hello, once
// both sides have proved that they know the same secret. The connection stays the caller's, which
// judges the Hello and then hands the connection to package wire.
package handshake

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// In the greeting the sides take turns. Neither sends its Hello before the other has proved that it
// knows the secret:
//
//	dialer                                         acceptor
//	magic, version, nonce                  ────►
//	                                       ◄────   magic, version, nonce
//	accepted, proof of nothing             ────►
//	                                       ◄────   accepted, Hello and proof   or: refused
//	accepted, Hello and proof              ────►                               or: refused
//
// A proof is an HMAC, under the secret, of what it proves, of both nonces, and of the side that
// sends it. So it holds on this connection only, it can't be returned to its sender, and a side
// that only relays the proofs of others can't put a Hello of its own in the place of theirs. It
// doesn't authenticate what follows the greeting: where others may write to the connection, TLS is
// needed.

// version is that of the greeting and of the frames that follow it.
const version = 2

// The lines end like HTTP's, so that an HTTP server that is dialed by mistake answers instead of
// waiting for more.
const magic = "scurry\r\n"

const (
	nonceSize = 32
	accepted  = 1
	refused   = 2
)

var (
	// ErrSecret means that the two sides don't have the same secret.
	ErrSecret = errors.New("the secrets differ")

	// ErrForeign is wrapped when the other side isn't a node, but speaks some other protocol.
	ErrForeign = errors.New("the other side isn't a node")
)

// VersionError means that the two sides speak different versions of the protocol.
type VersionError struct{ Ours, Theirs uint16 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("protocol version %d here, %d there", e.Ours, e.Theirs)
}

// Greet checks that the other side of conn is a node with the same secret, which may be empty, and
// exchanges Hellos with it. It doesn't judge theirs. It reads nothing beyond the greeting, and
// takes no longer than the timeout, which must be positive. It leaves conn without a deadline, and
// open even after an error.
func Greet(conn net.Conn, dialer bool, secret []byte, mine Hello, timeout time.Duration) (
	theirs Hello, err error,
) {
	hello, err := mine.encode()
	if err != nil {
		return Hello{}, err
	}
	g := greeter{conn: conn, secret: secret, err: conn.SetDeadline(time.Now().Add(timeout))}
	talk := g.accept
	if dialer {
		talk = g.dial
	}
	b := talk(hello)
	g.fail(conn.SetDeadline(time.Time{}))
	if g.err == nil {
		theirs, g.err = decodeHello(b)
	}
	if g.err != nil {
		return Hello{}, fmt.Errorf("greet: %w", g.err)
	}
	return theirs, nil
}

// greeter is one side of a greeting. After an error, it neither sends nor reads.
type greeter struct {
	conn             net.Conn
	secret           []byte
	dialer, acceptor [nonceSize]byte
	err              error // the first
}

// The sides, as proofs name them.
const (
	dialer   = "dialer"
	acceptor = "acceptor"
)

func (g *greeter) dial(hello []byte) (theirs []byte) {
	rand.Read(g.dialer[:]) // it never fails
	g.sendOpening(g.dialer)
	g.checkVersion(g.readOpening(&g.acceptor))
	g.say(dialer, nil)
	theirs = g.hear(acceptor, maxHello)
	g.say(dialer, hello)
	return theirs
}

func (g *greeter) accept(hello []byte) (theirs []byte) {
	rand.Read(g.acceptor[:])
	theirVersion := g.readOpening(&g.dialer)
	g.sendOpening(g.acceptor) // the dialer, too, gets to see both versions
	g.checkVersion(theirVersion)
	g.hear(dialer, 0)
	g.say(acceptor, hello)
	return g.hear(dialer, maxHello)
}

func (g *greeter) sendOpening(nonce [nonceSize]byte) {
	g.send(binary.BigEndian.AppendUint16([]byte(magic), version), nonce[:])
}

func (g *greeter) readOpening(nonce *[nonceSize]byte) (theirVersion uint16) {
	if b := g.read(len(magic)); string(b) != magic {
		g.fail(fmt.Errorf("%w: %s", ErrForeign, describe(b)))
	}
	// The nonce, too, is part of every version: unread, it would turn the end of the connection
	// into a reset, which might overtake what the other side is to read.
	b := g.read(2 + nonceSize)
	copy(nonce[:], b[2:])
	return binary.BigEndian.Uint16(b)
}

func (g *greeter) checkVersion(theirs uint16) {
	if theirs != version {
		g.fail(&VersionError{Ours: version, Theirs: theirs})
	}
}

// describe names the protocol that begins with b, if it is a usual one.
func describe(b []byte) string {
	afterMethod := bytes.TrimLeft(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	switch {
	case bytes.HasPrefix(b, []byte("HTTP/")) || bytes.HasPrefix(afterMethod, []byte(" ")):
		return fmt.Sprintf("it speaks HTTP (%q)", b)
	case b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3:
		return fmt.Sprintf("it speaks TLS (%x)", b)
	}
	return fmt.Sprintf("it begins with %q", b)
}

// proof is what a side sends to prove that it knows the secret, and that it says this.
func (g *greeter) proof(side string, said []byte) []byte {
	h := hmac.New(sha256.New, g.secret)
	fmt.Fprintf(h, "scurry %d %s\x00", version, side)
	h.Write(g.dialer[:])
	h.Write(g.acceptor[:])
	h.Write(said)
	return h.Sum(nil)
}

// say accepts what has come, and sends what this side says with the proof of it.
func (g *greeter) say(side string, said []byte) {
	size := binary.BigEndian.AppendUint32([]byte{accepted}, uint32(len(said)))
	g.send(size, said, g.proof(side, said))
}

// hear reads what the other side says, which has most bytes at most. If the proof is wrong, this
// side answers with a refusal only.
func (g *greeter) hear(side string, most uint32) (said []byte) {
	switch verdict := g.read(1)[0]; {
	case verdict == refused:
		g.fail(fmt.Errorf("%w: the other side has refused ours", ErrSecret))
	case verdict != accepted:
		g.fail(fmt.Errorf("%w: verdict %d", ErrForeign, verdict))
	}
	size := binary.BigEndian.Uint32(g.read(4))
	if size > most {
		g.fail(fmt.Errorf("the other side's hello: %w", ErrTooLarge))
		return nil
	}
	said = g.read(int(size))
	if proof := g.read(sha256.Size); g.err == nil && !hmac.Equal(proof, g.proof(side, said)) {
		g.send([]byte{refused}) // a courtesy
		g.err = fmt.Errorf("%w: the other side's proof is wrong", ErrSecret)
	}
	return said
}

// fail ends the greeting with err, unless an error has ended it.
func (g *greeter) fail(err error) {
	if g.err == nil {
		g.err = err
	}
}

// send sends parts with one write.
func (g *greeter) send(parts ...[]byte) {
	if g.err == nil {
		_, g.err = g.conn.Write(bytes.Join(parts, nil))
	}
}

// read reads n bytes, which are zeros after an error. A greeting that ends early is no clean end,
// wherever it ends.
func (g *greeter) read(n int) []byte {
	b := make([]byte, n)
	if g.err == nil {
		_, g.err = io.ReadFull(g.conn, b)
	}
	if g.err == io.EOF {
		g.err = io.ErrUnexpectedEOF
	}
	return b
}
