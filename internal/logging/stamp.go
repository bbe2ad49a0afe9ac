package logging

import (
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// second is the beginning of all stamps within one second.
type second struct {
	unix int64
	text string // RFC 3339 without a zone, and the point before the fraction
}

var current atomic.Pointer[second]

// stamp adds the time, by RFC 3339 in UTC with milliseconds. The layout of zerolog's own timestamp
// is a global variable, which would change the logs of other packages. Each line has a stamp, so
// what is the same for a second is kept.
func stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	now := time.Now()
	s := current.Load()
	if s == nil || s.unix != now.Unix() {
		s = &second{now.Unix(), now.UTC().Format("2006-01-02T15:04:05.")}
		current.Store(s)
	}
	var b [32]byte
	ms := now.Nanosecond() / int(time.Millisecond)
	e.Bytes(zerolog.TimestampFieldName, append(append(b[:0], s.text...),
		byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z'))
}
