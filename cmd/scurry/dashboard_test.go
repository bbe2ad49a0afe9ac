package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestDashboard: in a browser, the page shows what three nodes do, and purges and explains.
func TestDashboard(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	f := newFleet(t, 3)
	small := origintest.File{Seed: 1, Size: 2000, Header: maxAge(600)}
	f.o.Handle("/hot", small.ServeHTTP)
	f.o.Handle("/large", origintest.File{Seed: 2, Size: 3 << 20, Header: maxAge(600)}.ServeHTTP)
	node := f.all[0]

	b.show(1440, "light")
	b.do(chromedp.Navigate("http://" + node.admin + "/"))
	b.awaitText("#state", "Live")
	b.awaitText("#requests-chart", "No traffic in the last minutes")
	b.awaitText("#hottest", "No requests lately")
	b.awaitText("#largest", "Nothing is stored yet")
	b.awaitText("#errors", "None since the start")
	b.awaitText("#latency", "No responses")
	for _, m := range f.all {
		b.awaitText("#ring", m.peer)
	}
	b.awaitText("#ring-sum", "3 nodes")
	b.audit("without traffic")

	broken := f.owned(t, node, 1, "broken", small)[0]
	f.o.Handle("/"+broken, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	stop := f.load(t, node, small, "large", broken)
	b.await(`document.querySelectorAll("#requests-chart .area.c-hit").length > 0`)
	b.await(`document.querySelectorAll("#bytes-chart .area.c-memory").length > 0`)
	b.await(`parseInt(document.querySelector("#requests-chart tbody td:last-child").textContent) > 20`)
	b.awaitText("#t-requests", "/s")
	b.awaitText("#t-hits", " %")
	b.awaitText("#t-byte-hits", " %")
	b.awaitText("#t-latency", "ms")
	b.awaitText("#latency", "99.9 %")
	b.awaitText("#memory-sum", " of 256 MiB")
	b.awaitText("#hottest tbody tr:first-child", "/files/hot")
	b.awaitText("#largest tbody tr:first-child", "/files/large", "3 MiB")
	b.awaitText("#errors li", "/"+broken, "EOF")
	saved := `parseInt(document.getElementById("t-saved").textContent.replace(",", ""))`
	before := evaluate[int](b, saved)
	b.await(fmt.Sprintf("%s > %d", saved, before))
	stop()

	b.purges(f, node, small)
	b.explains()
	for _, width := range []int64{360, 820, 1440} {
		for _, scheme := range []string{"light", "dark"} {
			b.show(width, scheme)
			b.audit(fmt.Sprintf("%d px, %s", width, scheme))
		}
	}
	b.tabbed()
	b.click("#theme", "#theme")
	b.await(`document.documentElement.dataset.theme === "dark"`)
	b.silent("400 (Bad Request) http://" + node.admin + "/purge")

	send(t, node.cmd, syscall.SIGTERM)
	node.exit()
	b.await(`document.body.dataset.state === "lost"`)
	b.audit("without the node")
	node.start(t)
	b.click("#retry")
	b.awaitText("#state", "Live")
	b.await(`document.getElementById("notice").hidden`)
	b.silent("net::ERR_", "503")
}

// load has a client ask m for some files once, and for another one again and again, until the test
// calls stop or fails.
func (f *fleet) load(t *testing.T, m *member, hot origintest.File, once ...string) (stop func()) {
	t.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for _, path := range once {
			if resp, err := f.client.Get(m.url(path)); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}
		for {
			select {
			case <-done:
				return
			case <-t.Context().Done():
				return
			case <-pace.C:
			}
			if err := f.ask(m, "hot", hot); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// purges purges in the page, of f's node.
func (b *browser) purges(f *fleet, node *member, file origintest.File) {
	b.t.Helper()
	asked := func() (n int) {
		for _, r := range f.o.Requests() {
			if r.URI == "/hot" {
				n++
			}
		}
		return n
	}
	before := asked()
	b.click("#purge-button")
	b.awaitText("#purge-result", "Name what is to be purged.")
	b.do(chromedp.SendKeys(chromedp.ID("purge-text"), "/files/hot\r"))
	b.awaitText("#purge-result", "Done", f.all[0].peer, f.all[1].peer, f.all[2].peer)
	f.expect(b.t, node, "hot", file)
	if asked() != before+1 {
		b.t.Errorf("after the purge of a URL the origin was asked %d times more", asked()-before)
	}
	b.do(chromedp.SetValue(chromedp.ID("purge-text"), "/elsewhere"))
	b.click("#purge-button")
	b.awaitText("#purge-result .error", "the resources that clients can ask for are under /files/")

	b.click("input[value=everything]", "#purge-button")
	b.await(`document.getElementById("confirm").open`)
	b.audit("before everything is purged")
	b.do(chromedp.KeyEvent("\r")) // Cancel has the focus
	b.await(`!document.getElementById("confirm").open`)
	b.awaitText("#purge-result .error", "the resources that clients")
	f.expect(b.t, node, "hot", file)
	if asked() != before+1 {
		b.t.Error("everything was purged without a confirmation")
	}
	b.click("#purge-button", "#confirm-yes")
	b.awaitText("#purge-result .done", "Done")
	f.expect(b.t, node, "hot", file)
	if asked() != before+2 {
		b.t.Error("everything was purged, and the file is still there")
	}
}

// explains explains in the page.
func (b *browser) explains() {
	b.t.Helper()
	b.do(chromedp.SendKeys(chromedp.ID("explain-text"), "/files/new\r"))
	b.awaitText("#explain-result", "GET /files/new", "status 404")
	b.click("#hottest tbody tr:first-child button")
	b.awaitText("#explain-result", "GET /files/hot", "max-age=600", "RFC 9111")
	b.awaitText("#explain-result .badge", "hit")
}

// TestDashboardToken: on a listener with a token, the page asks for that, keeps it as long as the
// tab, and says when it is wrong.
func TestDashboardToken(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	const token = "a-token-of-20-letters"
	s := startScurry(t, nil, "--origin=../../testdata/site",
		"--admin-token-file="+string(write(t, "token", []byte(token))))
	b.show(360, "dark")
	// A link of another site leads to the page.
	other := origintest.New(t)
	other.Handle("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><a id="link" href="%s/">scurry</a>`,
			strings.Replace(s.admin, "127.0.0.1", "localhost", 1))
	})
	b.do(chromedp.Navigate(other.URL), chromedp.Click(chromedp.ID("link")))
	b.await(`document.getElementById("gate")?.hidden === false`)
	b.audit("without a token")
	b.do(chromedp.SendKeys(chromedp.ID("token"), "wrong\r"))
	b.awaitText("#token-error", "This isn’t the node’s token.")
	b.audit("with a wrong token")
	b.do(chromedp.SendKeys(chromedp.ID("token"), token+"\r"))
	b.awaitText("#state", "Live")
	b.awaitText("#ring", "This node is on its own")
	b.audit("with the token")
	if kept := evaluate[string](b, `JSON.stringify([sessionStorage["scurry-admin-token"], Object.keys(localStorage), document.cookie])`); kept != `["`+token+`",[],""]` {
		t.Errorf("the page keeps %s", kept)
	}
	b.do(chromedp.Reload())
	b.awaitText("#state", "Live")
	b.do(chromedp.SendKeys(chromedp.ID("explain-text"), "/files/1.txt\r"))
	b.awaitText("#explain-result", "status 200")
	b.click("#forget")
	b.await(`document.getElementById("gate")?.hidden === false && sessionStorage.length === 0`)
	b.silent("401 (Unauthorized)")
}
