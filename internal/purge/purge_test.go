package purge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scurrycache/scurry/internal/purge"
)

// asked is a Func that remembers what it was asked for.
type asked struct {
	q      *purge.Request
	result purge.Result
	err    error
}

func (a *asked) purge(_ context.Context, q *purge.Request) (*purge.Result, error) {
	a.q = q
	return &a.result, a.err
}

// send sends a request with fields given as "Name: value" to h.
func send(h http.Handler, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const isJSON = "Content-Type: application/json; charset=utf-8"

// TestRequests: what a request purges, or what is wrong with it.
func TestRequests(t *testing.T) {
	const soft = "Fastly-Soft-Purge: 1"
	many := `"` + strings.Repeat(`a","`, purge.MaxItems) + `a"`
	for _, c := range []struct {
		method, target, body string
		fields               []string
		want                 purge.Request
		status               int
		detail               string
	}{
		{body: `{"files":["/files/a","http://h/files/b?q"]}`, want: purge.Request{URLs: []string{"/files/a", "http://h/files/b?q"}}},
		{body: `{"prefixes":["/files/a"],"soft":true,"id":"x"}`, want: purge.Request{Prefixes: []string{"/files/a"}, Soft: true, ID: "x"}},
		{body: `{"tags":["a","b c"],"files":["/f"],"queries":true}`, want: purge.Request{Groups: []string{"a", "b c"}, URLs: []string{"/f"}, Queries: true}},
		{body: `{"purge_everything":true}`, want: purge.Request{All: true}},
		{body: `{"purge_everything":true,"files":["/a"]}`, status: 400, detail: "nothing else can be named"},
		{body: `{"purge_everything":true,"queries":true}`, status: 400, detail: "nothing else"},
		{body: `{}`, status: 400, detail: "nothing is named"},
		{body: `{"purge_everything":false}`, status: 400, detail: "nothing is named"},
		{body: ``, status: 400, detail: "the body is empty"},
		{body: `{"files":["/a"]}x`, status: 400, detail: "something follows"},
		{body: `{"files":["/a"]} {}`, status: 400, detail: "something follows"},
		{body: `{"files":["/a"]`, status: 400, detail: "isn't the JSON of a purge"},
		{body: `{"files":"/a"}`, status: 400, detail: `"files": expected a list of strings, not a JSON string`},
		{body: `{"files":[{"url":"/a"}]}`, status: 400, detail: `"files": expected a list of strings, not a JSON object`},
		{body: `{"soft":"yes","files":["/a"]}`, status: 400, detail: `"soft": expected true or false`},
		{body: `{"id":1,"files":["/a"]}`, status: 400, detail: `"id": expected a string`},
		{body: `{"hosts":["a"]}`, status: 400, detail: `unknown member "hosts"`},
		{body: `[]`, status: 400, detail: "isn't the JSON of a purge"},
		{body: `{"tags":[""]}`, status: 400, detail: "a group's name has 1 to 256"},
		{body: `{"tags":["` + strings.Repeat("g", 257) + `"]}`, status: 400, detail: "257 bytes"},
		{body: `{"files":["/a"],"id":"` + strings.Repeat("i", 129) + `"}`, status: 400, detail: "129 bytes"},
		{body: `{"tags":["a"],"queries":true}`, status: 400, detail: "no URL is named"},
		{body: `{"files":[` + many + `]}`, status: 400, detail: "501 URLs"},
		{body: `{"files":["` + strings.Repeat("a", 300<<10) + `"]}`, status: 413},
		{body: `{"files":["/a"]}`, fields: []string{"Content-Type: application/x-www-form-urlencoded"}, status: 415, detail: "Content-Type: application/json"},
		{body: `{"files":["/a"]}`, fields: []string{}, status: 415},
		{method: "GET", status: 405},
		{method: "PUT", target: "/purge/files/a", status: 405},

		{target: "/purge/files/a%2fb?q=1", want: purge.Request{URLs: []string{"files/a%2fb?q=1"}}},
		{target: "/purge/http://h//files/a?", want: purge.Request{URLs: []string{"http://h//files/a?"}}},
		{target: "/purge//files/a", fields: []string{soft}, want: purge.Request{URLs: []string{"/files/a"}, Soft: true}},
		{target: "/purge/key/a%2fb", fields: []string{"Fastly-Soft-Purge: 0"}, want: purge.Request{Groups: []string{"a/b"}}},
		{target: "/%70urg%65%2ffiles/%61", want: purge.Request{URLs: []string{"files/%61"}}},
		{target: "/purge/%6bey/%61", want: purge.Request{Groups: []string{"a"}}},
		{target: "/purge/ke%79", want: purge.Request{URLs: []string{"ke%79"}}},
		{target: "/purge/key/", status: 400, detail: "a group's name"},
		{target: "/purge/files/a", fields: []string{"Fastly-Soft-Purge: yes"}, status: 400, detail: "expected 1 or 0"},

		{method: "PURGE", target: "/files/a?q", want: purge.Request{URLs: []string{"/files/a?q"}}},
		{method: "PURGE", target: "/files/a", fields: []string{soft}, want: purge.Request{URLs: []string{"/files/a"}, Soft: true}},
		{method: "PURGE", target: "/", fields: []string{"Surrogate-Key: a b", "xkey: c,d"}, want: purge.Request{Groups: []string{"a", "b", "c", "d"}}},
		{method: "PURGE", target: "/", fields: []string{`Cache-Groups: "a b", "c";x`}, want: purge.Request{Groups: []string{"a b", "c"}}},
		{method: "PURGE", target: "/", fields: []string{"Surrogate-Key:  , "}, status: 400, detail: "names no group"},
		{method: "PURGE", target: "/", fields: []string{"Cache-Groups: a, b"}, status: 400, detail: "strings in quotes"},
		{method: "PURGE", target: "/", fields: []string{"Cache-Groups: "}, status: 400, detail: "expected strings"},
	} {
		a := &asked{}
		h := purge.Func(a.purge).Handler()
		if c.method == "PURGE" {
			h = purge.Func(a.purge).Method([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}) // httptest's address
		} else if c.fields == nil {
			c.fields = []string{isJSON}
		}
		if c.method == "" {
			c.method = "POST"
		}
		if c.target == "" {
			c.target = "/purge"
		}
		w := send(h, c.method, c.target, c.body, c.fields...)
		name := fmt.Sprintf("%s %s %.60s %v", c.method, c.target, c.body, c.fields)
		if c.status == 0 {
			if w.Code != 200 || !reflect.DeepEqual(a.q, &c.want) {
				t.Errorf("%s: %d, %+v, want %+v; %s", name, w.Code, a.q, c.want, w.Body)
			}
			continue
		}
		var d purge.Details
		err := json.Unmarshal(w.Body.Bytes(), &d)
		if w.Code != c.status || err != nil || d.Status != c.status || !strings.Contains(d.Detail, c.detail) ||
			w.Header().Get("Content-Type") != "application/problem+json" || a.q != nil {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// TestAnswers: who has acknowledged, and who hasn't, and why.
func TestAnswers(t *testing.T) {
	a := &asked{result: purge.Result{ID: "x", Nodes: []purge.Node{{Name: "a", Purged: 3}, {Name: "b"}}}}
	h := purge.Func(a.purge).Handler()
	w := send(h, "POST", "/purge", `{"purge_everything":true}`, isJSON)
	var got purge.Answer
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatal(w.Code, w.Body)
	}
	if want := (purge.Answer{Success: true, ID: "x", Nodes: []purge.Acting{{Name: "a", Status: "ok", Purged: 3}, {Name: "b", Status: "ok"}}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	a.result.Nodes[1].Err = errors.New("it is down")
	w = send(h, "POST", "/purge", `{"purge_everything":true}`, isJSON)
	got = purge.Answer{}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 207 || got.Success {
		t.Fatal(w.Code, w.Body)
	}
	want := purge.Acting{Name: "b", Status: "failed", Reason: "it is down", OldUntil: "unknown",
		CopiesUntil: "unknown"}
	if got.Nodes[1] != want {
		t.Errorf("%+v", got.Nodes[1])
	}
	a.result.Nodes[1].OldUntil = time.Date(2026, 1, 2, 3, 4, 5, 1, time.FixedZone("", 3600))
	a.result.Nodes[1].CopiesUntil = a.result.Nodes[1].OldUntil.Add(-1)
	w = send(h, "POST", "/purge", `{"purge_everything":true}`, isJSON)
	got = purge.Answer{}
	err := json.Unmarshal(w.Body.Bytes(), &got)
	if err != nil || got.Nodes[1].OldUntil != "2026-01-02T02:04:06Z" ||
		got.Nodes[1].CopiesUntil != "2026-01-02T02:04:05Z" ||
		got.Nodes[0].OldUntil+got.Nodes[0].CopiesUntil != "" {
		t.Errorf("%s", w.Body)
	}
	for status, err := range map[int]error{409: purge.ErrID, 400: errors.New("no such path")} {
		a.err = err
		if w := send(h, "POST", "/purge", `{"purge_everything":true}`, isJSON); w.Code != status || !strings.Contains(w.Body.String(), err.Error()) {
			t.Errorf("%v: %d %s", err, w.Code, w.Body)
		}
	}
}

// TestMethodIsForSome: requests of other addresses, and those that were forwarded, purge nothing.
func TestMethodIsForSome(t *testing.T) {
	allowed := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		remote, field string
		allowed       bool
	}{
		{"10.1.2.3:4", "Accept: */*", true}, {"[::ffff:10.1.2.3]:4", "Accept: */*", true}, {"[fd00::1%eth0]:4", "Accept: */*", true},
		{"11.1.2.3:4", "Accept: */*", false}, {"[fe80::1]:4", "Accept: */*", false}, {"@", "Accept: */*", false}, {"", "Accept: */*", false},
		{"10.1.2.3:4", "Forwarded: for=1.2.3.4", false}, {"10.1.2.3:4", "X-Forwarded-For: 10.1.2.3", false},
		{"10.1.2.3:4", "Via: 1.1 x", false}, {"10.1.2.3:4", "CDN-Loop: x", false}, {"10.1.2.3:4", "X-Real-IP: 10.1.2.3", false},
	} {
		a := &asked{}
		r := httptest.NewRequest("PURGE", "/files/a", nil)
		name, value, _ := strings.Cut(c.field, ": ")
		r.RemoteAddr = c.remote
		r.Header.Set(name, value)
		w := httptest.NewRecorder()
		purge.Func(a.purge).Method(allowed).ServeHTTP(w, r)
		if want := map[bool]int{true: 200, false: 403}[c.allowed]; w.Code != want || c.allowed != (a.q != nil) || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s, %s: %d", c.remote, c.field, w.Code)
		}
	}
}

// TestLedger: a purge with an ID happens once, within ten minutes, however often it is asked for.
func TestLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l purge.Ledger
		done, begin := 0, make(chan struct{})
		do := func(q purge.Request) (*purge.Result, error) {
			return l.Do(&q, func() *purge.Result { <-begin; done++; return &purge.Result{Nodes: make([]purge.Node, done)} })
		}
		a := purge.Request{All: true, ID: "a"}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if r, err := do(a); err != nil || len(r.Nodes) != 1 {
					t.Error(r, err)
				}
			})
		}
		synctest.Wait()
		close(begin)
		all.Wait()
		if _, err := do(purge.Request{Groups: []string{"g"}, ID: "a"}); err != purge.ErrID || done != 1 {
			t.Errorf("another purge with the same id: %v; %d done", err, done)
		}
		for range 2 {
			if _, err := do(purge.Request{All: true}); err != nil {
				t.Error(err)
			}
		}
		if done != 3 {
			t.Errorf("without an id, %d have been done", done)
		}
		time.Sleep(10*time.Minute + 1)
		if _, err := do(a); err != nil || done != 4 {
			t.Errorf("after ten minutes: %v, %d done", err, done)
		}
		for i := range 1000 { // which push out a
			if _, err := do(purge.Request{All: true, ID: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		}
		if _, err := do(a); err != nil || done != 1005 {
			t.Errorf("after 1,000 others: %v, %d done", err, done)
		}
	})
}
