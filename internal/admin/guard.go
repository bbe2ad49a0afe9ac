package admin

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard keeps pages in a browser from asking h by way of their reader, who may reach this listener
// where they can't: h is asked only under a Host that is the listener's own, since a page may have
// its own name lead here (DNS rebinding), and by no page from elsewhere. What isn't a browser is
// refused nothing by that, but for a name that the listener isn't known by.
func (c Config) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !c.own(r):
			refuse(w, fmt.Sprintf("The host %.200q isn't this listener's own: ask as localhost, "+
				"or at the IP address that it listens on. Another name has to be that of "+
				"--admin-listen, since any web site could have a name that leads here.", r.Host))
		case !sameOrigin(r):
			refuse(w, "A page of another site asks for this, which is for those who operate the "+
				"node: open the URL by itself.")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	answer(w, http.StatusForbidden, why+"\n")
}

// own reports whether r's Host is on loopback, is what the listener listens on, or is the address
// at which r has come. On all interfaces that may be behind another address, so that any will do
// there: no page has one as its name that isn't its server's.
func (c Config) own(r *http.Request) bool {
	host := hostOf(r.Host)
	if host == "localhost" || host != "" && strings.EqualFold(host, c.Host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.WithZone("").Unmap()
	listens, _ := netip.ParseAddr(c.Host)
	return ip.IsLoopback() || c.Host == "" || listens.IsUnspecified() || ip == arrival(r)
}

// hostOf is the host of a Host field, without its port.
func hostOf(field string) string {
	host, _, err := net.SplitHostPort(field)
	if err != nil {
		host = strings.Trim(field, "[]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// arrival is the address of this machine that r was sent to.
func arrival(r *http.Request) netip.Addr {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return local.AddrPort().Addr().WithZone("").Unmap()
}

// sameOrigin reports whether no page of another origin has sent r, as far as browsers tell. Not
// each of them tells of a GET, but what it doesn't tell of, the page can't read.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	_, host, found := strings.Cut(origin, "://")
	return origin == "" || found && strings.EqualFold(host, r.Host)
}
