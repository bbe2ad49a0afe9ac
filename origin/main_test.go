package origin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// envProxy is the proxy that the environment names while the tests run. It answers everything
// itself.
var envProxy = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter,
	_ *http.Request) {
	fmt.Fprint(w, "from the environment's proxy")
}))

func TestMain(m *testing.M) {
	envProxy.Start()
	for _, name := range []string{"NO_PROXY", "no_proxy", "http_proxy", "https_proxy",
		"REQUEST_METHOD"} {
		os.Unsetenv(name)
	}
	os.Setenv("HTTP_PROXY", envProxy.URL)
	os.Setenv("HTTPS_PROXY", envProxy.URL)
	code := m.Run()
	envProxy.Close()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
