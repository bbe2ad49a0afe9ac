package store

import (
	"cmp"
	"time"

	"github.com/scurrycache/scurry/internal/codec"
)

// The encoding of a record: fields in a fixed order, numbers as varints, strings with their length
// before them. Times are sent as ages, since the clocks of two nodes differ. The key isn't sent:
// the requester knows it.

const codecVersion = 11

// MaxLength is above all lengths of contents, so that offsets can be added to.
const MaxLength = 1 << 60

// CodeRecord codes a record. One that is read has no Key yet and isn't prepared.
func CodeRecord(c *codec.Coder, rec **Record) {
	if !c.Reads {
		(*rec).code(c)
		return
	}
	r := NewRecord()
	*rec = r
	if r.code(c); r.Status < 200 || r.Status > 599 || r.Length < -1 || r.Length >= MaxLength ||
		!r.Part.holds(r.Length) || r.small != nil && int64(len(*r.small)) != r.Length {
		c.Fail()
	}
}

// code writes r, or reads it.
func (r *Record) code(c *codec.Coder) {
	now := c.Now
	version, url, small := codecVersion, cmp.Or(r.URL, r.Key), string(r.content())
	if codec.Int(c, &version); version != codecVersion {
		c.Fail()
	}
	c.Text(&url)
	c.Texts(&r.Vary)
	c.Texts(&r.Groups)
	c.Text(&r.Variant)
	c.Text(&r.Version)
	codec.Int(c, &r.Revision)
	codec.Int(c, &r.Status)
	selecting := r.asking.selecting()
	c.Packed(&r.Head)
	c.Packed(&selecting)
	c.Header(&r.Trailer)
	age := func(t time.Time) time.Time {
		d := now.Sub(t)
		codec.Int(c, &d)
		return now.Add(-d)
	}
	request, response := age(r.RequestTime.Time()), age(r.ResponseTime.Time())
	pass, retry := age(r.PassUntil.Time()), age(r.RetryAfter.Time()) // a past one is none
	expired, when := r.Expired != 0, r.Expired.Time()
	if c.Flags(&expired); expired {
		when = age(when)
	}
	for _, n := range []*int64{&r.Length, &r.Part.Start, &r.Part.End, &r.Part.Total} {
		codec.Int(c, n)
	}
	c.Flags(&r.Rangeable, &r.Resumable, &r.OneSlab, &r.Pass, &r.Fragments, &r.Undated, &r.HeadOnly)
	if c.Text(&small); c.Reads {
		r.URL, r.small = url, smallContent([]byte(small))
		r.unpacked = r.Head.Header()
		r.asking = askingOf(r.asking.imprint(), selecting)
		if r.SetTimes(request, response); expired {
			r.Expired = At(when)
		}
		if pass.After(now) {
			r.PassUntil = Until(pass)
		}
		if retry.After(now) {
			r.RetryAfter = Until(retry)
		}
	}
}

// holds reports whether p, if it is a part, is one of length bytes.
func (p Part) holds(length int64) bool {
	return p == Part{} || (p.Start >= 0 && p.Start < p.End && p.End <= p.Total &&
		p.End-p.Start == length)
}
