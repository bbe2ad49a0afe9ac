package top

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Screen is v in lines that fit into a terminal of that size; 0 for any height. With colour, they
// have the escape sequences of ANSI terminals, else none.
func (v *View) Screen(width, height int, colour bool) []string {
	width = max(width, least)
	var lines []string
	for _, s := range v.sections() {
		lines = append(lines, s.lines(width, colour)...)
	}
	if height > 0 && len(lines) > height {
		lines = lines[:height]
	}
	return lines
}

const (
	least  = 20 // columns
	indent = 10 // of the items, behind the section's name
	gap    = 2  // between two items
)

// lines lays s out: as many items in each line as it has room for.
func (s *section) lines(width int, colour bool) (lines []string) {
	var line strings.Builder
	line.WriteString(draw(item{pad(s.name, indent), faint}, colour))
	at := indent
	for i, it := range s.items {
		it.text = cut(it.text, width-indent)
		n := utf8.RuneCountInString(it.text)
		switch {
		case i == 0:
		case at+gap+n > width:
			lines = append(lines, line.String())
			line.Reset()
			line.WriteString(strings.Repeat(" ", indent))
			at = indent
		default:
			line.WriteString(strings.Repeat(" ", gap))
			at += gap
		}
		line.WriteString(draw(it, colour))
		at += n
	}
	return append(lines, line.String())
}

// draw is it with its mark.
func draw(it item, colour bool) string {
	codes := [...]string{plain: "", strong: "1", faint: "2", good: "32", bad: "1;31"}
	if !colour || codes[it.mark] == "" {
		return it.text
	}
	return "\x1b[" + codes[it.mark] + "m" + it.text + "\x1b[0m"
}

// cut is text in that many columns at the most.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// oneLine is text without what a terminal would obey.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)), " ")
}
