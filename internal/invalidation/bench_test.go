package invalidation

import (
	"fmt"
	"testing"
)

var benchResource = Resource{Key: "images/2026/11/28/squirrel.jpg", Groups: []string{"squirrels"}}

// BenchmarkHit is what a hit asks for.
func BenchmarkHit(b *testing.B) {
	l := filled(5000)
	b.ReportAllocs()
	for b.Loop() {
		l.MustRevalidate(1)
	}
}

// BenchmarkMiss is what a response from the origin costs.
func BenchmarkMiss(b *testing.B) {
	for name, l := range map[string]*Log{"empty": New(Config{}), "full": filled(5000)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Land(benchResource, l.Now().Token)
			}
		})
	}
}

// BenchmarkPrefixes is a lookup of a path of eight segments in logs of few and of many prefixes,
// all of which lie beside that path: the cost is one probe for each segment.
func BenchmarkPrefixes(b *testing.B) {
	r := Resource{Key: "a/b/c/d/e/f/g/h?q"}
	for _, n := range []int{1, 1000, 100_000} {
		l := New(Config{Incarnation: 1, Bytes: [kinds]int{1 << 30, 1 << 30, 1 << 30}})
		for i := range n {
			l.Publish(Remove, Prefix(fmt.Sprint("a/b/c/d/e/f/g/", i)))
		}
		then := l.Now().Token - 1
		b.Run(fmt.Sprint("prefixes=", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Check(r, then)
			}
		})
	}
}

func BenchmarkAccepts(b *testing.B) {
	l := filled(5000)
	then := l.Now().Position
	l.Publish(Remove, Key("other"))
	same, _, ok := decodePosition(encodePosition(l.Now().Position))
	if !ok {
		b.Fatal("a position doesn't decode")
	}
	for name, p := range map[string]*Position{"equal": same, "older": then} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Accepts(benchResource, p)
			}
		})
	}
}

// BenchmarkPublish has logs forget as often as they have to.
func BenchmarkPublish(b *testing.B) {
	l := New(Config{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Publish(Remove, Key(fmt.Sprint(i)))
	}
}
