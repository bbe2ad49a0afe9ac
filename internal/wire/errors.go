package wire

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is the error of a stream or a connection that this side has closed.
	ErrClosed = errors.New("closed")

	// ErrLost is wrapped by the error of every connection that this side hasn't closed, and of its
	// streams.
	ErrLost = errors.New("connection lost")

	// ErrSilent means that the other side was silent for too long. Like ErrLeft and ErrProtocol, it
	// matches ErrLost too.
	ErrSilent = fmt.Errorf("%w: the other side is silent", ErrLost)

	// ErrLeft means that the connection ended after the other side had announced that it would
	// leave.
	ErrLeft = fmt.Errorf("%w: the other side has left", ErrLost)

	// ErrProtocol is wrapped when the other side sent what it must not send.
	ErrProtocol = fmt.Errorf("%w: protocol error", ErrLost)

	// ErrOverloaded is the error of a stream whose request was refused because too many are being
	// served.
	ErrOverloaded = errors.New("too many requests at once")

	// ErrTooLarge means that a message, a value or a detail is larger than one side accepts.
	ErrTooLarge = errors.New("too large")

	// ErrCancelled is the error of a call whose client wants no response any more, and the cause of
	// its context's end.
	ErrCancelled = errors.New("cancelled by the client")

	// ErrEnded is the error of using a call after its End or Abort, or out of order.
	ErrEnded = errors.New("the response is past this point")
)

// Aborted is the error of a stream that the server has aborted.
type Aborted struct {
	Detail []byte // what came with the abort; may be empty
}

func (a *Aborted) Error() string { return "aborted by the server" }
