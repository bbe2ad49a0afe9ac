package store

import (
	"context"
	"math/rand/v2"

	"github.com/scurrycache/scurry/internal/wire"
)

// Put stores rec, which has all that Source.Fetch gives one and its Key, with its whole content, at its owner. If the owner can't be
// told, nothing is stored.
func (s *Store) Put(rec *Record, content []byte) {
	rec.Length = int64(len(content))
	owner := s.ownerOf(rec.Key)
	if owner == nil {
		s.put(rec, content)
		return
	}
	encoded := rec.encode(s.cfg.Now())
	message := appendString(appendStrings([]byte{askPut}, []string{rec.Key, string(encoded)}), string(content))
	ctx, cancel := context.WithTimeout(s.base, tellTime)
	defer cancel()
	if stream, err := owner.Ask(ctx, message); err == nil {
		_, _ = s.answer(stream, nil) // so that whoever is answered after this finds it there
		_ = stream.Close()
	}
}

func (s *Store) servePut(c *wire.Call, d *decoder) {
	names, content := d.strings(), d.string()
	if d.bad || len(names) != 2 || s.cfg.Source.Check(names[0]) != nil {
		s.refuse(c, errBusy)
		return
	}
	rec, err := decode([]byte(names[1]), s.cfg.Now())
	if err != nil || rec.Length != int64(len(content)) || rec.Pass || (rec.Part != Part{}) || s.ownerOf(names[0]) != nil {
		s.refuse(c, errBusy)
		return
	}
	rec.Key = names[0]
	s.put(rec, []byte(content))
	reply(c, []byte{answerOK}, nil)
}

// put stores rec and its content here. The chunks come first: a record whose bytes aren't there would be of no use.
func (s *Store) put(rec *Record, content []byte) {
	s.mu.Lock()
	rec.Generation, rec.since, rec.asked = s.generations.of(rec.Key), s.groups.count, s.doubts
	open := s.beginLocked()
	s.mu.Unlock()
	if !open {
		return
	}
	defer s.work.Done()
	rec.Rangeable, rec.Resumable, rec.Pieces, rec.OneSlab = false, false, false, true
	rec.Revision = rand.Uint64()
	rec.Version = s.version(rec, "")
	rec.turn = s.cfg.Node.Turns()
	s.adopt(rec.Key, rec)
	for off := int64(0); off < rec.Length; {
		end := min(s.cfg.Geometry.At(off, true).End, rec.Length)
		s.push(rec, off, append([]byte(nil), content[off:end]...))
		off = end
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overtakenLocked(rec, rec.Generation) {
		s.forgetBodyLocked(rec.Version, "")
		return
	}
	s.installLocked(rec)
}
