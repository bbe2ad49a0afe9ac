package exchange

import (
	"errors"
	"strings"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/fill"
	"github.com/scurrycache/scurry/internal/store"
)

// The kinds of replies.
const (
	respOK      byte = iota
	respInterim      // an interim response; another reply follows
	respFailed       // the origin gave no answer
	respNotOwner
	respBusy // this node can't answer: the requester fetches by itself
	respPlain
)

// plain are the errors that their kind of reply says all about: respPlain is that of the first.
var plain = []error{
	store.ErrNotCached, // the chunk isn't there; a fill may be at it
	store.ErrNone,
	store.ErrRefused, // who has the first slab has the others
	fill.ErrGone,
	store.ErrBehind,
	store.ErrYielded,
}

var errMessage = errors.New("a reply that no node of this version sends")

// notOwner is that a peer's ring has another owner for a key than ours.
type notOwner struct{ ring []string }

func (*notOwner) Error() string { return store.ErrNotOwner.Error() }
func (*notOwner) Unwrap() error { return store.ErrNotOwner }

func (e *notOwner) Code(c *codec.Coder) { c.Texts(&e.ring) }

// failure is a verdict about the origin.
type failure struct{ *store.Failure }

func (f failure) Code(c *codec.Coder) {
	codec.Int(c, &f.Why)
	codec.Int(c, &f.Status)
	c.Text(&f.Kind)
	var text string
	if !c.Reads {
		text = f.Error()
	}
	stored := f.Stored != nil
	c.Text(&text)
	if c.Flags(&stored); stored {
		store.CodeRecord(c, &f.Stored)
	}
	if c.Reads {
		f.Err = errors.New(text)
	}
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
	if c.Reads && (f.Status < 400 || f.Status > 599 || strings.Trim(f.Kind, letters) != "") {
		c.Fail() // only what may go on to a client is taken
	}
}

// refused is the error that a reply of that kind has brought, whose fields c reads.
func refused(c *codec.Coder, kind byte) (err error) {
	switch i := int(kind) - int(respPlain); {
	case kind == respFailed:
		f := &store.Failure{}
		failure{f}.Code(c)
		err = f
	case kind == respNotOwner:
		e := &notOwner{}
		e.Code(c)
		err = e
	case i >= 0 && i < len(plain):
		err = plain[i]
	}
	if err == nil || c.Bad {
		return store.ErrBusy
	}
	return err
}

// result reads the fields of a reply of that kind, which is an error if it isn't respOK.
func result(c *codec.Coder, kind byte, fields message) error {
	if kind != respOK {
		return refused(c, kind)
	}
	if fields != nil {
		fields.Code(c)
	}
	if c.Bad {
		return errMessage
	}
	return nil
}
