package wire

// framer makes frames of what streams have queued, and puts them into its batch.
type framer struct {
	batch
	ended func(id uint64) // called, locked, when a stream's last frame goes; may be nil
}

// frameLocked takes o's next frame, and returns how much of o's it carries.
func (f *framer) frameLocked(o *outbox) int {
	o.acked = true
	i := &o.items[o.head]
	switch i.kind {
	case kindRequest, kindMessage:
		return f.messageLocked(o, i)
	case kindData:
		return f.dataLocked(o)
	}
	f.header(i.kind, len(i.a), o.id)
	n := len(i.a)
	f.put(i.a)
	f.tookLocked(o, n)
	f.popLocked(o)
	return n
}

// messageLocked takes the next frame of a request or a message. The first of several carries the
// message's beginning only.
func (f *framer) messageLocked(o *outbox, i *item) int {
	n := i.size() - i.sent
	k := i.kind
	switch {
	case i.begun:
		k, n = kindMore, min(n, maxFrame)
	case n > small:
		n = min(len(i.a), small)
	}
	done := i.sent+n == i.size()
	end := f.endsLocked(o, done, 1)
	if end {
		k |= last
	}
	if i.begun {
		f.header(k, n, o.id)
	} else {
		f.header(k, leadSize+n, o.id)
		f.word(uint32(len(i.a)))
		f.word(i.word)
		i.begun = true
	}
	f.putSome(i, n)
	f.tookLocked(o, n)
	if done {
		f.popLocked(o)
	}
	if end {
		f.popLocked(o)
	}
	return n
}

// dataLocked takes the next frame of content, which may be that of several writes.
func (f *framer) dataLocked(o *outbox) int {
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
	end := f.endsLocked(o, true, whole)
	if end {
		k |= last
	}
	f.header(k, n, o.id)
	for left := n; left > 0; {
		i := &o.items[o.head]
		k := min(i.size()-i.sent, left)
		f.putSome(i, k)
		if left -= k; i.sent == i.size() {
			o.pop()
		}
	}
	f.tookLocked(o, n)
	if end {
		f.popLocked(o)
	}
	return n
}

// endsLocked reports whether all that is left of o behind the next whole items is a plain end.
func (f *framer) endsLocked(o *outbox, done bool, whole int) bool {
	if !done || o.waiting() != whole+1 {
		return false
	}
	i := &o.items[o.head+whole]
	return i.kind == kindEnd && len(i.a) == 0
}

// popLocked forgets o's first item, and the stream with its last.
func (f *framer) popLocked(o *outbox) {
	k := o.items[o.head].kind
	o.pop()
	if (k == kindEnd || k == kindAbort) && f.ended != nil {
		f.ended(o.id)
	}
}

func (f *framer) tookLocked(o *outbox, n int) {
	o.queued -= n
	o.room.Broadcast()
}

// putSome puts the next n bytes of i into the batch.
func (f *framer) putSome(i *item, n int) {
	from, to := i.sent, i.sent+n
	i.sent = to
	if from < len(i.a) {
		f.put(i.a[from:min(to, len(i.a))])
	}
	if to > len(i.a) {
		f.put(i.b[max(0, from-len(i.a)) : to-len(i.a)])
	}
}
