package wire

// frameLocked takes o's next frame, and returns how much of o's it carries.
func (w *writer) frameLocked(o *outbox) int {
	o.acked = true
	i := &o.items[o.head]
	switch i.kind {
	case kindRequest, kindMessage:
		return w.messageLocked(o, i)
	case kindData:
		return w.dataLocked(o)
	}
	w.header(i.kind, len(i.a), o.id)
	n := len(i.a)
	w.put(i.a)
	w.tookLocked(o, n)
	w.popLocked(o)
	return n
}

// messageLocked takes the next frame of a request or a message. The first of several carries the
// message's beginning only.
func (w *writer) messageLocked(o *outbox, i *item) int {
	n := i.size() - i.sent
	k := i.kind
	switch {
	case i.begun:
		k, n = kindMore, min(n, maxFrame)
	case n > small:
		n = min(len(i.a), small)
	}
	done := i.sent+n == i.size()
	end := w.endsLocked(o, done, 1)
	if end {
		k |= last
	}
	if i.begun {
		w.header(k, n, o.id)
	} else {
		w.header(k, leadSize+n, o.id)
		w.word(uint32(len(i.a)))
		w.word(i.word)
		i.begun = true
	}
	w.putSome(i, n)
	w.tookLocked(o, n)
	if done {
		w.popLocked(o)
	}
	if end {
		w.popLocked(o)
	}
	return n
}

// dataLocked takes the next frame of content, which may be that of several writes.
func (w *writer) dataLocked(o *outbox) int {
	n, whole := 0, 0
	for _, i := range o.items[o.head:] {
		if i.kind != kindData || n == maxFrame {
			break
		}
		k := min(i.size()-i.sent, maxFrame-n)
		n += k
		if i.sent+k == i.size() {
			whole++
		}
	}
	k := kindData
	end := w.endsLocked(o, true, whole)
	if end {
		k |= last
	}
	w.header(k, n, o.id)
	for left := n; left > 0; {
		i := &o.items[o.head]
		k := min(i.size()-i.sent, left)
		w.putSome(i, k)
		if left -= k; i.sent == i.size() {
			o.pop()
		}
	}
	w.tookLocked(o, n)
	if end {
		w.popLocked(o)
	}
	return n
}

// endsLocked reports whether all that is left of o behind the next whole items is a plain end.
func (w *writer) endsLocked(o *outbox, done bool, whole int) bool {
	if !done || o.waiting() != whole+1 {
		return false
	}
	i := &o.items[o.head+whole]
	return i.kind == kindEnd && len(i.a) == 0
}

// popLocked forgets o's first item, and the stream with its last.
func (w *writer) popLocked(o *outbox) {
	k := o.items[o.head].kind
	o.pop()
	if (k == kindEnd || k == kindAbort) && w.ended != nil {
		w.ended(o.id)
	}
}

func (w *writer) tookLocked(o *outbox, n int) {
	o.queued -= n
	o.room.Broadcast()
}

// putSome puts the next n bytes of i into the batch.
func (w *writer) putSome(i *item, n int) {
	from, to := i.sent, i.sent+n
	i.sent = to
	if from < len(i.a) {
		w.put(i.a[from:min(to, len(i.a))])
	}
	if to > len(i.a) {
		w.put(i.b[max(0, from-len(i.a)) : to-len(i.a)])
	}
}
