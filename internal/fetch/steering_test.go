package fetch

import (
	"net/http"
	"testing"
)

func TestSteers(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Forwarded": true, "X-Forwarded-Host": true, "X-Forwarded-Anything": true,
		"Forwarded": true, "X-Original-URL": true,
		"X-Original-Host": true, "X-Rewrite-URL": true, "X-HTTP-Method-Override": true,
		"X-Host": true, "True-Client-IP": true,
		"x_forwarded_host": true, "X_HTTP_METHOD_OVERRIDE": true, "front_end-https": true,
		"X-Forward": false, "Accept": false, "Cookie": false, "User-Agent": false,
		"X-Wap-Profile": false, "X-Requested-With": false,
		"Host_x": false, "X-Hostile": false, "Authorization": false,
	} {
		if got := steers(http.CanonicalHeaderKey(name)); got != want {
			t.Errorf("steers(%q) = %t", name, got)
		}
	}
	for _, name := range steeringFields {
		if http.CanonicalHeaderKey(name) != name {
			t.Errorf("%s is never found: its canonical name is %s", name,
				http.CanonicalHeaderKey(name))
		}
	}
}
