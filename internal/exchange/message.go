package exchange

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
)

// What nodes ask each other for. Each request begins with its kind; the fields follow in codec's
// form.
const (
	reqLookup = 'r' // the record of a resource: found, or fetched from the origin
	reqChunk  = 'c' // a chunk, if it is held
	// the bytes of a version from some offset on, if a fragment of them is held
	reqFragment    = 'p'
	reqRead        = 'f' // the bytes of a version from some offset on, to the end of their slab
	reqTakeOver    = 't' // to read on from the border of a slab, if the origin accepts that
	reqInvalidate  = 'i' // to take invalidations that have just been issued
	reqPut         = 'u' // to store a response that hasn't come by being fetched
	reqForesee     = 'h' // whether the origin would be asked for some parts of a version
	reqVaries      = 'v' // to drop the copies of what has turned out to vary
	reqOriginAsked = 'o' // whether the origin has been asked for a reqRead that is being answered
	reqPull        = 'l' // the invalidations that it knows and the requester doesn't
	reqTake        = 'm' // to take the invalidations that it doesn't know
)

// What they are answered. Each reply begins with its kind.
const (
	respOK        = 'k'
	respInterim   = '1' // an interim response; another reply follows
	respNotCached = 'n' // the chunk isn't there; a fill may be at it
	respNone      = '0' // nothing is stored
	respRefused   = 'x' // the origin gives no such part; who has the first slab has the others
	respGone      = 'g' // that version's bytes are to be had no more
	respFailed    = 'f' // the origin gave no answer
	respNotOwner  = 'w' // this node isn't the owner
	respAsked     = 'a' // the origin was asked for this request; why nothing comes of it follows
	respBehind    = 'e' // one of the two has missed an invalidation
	respBusy      = 'b' // this node can't answer: the requester fetches by itself
)

// informer takes interim responses (RFC 9110 section 15.2); it may be nil.
type informer func(status int, header http.Header)

func (inform informer) take(d *codec.Decoder) {
	status, header := int(d.Varint()), d.Header()
	interim := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if inform != nil && !d.Bad && interim {
		inform(status, header)
	}
}

// appendBy appends what decodeBy takes out.
func appendBy(b []byte, by store.Fields) []byte {
	b = codec.AppendHeader(codec.AppendHeader(b, by.Header), by.From)
	return codec.AppendText(codec.AppendText(b, by.Proto), by.ID)
}
