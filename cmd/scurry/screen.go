package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/scurrycache/scurry/internal/top"
)

// screen is a terminal whose whole window is drawn on.
type screen struct {
	out    *os.File
	colour bool
}

// newScreen returns the screen on standard output, or nil if that isn't a terminal, or one that
// can't be drawn on.
func newScreen(p process) *screen {
	out, ok := p.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) || slices.Contains(p.env, "TERM=dumb") {
		return nil
	}
	plain := slices.ContainsFunc(p.env, func(v string) bool { // https://no-color.org
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR="
	})
	return &screen{out, !plain}
}

// What a terminal is told: another screen than the one that the shell writes on, without a cursor,
// where long lines don't go on in the next one; and the end of that.
const (
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leave = "\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// run runs w on the screen. The keys q and Ctrl-C end it. The terminal is then as it was.
func (s *screen) run(ctx context.Context, w *topWatch) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if in := os.Stdin; term.IsTerminal(int(in.Fd())) {
		before, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return err
		}
		defer func() { _ = term.Restore(int(in.Fd()), before) }()
		go func() { // it ends with the process
			awaitKey(in)
			cancel()
		}()
	}
	if _, err := io.WriteString(s.out, enter); err != nil {
		return err
	}
	defer func() { _, _ = io.WriteString(s.out, leave) }()
	resized := make(chan os.Signal, 1)
	notifyResized(resized)
	defer signal.Stop(resized)
	w.resized, w.show = resized, func() error { return s.draw(&w.View) }
	return w.run(ctx)
}

// awaitKey reads until a key says that it is enough, or nothing more comes.
func awaitKey(in io.Reader) {
	const end = "qQ\x03\x04" // Ctrl-C and Ctrl-D
	for key := make([]byte, 1); ; {
		if n, err := in.Read(key); err != nil || n == 1 && strings.Contains(end, string(key)) {
			return
		}
	}
}

// draw draws view in the size that the terminal has now.
func (s *screen) draw(view *top.View) error {
	width, height, err := term.GetSize(int(s.out.Fd()))
	if err != nil || width == 0 {
		width, height = 80, 24
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range view.Screen(width, height, s.colour) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, err = io.WriteString(s.out, b.String())
	return err
}
