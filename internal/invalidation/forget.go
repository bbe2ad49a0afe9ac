package invalidation

// forgetLocked forgets the entries of kind with the lowest names, until half of the room is free.
// It forgets much at once, since each time all versions that are derived later are others.
func (l *Log) forgetLocked(kind Kind) {
	s := &l.shares[kind]
	for _, it := range l.itemsLocked(kind) {
		if s.bytes <= l.cfg.Bytes[kind]/2 {
			break
		}
		s.forgotten = s.forgotten.raised(it.Name.Issuer, it.Name.Number)
		l.missLocked(kind, it.at)
		l.dropLocked(it)
	}
}

// missLocked notes that what rests on an earlier moment than at may have missed entries of kind
// that the log doesn't have.
func (l *Log) missLocked(kind Kind, at Token) {
	s := &l.shares[kind]
	s.forgot = max(s.forgot, at)
	f := &l.filter[kind].every
	f.Store(max(f.Load(), uint64(s.forgot)))
}

// tidyLocked drops the entries of kind that count as forgotten, so that all nodes which have
// forgotten as much derive the same marks.
func (l *Log) tidyLocked(kind Kind) {
	s := &l.shares[kind]
	for _, it := range l.itemsLocked(kind) {
		if it.Name.Number <= s.forgotten.at(it.Name.Issuer) {
			l.missLocked(kind, it.at)
			l.dropLocked(it)
		}
	}
}
