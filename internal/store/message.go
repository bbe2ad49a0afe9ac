package store

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// What nodes ask each other. Each ask begins with its kind; the fields follow in the codec's encoding.
const (
	askRecord     = 'r' // the record of a resource: found, or fetched from the origin
	askChunk      = 'c' // a chunk, if it is held
	askPiece      = 'p' // the bytes of a version from some offset on, if they are held in a piece that isn't a chunk
	askFollow     = 'f' // the bytes of a version from some offset on, to the end of their slab, as they come
	askTakeOver   = 't' // to read on from the border of a slab, if the origin accepts that
	askInvalidate = 'i' // to do away with what is stored of some resources and groups
	askPut        = 'u' // to store a response that has come another way than by being fetched
	askHeld       = 'h' // whether parts of a version are held, so that the origin needn't be asked for them
	askVaries     = 'v' // to drop the copies of what is stored under a key, which has turned out to vary
	askTold       = 'o' // whether the origin has been asked for an askFollow that is being answered
	askDoubt      = 'd' // to validate everything at its next use
)

// What they are answered. Each answer begins with its kind.
const (
	answerOK      = 'k'
	answerInterim = '1' // an interim response; another answer follows
	answerNotHeld = 'n' // the chunk isn't there; a fill may be at it
	answerNone    = '0' // nothing is stored
	answerRefused = 'x' // the origin gives no such part; who has the first slab has the others
	answerGone    = 'g' // that version's bytes are to be had no more
	answerFailed  = 'f' // the origin gave no answer
	answerWrong   = 'w' // this node isn't the owner
	answerAsked   = 'a' // the origin was asked for the request at hand; another of those that bring nothing follows
	answerBusy    = 'b' // this node can't answer now, or the ask is no good: whoever asked helps himself
)

var (
	// errNone is that nothing is stored that a peek was for.
	errNone = errors.New("nothing is stored")

	errNotHeld    = errors.New("chunk isn't held")
	errWrongOwner = errors.New("the peer says that it isn't the owner")
	errBusy       = errors.New("the peer can't answer this")
)

// question is an Ask as it goes to another node.
type question struct {
	Ask
	version  string // of the stored response that was found wanting, if any
	revision uint64
}

func (q *question) encode() []byte {
	b := append(make([]byte, 0, 512), askRecord)
	b = appendString(b, q.Key)
	b = q.Fields().append(b)
	for _, s := range []string{q.Target, q.version, q.Gone} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, q.revision)
	return appendFlags(b, q.flags())
}

func (q *question) flags() []*bool {
	return []*bool{&q.Whole, &q.Alone, &q.Stored, &q.Ranged, &q.Background, &q.Head}
}

func decodeQuestion(d *decoder) *question {
	q := &question{}
	q.Key = d.string()
	by := decodeFields(d)
	q.Header, q.From, q.Proto, q.Cause = by.Header, by.From, by.Proto, by.Cause
	for _, s := range []*string{&q.Target, &q.version, &q.Gone} {
		*s = d.string()
	}
	q.revision = d.uvarint()
	d.flags(q.flags())
	return q
}

// stretch is what of a version a node follows.
type stretch struct {
	key      string
	rec      []byte // encoded: whoever owns the slab may never have seen it
	by       Fields // of the client's request that is continued
	off, end int64  // end is -1 for the end of the content
	whole    bool   // all of it will be wanted
	call     uint64 // names this very question, for askTold

	undivided bool // the origin refuses to give parts, so that the owner of the first slab is asked
}

func (p *stretch) encode(kind byte) []byte {
	b := append(make([]byte, 0, 512+len(p.key)+len(p.rec)), kind)
	b = appendString(b, p.key)
	b = binary.AppendVarint(b, p.off)
	b = binary.AppendVarint(b, p.end)
	b = binary.AppendUvarint(b, p.call)
	b = appendFlags(b, []*bool{&p.whole, &p.undivided})
	b = p.by.append(b)
	return append(b, p.rec...)
}

func (f Fields) append(b []byte) []byte {
	return appendString(appendString(appendHeader(appendHeader(b, f.Header), f.From), f.Proto), f.ID)
}

func decodeFields(d *decoder) Fields {
	f := Fields{Header: d.header(), From: d.header(), Proto: d.string()}
	f.Cause = Cause{d.string(), new(atomic.Bool)}
	if len(f.From) == 0 {
		f.From = nil
	}
	return f
}

func decodeStretch(d *decoder) *stretch {
	p := &stretch{}
	p.key = d.string()
	p.off = d.varint()
	p.end = d.varint()
	p.call = d.uvarint()
	d.flags([]*bool{&p.whole, &p.undivided})
	p.by = decodeFields(d)
	p.rec, d.b = d.b, nil
	return p
}

// landing is what a flight brings, for all who wait for it, on this node or the one that asked.
type landing struct {
	rec       *Record
	found     bool // in the owner's table, not at the origin
	collapsed bool // on the owner
	renewed   bool
	content   bool // the bytes follow, on the wire
	stored    bool // the owner may give it to others, too
	asked     bool // the owner asked the origin for the one who asks
	status    int  // of the origin's answer
	why       Why
	peer      string
}

func (l *landing) flags() []*bool {
	return []*bool{&l.found, &l.collapsed, &l.renewed, &l.content, &l.stored, &l.asked}
}

func (l *landing) encode(now time.Time) []byte {
	b := appendFlags(make([]byte, 0, 512), l.flags())
	b = binary.AppendVarint(b, int64(l.status))
	b = append(b, byte(l.why))
	b = appendString(b, l.peer)
	return append(b, l.rec.encode(now)...)
}

func decodeLanding(b []byte, now time.Time) (*landing, error) {
	d, l := decoder{b: b}, &landing{}
	d.flags(l.flags())
	l.status = int(d.varint())
	l.why = Why(d.byte())
	l.peer = d.string()
	if d.bad {
		return nil, errEncoding
	}
	var err error
	l.rec, err = decode(d.b, now)
	return l, err
}

// encodeError makes the answer to an ask that brought nothing.
func (s *Store) encodeError(err error) []byte {
	if after, ok := errors.AsType[*afterAsking](err); ok {
		return append([]byte{answerAsked}, s.encodeError(after.err)...)
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		b := []byte{answerFailed, byte(f.Why)}
		b = binary.AppendVarint(b, int64(f.Status))
		b = appendString(b, f.Kind)
		b = appendString(b, f.Error())
		if f.Stored != nil {
			b = append(b, f.Stored.encode(s.cfg.Now())...)
		}
		return b
	}
	switch {
	case errors.Is(err, fill.ErrGone):
		return []byte{answerGone}
	case errors.Is(err, ErrRefused):
		return []byte{answerRefused}
	case errors.Is(err, errNone):
		return []byte{answerNone}
	case errors.Is(err, errWrongOwner):
		return appendStrings([]byte{answerWrong}, s.cfg.Node.Ring())
	}
	return []byte{answerBusy}
}

// decodeError makes an error of an answer that brings nothing.
func (s *Store) decodeError(kind byte, d *decoder) error {
	switch kind {
	case answerAsked:
		return &afterAsking{s.decodeError(d.byte(), d)}
	case answerGone:
		return fill.ErrGone
	case answerRefused:
		return ErrRefused
	case answerNone:
		return errNone
	case answerNotHeld:
		return errNotHeld
	case answerWrong:
		return &wrongOwner{ring: d.strings()}
	case answerFailed:
		f := &Failure{Why: Why(d.byte()), Status: int(d.varint()), Kind: d.string()}
		f.Err = errors.New(d.string())
		if d.bad || f.Status < 400 || f.Status > 599 || strings.Trim(f.Kind, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return errBusy
		}
		if len(d.b) > 0 {
			f.Stored, _ = decode(d.b, s.cfg.Now())
		}
		return f
	}
	return errBusy
}

// wrongOwner is that a peer's ring has another owner for a key than ours.
type wrongOwner struct{ ring []string }

func (w *wrongOwner) Error() string { return errWrongOwner.Error() }
func (w *wrongOwner) Unwrap() error { return errWrongOwner }

// verdict tells whether err is what an owner has found out for all, so that nobody is to try again himself.
func verdict(err error) bool {
	_, failed := errors.AsType[*Failure](err)
	return failed || errors.Is(err, fill.ErrGone) || errors.Is(err, errNone)
}
