package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// manual is the README and the help pages, by path from the repository's root.
func manual(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	paths := []string{"README.md"}
	for _, topic := range topicNames() {
		paths = append(paths, "cmd/scurry/help/"+topic+".md")
	}
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(text)
	}
	return texts
}

// fenced is a block of code, with its language.
var fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```")

// TestManual does what the README and the help pages say, and sees what they show. In a console
// block each command is carried out and prints what follows it; "…" is any text, and alone on a
// line any lines. In an sh block the commands are carried out as far as that can be here: see shell.
// The settings in a yaml block have to be such as scurry takes. Other tests do what is in the other
// kinds of blocks.
func TestManual(t *testing.T) {
	used, pages, read := map[string]bool{}, manual(t), 0
	for path, text := range pages {
		t.Run(filepath.Base(path), func(t *testing.T) {
			read++
			s := &session{at: map[string]string{}}
			sh := &shell{session: s, root: t.TempDir(), elsewhere: used}
			for _, block := range fenced.FindAllStringSubmatch(text, -1) {
				switch block[1] {
				case "console":
					s.carryOut(t, block[2])
				case "sh":
					for line := range strings.Lines(block[2]) {
						sh.carryOut(t, strings.TrimSpace(line))
					}
				case "yaml":
					file := filepath.Join(t.TempDir(), "scurry.yaml")
					if err := os.WriteFile(file, []byte(block[2]), 0o600); err != nil {
						t.Fatal(err)
					}
					accepts(t, []string{"--config", file}, nil)
				case "go", "json", "promql", "prometheus", "text":
				default:
					t.Errorf("a block of a kind that no test knows: %q", block[1])
				}
			}
			s.end(t)
			if path == "README.md" && (s.asked < 7 || s.nodes == nil) {
				t.Errorf("the README asks %d times, and has a cluster: %v", s.asked, s.nodes != nil)
			}
		})
	}
	for command := range elsewhere {
		if !used[command] && read == len(pages) {
			t.Errorf("no page has %q, which is never carried out", command)
		}
	}
}

// asks checks that scurry understands a command, up to what is redirected.
func asks(t *testing.T, command string) {
	t.Helper()
	command, _, _ = strings.Cut(command, " >")
	p := process{stdout: io.Discard, stderr: io.Discard}
	ends := false
	_, err := new(cli).parse(strings.Fields(command)[1:], &p, kong.Exit(func(int) { ends = true }))
	if err != nil && !ends {
		t.Errorf("%s\nisn't understood: %v", command, err)
	}
}

// TestManualMentions: each command of scurry in the text of the pages is one that it understands,
// but for the placeholders in it.
func TestManualMentions(t *testing.T) {
	span := regexp.MustCompile("`(scurry [^`]+)`")
	said := 0
	for path, text := range manual(t) {
		for _, match := range span.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			command := strings.Join(strings.Fields(match[1]), " ")
			if strings.Count(command, " ") == 1 { // its name stands for it
				command += " --help"
			}
			t.Run(filepath.Base(path), func(t *testing.T) { asks(t, command) })
			said++
		}
	}
	if said < 10 {
		t.Errorf("the pages have %d commands in their text", said)
	}
}
