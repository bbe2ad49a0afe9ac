package exchange

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/store"
	"github.com/scurrycache/scurry/internal/wire"
)

// wording puts errors into replies, and takes them out.
type wording struct {
	now  func() time.Time
	ring func() []string // the nodes that share the keys now
}

// encodeError makes the reply to a request that brought nothing.
func (w wording) encodeError(err error) []byte {
	if after, ok := errors.AsType[*afterOrigin](err); ok {
		return append([]byte{respAsked}, w.encodeError(after.err)...)
	}
	if f, ok := errors.AsType[*store.Failure](err); ok {
		return w.encodeFailure(f)
	}
	switch {
	case errors.Is(err, fill.ErrGone):
		return []byte{respGone}
	case errors.Is(err, store.ErrRefused):
		return []byte{respRefused}
	case errors.Is(err, store.ErrNone):
		return []byte{respNone}
	case errors.Is(err, store.ErrNotCached):
		return []byte{respNotCached}
	case errors.Is(err, store.ErrBehind):
		return []byte{respBehind}
	case errors.Is(err, store.ErrNotOwner):
		return codec.AppendTexts([]byte{respNotOwner}, w.ring())
	}
	return []byte{respBusy}
}

func (w wording) encodeFailure(f *store.Failure) []byte {
	b := []byte{respFailed, byte(f.Why)}
	b = binary.AppendVarint(b, int64(f.Status))
	b = codec.AppendText(b, f.Kind)
	b = codec.AppendText(b, f.Error())
	if f.Stored != nil {
		b = append(b, f.Stored.Encode(w.now())...)
	}
	return b
}

// decodeError makes an error of a reply that brings nothing.
func (w wording) decodeError(kind byte, d *codec.Decoder) error {
	switch kind {
	case respAsked:
		return &afterOrigin{w.decodeError(d.Byte(), d)}
	case respGone:
		return fill.ErrGone
	case respRefused:
		return store.ErrRefused
	case respNone:
		return store.ErrNone
	case respNotCached:
		return store.ErrNotCached
	case respBehind:
		return store.ErrBehind
	case respNotOwner:
		return &notOwner{ring: d.Texts()}
	case respFailed:
		return w.decodeFailure(d)
	}
	return store.ErrBusy
}

// decodeFailure takes only what may go on to a client.
func (w wording) decodeFailure(d *codec.Decoder) error {
	f := &store.Failure{Why: store.Why(d.Byte()), Status: int(d.Varint()), Kind: d.Text()}
	f.Err = errors.New(d.Text())
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
	if d.Bad || f.Status < 400 || f.Status > 599 || strings.Trim(f.Kind, letters) != "" {
		return store.ErrBusy
	}
	if stored := d.Rest(); len(stored) > 0 {
		f.Stored, _ = store.Decode(stored, w.now())
	}
	return f
}

// abortion is what an error of a stream says, if the node that sends the stream has ended it.
func (w wording) abortion(err error) error {
	aborted, ok := errors.AsType[*wire.Aborted](err)
	if !ok || len(aborted.Detail) == 0 {
		return err
	}
	return w.decodeError(aborted.Detail[0], &codec.Decoder{B: aborted.Detail[1:]})
}

// notOwner is that a peer's ring has another owner for a key than ours.
type notOwner struct{ ring []string }

func (*notOwner) Error() string { return store.ErrNotOwner.Error() }
func (*notOwner) Unwrap() error { return store.ErrNotOwner }

// afterOrigin is an error that came of asking the origin for the request at hand.
type afterOrigin struct{ err error }

func (a *afterOrigin) Error() string { return a.err.Error() }
func (a *afterOrigin) Unwrap() error { return a.err }

// after is err, if the origin was asked for c before it came about, as one that tells so.
func after(c store.Cause, err error) error {
	if c.Noted() {
		return &afterOrigin{err}
	}
	return err
}

// learn is what another node's err means, once c has been told whether the origin was asked for it.
func learn(c store.Cause, err error) error {
	if after, ok := errors.AsType[*afterOrigin](err); ok {
		c.Note()
		return after.err
	}
	return err
}
