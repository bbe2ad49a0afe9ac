package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a tab of a headless Chromium, and what it has reported.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex // guards messages
	messages []string
}

// openBrowser starts Chromium, which ends with the test. The test is skipped where there is none,
// and under the race detector.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	if raceEnabled {
		t.Skip("what the page asks for is asked for by other tests, too")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium (Debian's package) to show the page")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path),
		chromedp.NoSandbox, chromedp.DisableGPU) // root's Chromium has no sandbox
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("Chromium ends: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Skipf("Chromium doesn't start here: %v", err)
	}
	b := &browser{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	return b
}

// listen collects what the browser reports: exceptions, what is written to the console, and errors
// such as violations of a policy.
func (b *browser) listen(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = fmt.Sprintf("exception: %s %+v", e.ExceptionDetails.Text,
			e.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		text = fmt.Sprintf("console.%s", e.Type)
	case *log.EventEntryAdded:
		text = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
	}
	if text != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.messages = append(b.messages, text)
	}
}

// silent fails the test if the browser has reported anything since the last call but what has one
// of these texts.
func (b *browser) silent(but ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.messages {
		if !slices.ContainsFunc(but, func(part string) bool {
			return strings.Contains(text,
				part)
		}) {
			b.t.Errorf("the browser reports %s", text)
		}
	}
	b.messages = nil
}

// do carries actions out.
func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// click clicks elements, one after the other, wherever they are by then: parts of the page move
// each second, so a mouse might miss them.
func (b *browser) click(selectors ...string) {
	b.t.Helper()
	for _, selector := range selectors {
		element := fmt.Sprintf("document.querySelector(%q)", selector)
		b.await(element + "?.disabled === false")
		evaluate[bool](b, element+".click() ?? true")
	}
}

// evaluate is what an expression is in the page.
func evaluate[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := evaluated[T](b, expression)
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func evaluated[T any](b *browser, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// await waits until an expression is true in the page, which may be another page meanwhile. The
// page's own policy doesn't let it wait.
func (b *browser) await(expression string) {
	b.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		is, err := evaluated[bool](b, "!!("+expression+")")
		switch goesOn := err != nil && strings.Contains(err.Error(), "navigated or closed"); {
		case is:
			return
		case err != nil && !goesOn:
			b.t.Fatalf("%s: %v", expression, err)
		}
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("%s doesn't come true; the page is: %.6000s", expression, evaluate[string](b,
				"document.body.innerText"))
		}
	}
}

// awaitText waits until an element has a text, among others.
func (b *browser) awaitText(selector string, texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.await(fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text))
	}
}

// show has the page be of that width, in that colour scheme.
func (b *browser) show(width int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion",
				Value: "reduce"},
		}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// audit fails the test if the page is too wide for the window, if a text is hard to read, or if
// something lacks a name or can't be reached by the keyboard.
func (b *browser) audit(what string) {
	b.t.Helper()
	script, err := os.ReadFile("testdata/audit.js")
	if err != nil {
		b.t.Fatal(err)
	}
	evaluate[bool](b, string(script))
	for _, kind := range []string{"lowContrast", "tooWide", "unlabelled"} {
		if wrong := evaluate[[]string](b, "audit."+kind+"()"); len(wrong) > 0 {
			b.t.Errorf("%s, %s: %q", what, kind, wrong)
		}
	}
	b.named(what)
}

// named fails the test if something that has a role lacks the name that goes with it, as assistive
// technology sees the page.
func (b *browser) named(what string) {
	b.t.Helper()
	tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree,
		accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	seen := map[string]int{}
	for _, node := range tree.Nodes {
		role := said(node.Role)
		if node.Ignored {
			continue
		}
		seen[role]++
		named := []string{"button", "link", "textbox", "checkbox", "radio", "image", "img", "table",
			"heading",
			"navigation", "region", "group", "dialog", "alertdialog"}
		if slices.Contains(named, role) && said(node.Name) == "" {
			b.t.Errorf("%s: a %s has no name", what, role)
		}
	}
	for _, role := range []string{"banner", "main", "contentinfo"} {
		if seen[role] != 1 && seen["dialog"] == 0 { // which hides all else
			b.t.Errorf("%s: there are %d elements with the role %s", what, seen[role], role)
		}
	}
}

// said is a value of the accessibility tree as text.
func said(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}

// tabbed fails the test if Tab doesn't reach each control, in their order in the page, and show it.
// The tables may change meanwhile: then it begins anew.
func (b *browser) tabbed() {
	b.t.Helper()
	reachable := func() []string { return evaluate[[]string](b, "audit.reachable()") }
	tab := func() string {
		b.do(chromedp.KeyEvent("\t"))
		return evaluate[string](b, "audit.focused()")
	}
	for range 20 {
		want := reachable()
		got := []string{tab()} // which goes on from where something was last used
		for i := 0; got[0] != want[0] && i < len(want)+1; i++ {
			got[0] = tab()
		}
		for range want[1:] {
			got = append(got, tab())
		}
		if slices.Equal(got, want) {
			return
		}
		if slices.Equal(reachable(), want) {
			b.t.Errorf("Tab reaches\n%q, of\n%q", got, want)
			return
		}
	}
	b.t.Error("the controls of the page change all the time")
}
