package wire

import "sync"

// item is one thing that a stream has to send, in one frame or in several.
type item struct {
	kind  kind
	begun bool
	word  uint32 // a request's window; a message's size of the value + 1
	sent  int    // of a and b together
	a, b  []byte // the message and its value; content; a detail. Immutable, not copied
}

func (i *item) size() int { return len(i.a) + len(i.b) }

// urgent reports whether i's next frame is a small one, which goes before all bulk. That is also
// what keeps requests in the order of their numbers: the first frame of a large one is small.
func (i *item) urgent() bool {
	switch i.kind {
	case kindRequest, kindMessage:
		return !i.begun
	case kindData:
		return false
	}
	return true
}

// outbox is what one stream has to send, in its order, and its place among the others that have
// something to send. All of it is guarded by the link's mutex.
type outbox struct {
	id     uint64
	items  []item // the first of them is items[head]
	head   int
	queued int // bytes in items

	ack    bool // the request is to be acknowledged
	acked  bool // it needn't be any more
	credit int  // to be given
	cancel bool
	room   sync.Cond // waits for items to go

	first      [2]item // most streams never have more
	list       *outboxes
	prev, next *outbox
}

// maxItems is how many items a stream may have queued, however small they are.
const maxItems = 256

func (o *outbox) init(id uint64, mu *sync.Mutex) {
	o.id = id
	o.items = o.first[:0]
	o.room.L = mu
}

// waiting is how many items there are.
func (o *outbox) waiting() int { return len(o.items) - o.head }

func (o *outbox) push(i item) {
	if o.head > 0 && len(o.items) == cap(o.items) { // rather than grow for ever
		n := copy(o.items, o.items[o.head:])
		clear(o.items[n:])
		o.items, o.head = o.items[:n], 0
	}
	o.items = append(o.items, i)
	o.queued += i.size()
}

func (o *outbox) pop() {
	o.items[o.head] = item{}
	if o.head++; o.head == len(o.items) {
		o.items, o.head = o.items[:0], 0
	}
}

// drop forgets all that is to be sent.
func (o *outbox) drop() {
	clear(o.items)
	o.items, o.head, o.queued = o.items[:0], 0, 0
	o.ack, o.credit = false, 0
}

// outboxes is a queue of outboxes, each of which is in one queue at most.
type outboxes struct {
	front, back *outbox
	n           int
}

func (l *outboxes) push(o *outbox) {
	o.list, o.prev, o.next = l, l.back, nil
	if l.back != nil {
		l.back.next = o
	} else {
		l.front = o
	}
	l.back = o
	l.n++
}

// remove takes o out of the queue it is in, if any.
func (o *outbox) remove() {
	l := o.list
	if l == nil {
		return
	}
	if o.prev != nil {
		o.prev.next = o.next
	} else {
		l.front = o.next
	}
	if o.next != nil {
		o.next.prev = o.prev
	} else {
		l.back = o.prev
	}
	o.list, o.prev, o.next = nil, nil, nil
	l.n--
}
