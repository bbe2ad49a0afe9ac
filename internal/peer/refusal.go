package peer

import (
	"crypto/tls"
	"errors"

	"github.com/scurrycache/scurry/internal/wire/handshake"
)

var (
	errItself = errors.New("it is this node itself")
	errAlias  = errors.New("it is another address of")
)

// refusal is why a node that has proved itself isn't talked to.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// refuses reports whether err is that one of the two doesn't want to talk to the other, rather than
// that it can't be reached.
func refuses(err error) bool {
	return errors.Is(err, handshake.ErrSecret) || errors.Is(err, handshake.ErrForeign) ||
		is[*handshake.VersionError](err) || is[refusal](err) ||
		is[*tls.CertificateVerificationError](err) || is[tls.AlertError](err) ||
		is[tls.RecordHeaderError](err)
}

// is reports whether err is an E, or wraps one.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
