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
		l.Doubts(1)
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
