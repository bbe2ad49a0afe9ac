package main

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// pages holds the help page of each topic, help/TOPIC.md.
//
//go:embed help/*.md
var pages embed.FS

type helpCmd struct {
	Topic string `arg:"" optional:"" help:"A command or a topic; \"scurry help\" lists them."`
}

// Run prints the help on a command, as --help after it does, or the page of a topic.
func (c *helpCmd) Run(parsed *kong.Context, p process) error {
	text := page(c.Topic) // before it is parsed anew
	switch {
	case c.Topic == "" || slices.Contains(p.commands, c.Topic):
		_, _ = parsed.Kong.Parse(strings.Fields(c.Topic + " --help")) // which prints it
		if text != "" {
			text = "\n" + text
		}
	case text == "":
		topics := topicNames()
		return usagef("%q is neither a command (%s) nor a topic (%s)%s",
			c.Topic, strings.Join(p.commands, ", "), strings.Join(topics, ", "),
			didYouMean(c.Topic, slices.Concat(p.commands, topics)))
	}
	_, err := io.WriteString(p.stdout, text)
	return err
}

// printHelp is kong's help, with the topics after the commands.
func printHelp(options kong.HelpOptions, c *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, c); err != nil || c.Selected() != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("\nTopics:\n")
	for _, topic := range topicNames() {
		fmt.Fprintf(&b, "  %-13s  %s\n", topic, title(topic))
	}
	b.WriteString("\nRun \"scurry help <topic>\" to read about a topic.\n")
	_, err := io.WriteString(c.Stdout, b.String())
	return err
}

// topicNames returns the names of the pages, sorted.
func topicNames() (names []string) {
	files, _ := fs.Glob(pages, "help/*.md") // fails on a malformed pattern only
	for _, file := range files {
		names = append(names, strings.TrimSuffix(path.Base(file), ".md"))
	}
	return names
}

// page returns the page of a topic, or "" if there is none.
func page(topic string) string {
	text, _ := pages.ReadFile("help/" + topic + ".md")
	return string(text)
}

// title returns the heading of a page, which is its first line.
func title(topic string) string {
	line, _, _ := strings.Cut(page(topic), "\n")
	return strings.TrimPrefix(line, "# ")
}
