package exchange

import (
	"net/http"

	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/store"
)

// What nodes ask each other for. Each request begins with its kind; the fields follow in codec's
// form.
const (
	reqLookup        = 'r' // the record of a resource: found, or fetched from the origin
	reqChunk         = 'c' // a chunk, if it is held
	reqFragment      = 'p' // the bytes of a version from some offset on, if they are held in a fragment that isn't a chunk
	reqRead          = 'f' // the bytes of a version from some offset on, to the end of their slab, as they come
	reqTakeOver      = 't' // to read on from the border of a slab, if the origin accepts that
	reqInvalidate    = 'i' // to remove what is stored of some resources and groups
	reqPut           = 'u' // to store a response that has come another way than by being fetched
	reqForesee       = 'h' // whether parts of a version are held, so that the origin needn't be asked for them
	reqVaries        = 'v' // to drop the copies of what is stored under a key, which has turned out to vary
	reqOriginAsked   = 'o' // whether the origin has been asked for a reqRead that is being answered
	reqRevalidateAll = 'd' // to validate everything at its next use
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
	respAsked     = 'a' // the origin was asked for the request at hand; another of those that bring nothing follows
	respBusy      = 'b' // this node can't answer now, or the request is no good: the requester fetches by itself
)

// informer takes interim responses (RFC 9110 section 15.2); it may be nil.
type informer func(status int, header http.Header)

func (inform informer) take(d *codec.Decoder) {
	status, header := int(d.Varint()), d.Header()
	if inform != nil && !d.Bad && status >= 100 && status != http.StatusSwitchingProtocols && status < 200 {
		inform(status, header)
	}
}

func appendBy(b []byte, by store.Fields) []byte {
	return codec.AppendText(codec.AppendText(codec.AppendHeader(codec.AppendHeader(b, by.Header), by.From), by.Proto), by.ID)
}
