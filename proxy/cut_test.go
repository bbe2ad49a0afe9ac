package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// interrupted is a ResponseWriter that does something at the first Write.
type interrupted struct {
	*httptest.ResponseRecorder
	do func()
}

func (w *interrupted) Write(b []byte) (int, error) {
	if do := w.do; do != nil {
		w.do = nil
		do()
	}
	return w.ResponseRecorder.Write(b)
}

// TestCutResponseHasAHead: of a response that can't be completed the client gets what there is,
// even if that is little more than the head.
func TestCutResponseHasAHead(t *testing.T) {
	oneNode(t)
	const size = 2 * most
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", origintest.File{Size: size, NoRanges: true, Header: maxAge("600")}.ServeHTTP)
	n.expect(200, origintest.Content(0, 0, size), "/files/f")
	n.idle()
	w := &interrupted{httptest.NewRecorder(), func() { // others push out the rest
		for i := range 2 * memory / size {
			path := fmt.Sprint("g", i)
			f := origintest.File{Size: size, ETag: `"1"`, Header: maxAge("600")}
			o.Handle("/"+path, f.ServeHTTP)
			for range 2 {
				n.expect(200, origintest.Content(0, 0, size), "/files/"+path)
			}
		}
	}}
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("it isn't cut: %v", p)
			}
		}()
		n.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/files/f", nil))
	}()
	if got := w.Body.Len(); got == 0 || got == size || !w.Flushed {
		t.Errorf("%d bytes are written, and sent: %v", got, w.Flushed)
	}
}
