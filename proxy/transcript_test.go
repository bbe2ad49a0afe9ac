package proxy_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/scurrycache/scurry/proxy"
)

var update = flag.Bool("update", false, "rewrite the fields and contents that transcripts expect "+
	"with those that come")

// TestTranscripts holds one node, and three that are asked in turn, to what ../testdata/*.txtar
// say, in the language that transcriptlang_test.go describes.
func TestTranscripts(t *testing.T) {
	oneNode(t) // it makes its own clusters
	files, err := filepath.Glob("../testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runArchive(t, file)
		})
	}
}

func runArchive(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	archive, edits := txtar.Parse(text), map[int][]string{}
	at := 1 + bytes.Count(archive.Comment, []byte("\n"))
	for i, section := range archive.Files {
		first := at + 1
		at = first + bytes.Count(section.Data, []byte("\n"))
		list, err := steps(numbered(section.Data, first))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		t.Run(section.Name, func(t *testing.T) {
			t.Run("one node", func(t *testing.T) {
				newTranscript(t, file, list, 1,
					edits).run(list)
			})
			// Who owns what is a matter of chance, but what is shown mustn't be.
			for turn, name := range []string{"three nodes, owner first",
				"three nodes, owner last"} {
				if raceEnabled && i%4 != 2*turn {
					continue // starting nodes takes most of the time
				}
				t.Run(name, func(t *testing.T) {
					r := newTranscript(t, file, list, 3, nil)
					r.turn += turn
					r.run(list)
				})
			}
		})
	}
	if *update && len(edits) > 0 {
		if err := os.WriteFile(file, edited(text, edits), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// edited is text with lines replaced by others, any number for each.
func edited(text []byte, edits map[int][]string) []byte {
	var out []string
	for i, l := range strings.Split(string(text), "\n") {
		if with, ok := edits[i+1]; ok {
			out = append(out, with...)
		} else {
			out = append(out, l)
		}
	}
	return []byte(strings.Join(out, "\n"))
}

// transcript is a case at work.
type transcript struct {
	t      testing.TB
	file   string
	clock  *clock
	origin *scripted
	nodes  []*node
	turn   int // whose turn it is to be asked
	// a node may not have seen yet what the origin answered to it in the background
	settling bool
	edits    map[int][]string // what lines of the file become under -update
}

// newTranscript starts what a case is about, with the settings that it begins with.
func newTranscript(t testing.TB, file string, list []step, nodes int,
	edits map[int][]string) *transcript {
	t.Helper()
	r := &transcript{t: t, file: file, clock: &clock{now: time.Date(2026, 3, 5, 12, 0, 0, 0,
		time.UTC)}, edits: edits}
	cfg := proxy.Config{Now: r.clock.Now}
	r.origin, cfg.Origin = newScripted(t, r.clock)
	for _, s := range list {
		if s.verb() == "config" {
			words, err := s.words(2)
			if err == nil {
				err = configure(&cfg, words[0], words[1])
			}
			r.must(s.n, err)
		}
	}
	if nodes == 1 {
		r.nodes = []*node{newNode(t, cfg)}
	} else {
		c := newCluster(t, nodes, cfg)
		r.nodes, r.turn = c.nodes, c.owner(firstPath(list))
	}
	return r
}

// firstPath is what the clients of a case ask for first, as a cache key.
func firstPath(list []step) string {
	for _, s := range list {
		for _, l := range append([]line{s.line}, s.block...) {
			if words := strings.Fields(l.text); len(words) == 3 && words[0] == "client" {
				return strings.TrimPrefix(words[2], "/files/")
			}
		}
	}
	return ""
}

func (r *transcript) must(line int, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%s:%d: %v", r.file, line, err)
	}
}

func (r *transcript) run(list []step) {
	r.t.Helper()
	for i, s := range list {
		r.step(s)
		r.check(s, i+1 == len(list) || !awaited(s, list[i+1:]))
	}
}

// awaited reports whether what s has queued may still be asked for after it.
func awaited(s step, next []step) bool {
	if v := s.verb(); v != "client" && v != "together" && v != "wait" {
		return true
	}
	i := slices.IndexFunc(next, func(s step) bool {
		return s.verb() != "client" &&
			s.verb() != "together"
	})
	return i >= 0 && next[i].verb() == "wait"
}

// check ends the test if the origin wasn't asked as it was to be.
func (r *transcript) check(s step, due bool) {
	r.t.Helper()
	if problems := r.origin.wrong(due); len(problems) > 0 {
		r.t.Fatalf("%s:%d: %s\n\t%s", r.file, s.n, s.text, strings.Join(problems, "\n\t"))
	}
}

func (r *transcript) step(s step) {
	r.t.Helper()
	switch s.verb() {
	case "config":
	case "origin":
		var err error
		s.block, err = r.expander("").expandAll(s.block)
		r.must(s.n, err)
		x, err := parseExchange(s)
		r.must(s.n, err)
		r.origin.put(x)
	case "client":
		r.ask(s)
	case "together":
		r.askTogether(s)
	case "advance":
		words, err := s.words(1)
		r.must(s.n, err)
		d, err := time.ParseDuration(words[0])
		r.must(s.n, err)
		r.clock.Advance(d)
		r.settling = false
	case "wait":
		r.origin.release()
		deadline := time.Now().Add(patience)
		for !(r.origin.idle() && r.refreshed()) && time.Now().Before(deadline) {
			<-time.After(time.Millisecond)
		}
		r.settling = true
	default:
		r.t.Fatalf("%s:%d: no step is called %s", r.file, s.n, s.verb())
	}
}

// refreshed reports whether nothing is being validated in the background.
func (r *transcript) refreshed() bool {
	return !slices.ContainsFunc(r.nodes, func(n *node) bool { return n.Stats().LiveRefreshes > 0 })
}

// patience is how long something may take that is on its way.
const patience = 3 * time.Second

func (r *transcript) expander(node string) expander {
	return expander{now: r.clock.Now(), origin: strings.TrimSuffix(r.origin.base.String(), "/"),
		node: node, loop: r.origin.lastLoop()}
}

// ask runs a client step. While nodes settle, it is tried again until it holds.
func (r *transcript) ask(s step) {
	r.t.Helper()
	q, err := parseQuestion(s)
	r.must(s.n, err)
	n := r.next()
	deadline := time.Now().Add(patience)
	for {
		e := r.explains(q, n)
		got, err := r.send(q, n, func() {})
		r.must(s.n, err)
		problems := r.compare(q, n, got)
		if text := differs(e, got); text != "" {
			problems = append(problems, problem{q.line, text})
		}
		if len(problems) > 0 && r.settling && time.Now().Before(deadline) &&
			len(r.origin.wrong(false)) == 0 {
			<-time.After(time.Millisecond)
			continue
		}
		r.report(q, got, problems)
		return
	}
}

// next is the node whose turn it is.
func (r *transcript) next() *node {
	r.turn++
	return r.nodes[(r.turn-1)%len(r.nodes)]
}

// askTogether runs the client steps of a together step.
func (r *transcript) askTogether(s step) {
	r.t.Helper()
	list, err := steps(s.block)
	r.must(s.n, err)
	questions, nodes := make([]*question, len(list)), make([]*node, len(list))
	answers, errs := make([]*came, len(list)), make([]error, len(list))
	var sent, done sync.WaitGroup
	for i, s := range list {
		questions[i], err = parseQuestion(s)
		r.must(s.n, err)
		nodes[i] = r.next()
	}
	for i := range list {
		sent.Add(1)
		done.Go(func() {
			once := sync.OnceFunc(sent.Done)
			defer once()
			answers[i], errs[i] = r.send(questions[i], nodes[i], once)
		})
	}
	sent.Wait()
	r.origin.release()
	done.Wait()
	for i, q := range questions {
		r.must(q.n, errs[i])
		r.report(q, answers[i], r.compare(q, nodes[i], answers[i]))
	}
}
