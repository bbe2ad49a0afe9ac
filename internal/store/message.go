package store

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scurrycache/scurry/internal/fill"
)

// What nodes ask each other. Each ask begins with its kind; the fields follow in the codec's
// encoding.
const (
	reqRecord        = 'r' // the record of a resource: found, or fetched from the origin
	reqChunk         = 'c' // a chunk, if it is held
	reqFragment      = 'p' // the bytes of a version from some offset on, if they are held in a fragment that isn't a chunk
	reqRead          = 'f' // the bytes of a version from some offset on, to the end of their slab, as they come
	reqTakeOver      = 't' // to read on from the border of a slab, if the origin accepts that
	reqInvalidate    = 'i' // to remove what is stored of some resources and groups
	reqPut           = 'u' // to store a response that has come another way than by being fetched
	reqCached        = 'h' // whether parts of a version are held, so that the origin needn't be asked for them
	reqVaries        = 'v' // to drop the copies of what is stored under a key, which has turned out to vary
	reqOriginAsked   = 'o' // whether the origin has been asked for an reqRead that is being answered
	reqRevalidateAll = 'd' // to validate everything at its next use
)

// What they are answered. Each answer begins with its kind.
const (
	respOK        = 'k'
	respInterim   = '1' // an interim response; another answer follows
	respNotCached = 'n' // the chunk isn't there; a fill may be at it
	respNone      = '0' // nothing is stored
	respRefused   = 'x' // the origin gives no such part; who has the first slab has the others
	respGone      = 'g' // that version's bytes are to be had no more
	respFailed    = 'f' // the origin gave no answer
	respNotOwner  = 'w' // this node isn't the owner
	answerAsked   = 'a' // the origin was asked for the request at hand; another of those that bring nothing follows
	respBusy      = 'b' // this node can't answer now, or the ask is no good: the requester fetches by itself
)

var (
	// errNone is that nothing is stored that a peek was for.
	errNone = errors.New("nothing is stored")

	errNotCached = errors.New("chunk isn't held")
	errNotOwner  = errors.New("the peer says that it isn't the owner")
	errBusy      = errors.New("the peer can't answer this")
)

// lookupRequest is a Request as it goes to another node.
type lookupRequest struct {
	Request
	version  string // of the stored response that was found wanting, if any
	revision uint64
}

func (lookup *lookupRequest) encode() []byte {
	b := append(make([]byte, 0, 512), reqRecord)
	b = appendString(b, lookup.Key)
	b = lookup.Fields().append(b)
	for _, s := range []string{lookup.Target, lookup.version, lookup.Gone} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, lookup.revision)
	return appendFlags(b, lookup.flags())
}

func (lookup *lookupRequest) flags() []*bool {
	return []*bool{&lookup.Whole, &lookup.Alone, &lookup.Stored, &lookup.Ranged, &lookup.Background, &lookup.Head}
}

func decodeLookupRequest(d *decoder) *lookupRequest {
	lookup := &lookupRequest{}
	lookup.Key = d.string()
	by := decodeFields(d)
	lookup.Header, lookup.From, lookup.Proto, lookup.Cause = by.Header, by.From, by.Proto, by.Cause
	for _, s := range []*string{&lookup.Target, &lookup.version, &lookup.Gone} {
		*s = d.string()
	}
	lookup.revision = d.uvarint()
	d.flags(lookup.flags())
	return lookup
}

// readRequest asks for a part of a version, to follow it.
type readRequest struct {
	key      string
	rec      []byte // encoded: the slab's owner may never have seen it
	by       Fields // of the client's request that is continued
	off, end int64  // end is -1 for the end of the content
	whole    bool   // all of it will be wanted
	call     uint64 // names this very request, for requestOriginAsked

	undivided bool // the origin refuses to give parts, so that the owner of the first slab is asked
}

func (p *readRequest) encode(kind byte) []byte {
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

func decodeReadRequest(d *decoder) *readRequest {
	p := &readRequest{}
	p.key = d.string()
	p.off = d.varint()
	p.end = d.varint()
	p.call = d.uvarint()
	d.flags([]*bool{&p.whole, &p.undivided})
	p.by = decodeFields(d)
	p.rec, d.b = d.b, nil
	return p
}

// flightResult is what a flight brings, for all who wait for it, on this node or the one that
// asked.
type flightResult struct {
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

func (fr *flightResult) flags() []*bool {
	return []*bool{&fr.found, &fr.collapsed, &fr.renewed, &fr.content, &fr.stored, &fr.asked}
}

func (fr *flightResult) encode(now time.Time) []byte {
	b := appendFlags(make([]byte, 0, 512), fr.flags())
	b = binary.AppendVarint(b, int64(fr.status))
	b = append(b, byte(fr.why))
	b = appendString(b, fr.peer)
	return append(b, fr.rec.encode(now)...)
}

func decodeFlightResult(b []byte, now time.Time) (*flightResult, error) {
	d, fr := decoder{b: b}, &flightResult{}
	d.flags(fr.flags())
	fr.status = int(d.varint())
	fr.why = Why(d.byte())
	fr.peer = d.string()
	if d.bad {
		return nil, errEncoding
	}
	var err error
	fr.rec, err = decode(d.b, now)
	return fr, err
}

// encodeError makes the answer to an ask that brought nothing.
func (s *Store) encodeError(err error) []byte {
	if after, ok := errors.AsType[*afterOrigin](err); ok {
		return append([]byte{answerAsked}, s.encodeError(after.err)...)
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		b := []byte{respFailed, byte(f.Why)}
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
		return []byte{respGone}
	case errors.Is(err, ErrRefused):
		return []byte{respRefused}
	case errors.Is(err, errNone):
		return []byte{respNone}
	case errors.Is(err, errNotOwner):
		return appendStrings([]byte{respNotOwner}, s.cfg.Node.Ring())
	}
	return []byte{respBusy}
}

// decodeError makes an error of an answer that brings nothing.
func (s *Store) decodeError(kind byte, d *decoder) error {
	switch kind {
	case answerAsked:
		return &afterOrigin{s.decodeError(d.byte(), d)}
	case respGone:
		return fill.ErrGone
	case respRefused:
		return ErrRefused
	case respNone:
		return errNone
	case respNotCached:
		return errNotCached
	case respNotOwner:
		return &notOwner{ring: d.strings()}
	case respFailed:
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

// notOwner is that a peer's ring has another owner for a key than ours.
type notOwner struct{ ring []string }

func (w *notOwner) Error() string { return errNotOwner.Error() }
func (w *notOwner) Unwrap() error { return errNotOwner }

// verdict reports whether err is what an owner has found out for all, so that nobody is to try
// again himself.
func verdict(err error) bool {
	_, failed := errors.AsType[*Failure](err)
	return failed || errors.Is(err, fill.ErrGone) || errors.Is(err, errNone)
}
