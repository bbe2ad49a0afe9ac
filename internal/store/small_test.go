package store

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// TestSmallContentIsInTheRecord: it takes nothing of the chunks group, whether or not its length
// was told, and stays when the record is made anew.
func TestSmallContentIsInTheRecord(t *testing.T) {
	for _, length := range []int64{maxSmall, -1} {
		synctest.Test(t, func(t *testing.T) {
			fetches := 0
			s := open(t, &scripted{fetch: func(context.Context, *Request) *OriginResponse {
				fetches++
				return answer(length, text(content(0, maxSmall)))
			}})
			early := fetch(t, s, "k")
			synctest.Wait()
			s.Postpone(early) // puts another record in its place
			rec := find(s, "k", nil)
			if rec == early || rec.Length != maxSmall || s.Usage().Chunks.Items != 0 ||
				len(s.byVersion) != 0 {
				t.Fatalf("%d bytes, %+v, %d bodies", rec.Length, s.Usage(), len(s.byVersion))
			}
			for _, rec := range []*Record{early, rec} {
				var r Reader
				s.Reader(&r, &Fields{}, rec, 0, -1)
				if got := readAll(t, &r); got != content(0, maxSmall) {
					t.Errorf("%d bytes", len(got))
				}
			}
			var r Reader
			s.Reader(&r, &Fields{}, rec, 10, 20)
			if got := readAll(t, &r); got != content(10, 20) || fetches != 1 {
				t.Errorf("%q, after %d fetches", got, fetches)
			}
			s.Close()
		})
	}
}

// TestBrokenSmallContentIsntKept: what looks like all of a content whose length isn't known isn't,
// if it broke off.
func TestBrokenSmallContentIsntKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, &scripted{fetch: func(context.Context, *Request) *OriginResponse {
			return answer(-1, io.NopCloser(io.MultiReader(strings.NewReader("nuts"), broken{})))
		}})
		fetch(t, s, "k")
		synctest.Wait()
		if rec := find(s, "k", nil); rec != nil {
			t.Errorf("%q is kept", rec.content())
		}
		s.Close()
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
