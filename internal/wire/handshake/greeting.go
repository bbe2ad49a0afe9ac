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
//	proof                                  ────►
//	                                       ◄────   accepted, proof, Hello   or: refused
//	accepted, Hello   or: refused          ────►
//
// A proof is an HMAC, under the secret, of both nonces and of a label for the side that sends it,
// so that a proof can't be returned to its sender. It doesn't authenticate what follows the
// greeting: where others may write to the connection, TLS is needed.

// version is that of the greeting and of the frames that follow it.
const version = 1

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
	g := greeter{conn: conn, secret: secret, hello: hello}
	rand.Read(g.mine[:]) // it never fails
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return Hello{}, fmt.Errorf("greet: %w", err)
	}
	if dialer {
		theirs, err = g.dial()
	} else {
		theirs, err = g.accept()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	} else {
		_ = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		return Hello{}, fmt.Errorf("greet: %w", err)
	}
	return theirs, nil
}

// greeter is one side of a greeting.
type greeter struct {
	conn         net.Conn
	secret       []byte
	hello        []byte
	mine, theirs [nonceSize]byte
}

func (g *greeter) dial() (Hello, error) {
	if err := g.sendOpening(); err != nil {
		return Hello{}, err
	}
	if err := g.readOpening(); err != nil {
		return Hello{}, err
	}
	if err := g.send(g.proof("dialer", g.mine, g.theirs)); err != nil {
		return Hello{}, err
	}
	if err := g.readVerdict(); err != nil {
		return Hello{}, err
	}
	if err := g.check("acceptor", g.mine, g.theirs); err != nil {
		return Hello{}, err
	}
	theirs, err := g.readHello("acceptor's hello", g.mine, g.theirs)
	if err != nil {
		return Hello{}, err
	}
	return theirs, g.send([]byte{accepted}, g.sealed("dialer's hello", g.mine, g.theirs))
}

func (g *greeter) accept() (Hello, error) {
	err := g.readOpening()
	var other *VersionError
	if err == nil || errors.As(err, &other) { // the dialer, too, gets to see both versions
		err = errors.Join(err, g.sendOpening())
	}
	if err != nil {
		return Hello{}, err
	}
	if err := g.check("dialer", g.theirs, g.mine); err != nil {
		return Hello{}, err
	}
	proof := g.proof("acceptor", g.theirs, g.mine)
	hello := g.sealed("acceptor's hello", g.theirs, g.mine)
	if err := g.send([]byte{accepted}, proof, hello); err != nil {
		return Hello{}, err
	}
	if err := g.readVerdict(); err != nil {
		return Hello{}, err
	}
	return g.readHello("dialer's hello", g.theirs, g.mine)
}

func (g *greeter) sendOpening() error {
	return g.send(binary.BigEndian.AppendUint16([]byte(magic), version), g.mine[:])
}

func (g *greeter) readOpening() error {
	var b [len(magic)]byte
	if err := g.read(b[:]); err != nil {
		return err
	}
	if string(b[:]) != magic {
		return fmt.Errorf("%w: %s", ErrForeign, describe(b[:]))
	}
	var v [2]byte
	if err := g.read(v[:]); err != nil {
		return err
	}
	// The nonce, too, is part of every version: unread, it would turn the end of the connection
	// into a reset, which might overtake what the other side is to read.
	if err := g.read(g.theirs[:]); err != nil {
		return err
	}
	if theirs := binary.BigEndian.Uint16(v[:]); theirs != version {
		return &VersionError{Ours: version, Theirs: theirs}
	}
	return nil
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

// proof is what the side with that label sends to prove that it knows the secret.
func (g *greeter) proof(label string, dialer, acceptor [nonceSize]byte, said ...byte) []byte {
	h := hmac.New(sha256.New, g.secret)
	fmt.Fprintf(h, "scurry %s\x00", label)
	h.Write(binary.BigEndian.AppendUint16(nil, version))
	h.Write(dialer[:])
	h.Write(acceptor[:])
	h.Write(said)
	return h.Sum(nil)
}

// sealed is this side's Hello, with its size before it and a proof that covers it behind it: a side
// that only relays the proofs of others can't put a Hello of its own in their place.
func (g *greeter) sealed(label string, dialer, acceptor [nonceSize]byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(g.hello)))
	b = append(b, g.hello...)
	return append(b, g.proof(label, dialer, acceptor, g.hello...)...)
}

// check reads the other side's proof. If it is wrong, this side answers with a refusal only.
func (g *greeter) check(label string, dialer, acceptor [nonceSize]byte) error {
	var theirs [sha256.Size]byte
	if err := g.read(theirs[:]); err != nil {
		return err
	}
	if hmac.Equal(theirs[:], g.proof(label, dialer, acceptor)) {
		return nil
	}
	_ = g.send([]byte{refused}) // a courtesy
	return fmt.Errorf("%w: the other side's proof is wrong", ErrSecret)
}

// readVerdict reads whether the other side has accepted this one's proof.
func (g *greeter) readVerdict() error {
	var b [1]byte
	if err := g.read(b[:]); err != nil {
		return err
	}
	switch b[0] {
	case accepted:
		return nil
	case refused:
		return fmt.Errorf("%w: the other side has refused ours", ErrSecret)
	}
	return fmt.Errorf("%w: verdict %d", ErrForeign, b[0])
}

func (g *greeter) readHello(label string, dialer, acceptor [nonceSize]byte) (Hello, error) {
	var n [4]byte
	if err := g.read(n[:]); err != nil {
		return Hello{}, err
	}
	if binary.BigEndian.Uint32(n[:]) > maxHello {
		return Hello{}, fmt.Errorf("the other side's hello: %w", ErrTooLarge)
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	if err := g.read(b); err != nil {
		return Hello{}, err
	}
	var seal [sha256.Size]byte
	if err := g.read(seal[:]); err != nil {
		return Hello{}, err
	}
	if !hmac.Equal(seal[:], g.proof(label, dialer, acceptor, b...)) {
		return Hello{}, fmt.Errorf("%w: the other side's hello doesn't match its proof", ErrSecret)
	}
	return decodeHello(b)
}

// send writes parts with one write.
func (g *greeter) send(parts ...[]byte) error {
	_, err := g.conn.Write(bytes.Join(parts, nil))
	return err
}

// read fills p. A greeting that ends early is no clean end, wherever it ends.
func (g *greeter) read(p []byte) error {
	_, err := io.ReadFull(g.conn, p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
