package invalidation

import (
	"reflect"
	"testing"
)

func FuzzEntries(f *testing.F) {
	l := New(Config{Incarnation: 7})
	c := l.Publish(Remove, Key(""), Key("a?q"), Prefix("a/b"), Group("g"), Scope{})
	f.Add(AppendEntries(nil, c.Entries))
	f.Add(AppendEntries(nil, l.Publish(Revalidate, Key("a")).Entries))
	f.Add([]byte{1, 0x21})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, rest, err := DecodeEntries(b)
		if err != nil {
			return
		}
		again, none, err := DecodeEntries(AppendEntries(nil, entries))
		if err != nil || len(none) > 0 || !reflect.DeepEqual(again, entries) || len(rest) > len(b) {
			t.Errorf("%v, then %v, %v", entries, again, err)
		}
		New(Config{Incarnation: 1}).Learn(entries)
	})
}

func FuzzPosition(f *testing.F) {
	l := New(Config{Incarnation: 7})
	l.Publish(Remove, Key("a"))
	f.Add(l.Now().Position.Append(nil))
	f.Add([]byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, _, err := DecodePosition(b)
		if err != nil {
			return
		}
		again, rest, err := DecodePosition(p.Append(nil))
		if err != nil || len(rest) > 0 || !again.Equal(p) || !reflect.DeepEqual(again.known, p.known) {
			t.Errorf("%v, then %v, %v", p, again, err)
		}
		l.Accepts(Resource{Key: "a"}, p)
		l.Covers(p)
		l.Behind(p)
	})
}

// FuzzPull gives both sides of a pull anything. Only a reply that is whole changes a log.
func FuzzPull(f *testing.F) {
	source := New(Config{Incarnation: 7, Bytes: [2]int{1000, 1000}})
	for i := range 10 {
		source.Publish(Kind(i%2), Prefix(string(rune('a'+i))), Group("g"))
	}
	first := New(Config{Incarnation: 8}).Pull().Request()
	for _, size := range []int{1, 50, 1000} {
		reply, err := source.Reply(first, size)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(first, reply)
	}
	f.Fuzz(func(t *testing.T, request, reply []byte) {
		if reply, err := source.Reply(request, 1000); err == nil {
			_, _, err := New(Config{Incarnation: 8}).Pull().Merge(reply)
			if err != nil && request[0] == 0 { // from the beginning
				t.Errorf("the reply to %x isn't taken: %v", request, err)
			}
		}
		l := New(Config{Incarnation: 9, Bytes: [2]int{5000, 5000}})
		before := l.Now()
		_, done, err := l.Pull().Merge(reply)
		if (err != nil || !done) && l.Now() != before {
			t.Error("a reply that isn't whole has an effect")
		}
		if !done {
			return
		}
		for kind := range l.shares {
			if s := &l.shares[kind]; s.bytes > 5000 || !s.known.covers(s.forgotten) {
				t.Errorf("%d bytes, %v known, %v forgotten", s.bytes, s.known, s.forgotten)
			}
		}
	})
}
