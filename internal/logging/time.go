package logging

import (
	"strconv"
	"sync/atomic"
	"time"
)

// second is the text of a second, up to where its fraction begins. Every line has a time, and
// package time takes a tenth of a hit's time for one. So the text is kept for the lines of that
// second.
type second struct {
	unix int64
	text string
}

var lastSecond atomic.Pointer[second]

// appendTime appends t in UTC to b: RFC 3339 with milliseconds.
func appendTime(b []byte, t time.Time) []byte {
	s := lastSecond.Load()
	if s == nil || s.unix != t.Unix() {
		s = &second{t.Unix(), t.UTC().Format("2006-01-02T15:04:05.")}
		lastSecond.Store(s)
	}
	return append(appendThousandths(append(b, s.text...), t.Nanosecond()/1e6), 'Z')
}

// appendMilliseconds appends d, which isn't negative, in ms, to the microsecond, as a number in
// JSON.
func appendMilliseconds(b []byte, d time.Duration) []byte {
	us := max(0, d.Microseconds())
	b = strconv.AppendInt(b, us/1000, 10)
	if us %= 1000; us == 0 {
		return b
	}
	b = appendThousandths(append(b, '.'), int(us))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// appendThousandths appends n, which is below 1000, in three digits.
func appendThousandths(b []byte, n int) []byte {
	return append(b, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}
