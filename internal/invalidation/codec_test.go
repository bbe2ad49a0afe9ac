package invalidation

import (
	"reflect"
	"testing"

	"github.com/scurrycache/scurry/internal/codec"
)

func encodePosition(p *Position) []byte {
	c := codec.Coder{}
	CodePosition(&c, &p)
	return c.B
}

func decodePosition(b []byte) (p *Position, rest []byte, ok bool) {
	c := codec.Coder{B: b, Reads: true}
	CodePosition(&c, &p)
	return p, c.B, !c.Bad
}

func encodeEntries(entries []Entry) []byte {
	c := codec.Coder{}
	CodeEntries(&c, &entries)
	return c.B
}

func decodeEntries(b []byte) (entries []Entry, rest []byte, ok bool) {
	c := codec.Coder{B: b, Reads: true}
	CodeEntries(&c, &entries)
	return entries, c.B, !c.Bad
}

func encodeReply(r *Reply) []byte {
	c := codec.Coder{}
	r.Code(&c)
	return c.B
}

func FuzzEntries(f *testing.F) {
	l := New(Config{Incarnation: 7})
	c := l.Publish(Remove, Key(""), Key("a?q"), Prefix("a/b"), Group("g"), Scope{})
	f.Add(encodeEntries(c.Entries))
	f.Add(encodeEntries(l.Publish(Revalidate, Key("a")).Entries))
	f.Add([]byte{1, 0x21})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, rest, ok := decodeEntries(b)
		if !ok {
			return
		}
		again, none, ok := decodeEntries(encodeEntries(entries))
		if !ok || len(none) > 0 || !reflect.DeepEqual(again, entries) || len(rest) > len(b) {
			t.Errorf("%v, then %v, %v", entries, again, ok)
		}
		New(Config{Incarnation: 1}).Learn(entries)
	})
}

// TestEntriesAreChecked: what no log would issue isn't taken from another node.
func TestEntriesAreChecked(t *testing.T) {
	good := Entry{Name{1, 2, 3}, Remove, Key("a")}
	for name, spoil := range map[string]func(*Entry){
		"kind":                 func(e *Entry) { e.Kind = kinds },
		"field":                func(e *Entry) { e.Scope.field = fields },
		"no number":            func(e *Entry) { e.Name.Number = 0 },
		"high number":          func(e *Entry) { e.Name.Number = maxNumber + 1 },
		"high time":            func(e *Entry) { e.Name.Time = 1 << 63 },
		"name of all":          func(e *Entry) { e.Scope.field = all },
		"prefix without name":  func(e *Entry) { e.Scope = Scope{field: prefix} },
		"name of great length": func(e *Entry) { e.Scope.name = string(make([]byte, maxName+1)) },
	} {
		bad := good
		spoil(&bad)
		if _, _, ok := decodeEntries(encodeEntries([]Entry{good, bad})); ok {
			t.Errorf("%s: taken", name)
		}
	}
	if got, _, ok := decodeEntries(encodeEntries([]Entry{good, good})); !ok || got[1] != good {
		t.Errorf("%v, %t", got, ok)
	}
}

// TestPositionsAreChecked: issuers are in their order, each with a number.
func TestPositionsAreChecked(t *testing.T) {
	for _, v := range []vector{{{1, 0}}, {{1, 1}, {1, 2}}, {{2, 1}, {1, 1}}, {{1, maxNumber + 1}},
		make(vector, maxIssuers+1)} {
		for i := range v {
			if len(v) > 2 {
				v[i] = count{uint64(i), 1}
			}
		}
		c, n := codec.Coder{}, len(v)
		if v.code(&c); len(v) != n || c.Bad {
			t.Errorf("writing %.100v has left %d of %d", v, len(v), n)
		}
		(&vector{}).code(&c)
		if _, _, ok := decodePosition(c.B); ok {
			t.Errorf("%.100v is taken", v)
		}
	}
	if p, rest, ok := decodePosition(encodePosition(nil)); !ok || len(rest) > 0 ||
		len(p.known[Remove])+len(p.known[Revalidate]) > 0 {
		t.Error("no position isn't that of an empty log")
	}
}

func FuzzPosition(f *testing.F) {
	l := New(Config{Incarnation: 7})
	l.Publish(Remove, Key("a"))
	f.Add(encodePosition(l.Now().Position))
	f.Add([]byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, _, ok := decodePosition(b)
		if !ok {
			return
		}
		again, rest, ok := decodePosition(encodePosition(p))
		if !ok || len(rest) > 0 || !reflect.DeepEqual(again.known, p.known) {
			t.Errorf("%v, then %v, %v", p, again, ok)
		}
		l.Accepts(Resource{Key: "a"}, p)
		l.Covers(p)
		l.Behind(p)
	})
}

// FuzzPull gives both sides of a pull anything. Only a reply that is right changes a log.
func FuzzPull(f *testing.F) {
	source := New(Config{Incarnation: 7, Bytes: [kinds]int{1000, 1000, 1000}})
	for i := range 10 {
		source.Publish(Kind(i)%kinds, Prefix(string(rune('a'+i))), Group("g"))
	}
	none := New(Config{}).Now().Position
	reply := encodeReply(source.Reply(none))
	f.Add(encodePosition(none), reply)
	f.Add(encodePosition(source.Now().Position), reply[:len(reply)-1])
	f.Fuzz(func(t *testing.T, request, reply []byte) {
		if p, _, ok := decodePosition(request); ok {
			if _, err := New(Config{Incarnation: 8}).Merge(source.Reply(p)); err != nil {
				t.Errorf("the reply to %x isn't taken: %v", request, err)
			}
		}
		c, r := codec.Coder{B: reply, Reads: true}, Reply{}
		if r.Code(&c); c.Bad {
			return
		}
		l := New(Config{Incarnation: 9, Bytes: [kinds]int{5000, 5000, 5000}})
		before := l.Now()
		_, err := l.Merge(&r)
		if err != nil && l.Now() != before {
			t.Error("a reply that is wrong has an effect")
		}
		if err != nil {
			return
		}
		for kind := range l.shares {
			if s := &l.shares[kind]; s.bytes > 5000 || !s.known.covers(s.forgotten) {
				t.Errorf("%d bytes, %v known, %v forgotten", s.bytes, s.known, s.forgotten)
			}
		}
	})
}
