package wire

import (
	"slices"
	"sync"
)

// item is one thing that a stream has to send.
type item struct {
	kind   kind
	last   bool   // nothing comes behind it
	number int    // as in the frame's header
	data   []byte // what is yet to be sent of a message, a value, content, a detail; not copied
}

// urgent reports whether i goes before all bulk, as what is small does. Requests go in the order of
// their numbers.
func (i *item) urgent() bool { return i.kind == kindRequest || len(i.data) <= small }

// outbox is what one stream has to send, in its order, and its place among the others that have
// something to send. All of it is guarded by the link's mutex.
type outbox struct {
	id     uint64
	items  []item
	queued int       // bytes in items
	began  bool      // something of it has been sent
	room   sync.Cond // waits for items to go

	first [2]item // most streams never have more
	list  *outboxes
}

// maxItems is how many items a stream may have queued, however small they are.
const maxItems = 256

func (o *outbox) init(id uint64, mu *sync.Mutex) {
	o.id = id
	o.items = o.first[:0]
	o.room.L = mu
}

// frame is the header of the next frame, whose payload is that of the first whole items and some
// more bytes of the one behind them. Content goes in frames of its own size, whatever it was written
// in.
func (o *outbox) frame() (h header, whole, more int) {
	h = header{kind: o.items[0].kind, id: o.id, number: o.items[0].number}
	for n, i := range o.items {
		isMore := h.kind == kindData && i.kind == kindData || n == 1 && h.withValue()
		if n > 0 && !isMore {
			break
		}
		if room := maxFrame - h.size; h.kind == kindData && len(i.data) > room {
			h.size = maxFrame
			return h, whole, room
		}
		h.size += len(i.data)
		h.last = i.last
		whole++
	}
	return h, whole, 0
}

// drop forgets all that is to be sent.
func (o *outbox) drop() {
	o.items, o.queued = slices.Delete(o.items, 0, len(o.items)), 0
	o.move(nil)
}

// outboxes is a queue of outboxes, each of which is in one queue at most.
type outboxes []*outbox

// move puts o at the end of l, unless it is in l; if that is nil, in no queue.
func (o *outbox) move(l *outboxes) {
	if o.list == l {
		return
	}
	if from := o.list; from != nil {
		i := slices.Index(*from, o)
		*from = slices.Delete(*from, i, i+1)
	}
	if l != nil {
		*l = append(*l, o)
	}
	o.list = l
}
