package admin

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard protects h from web pages in the browser of someone who can reach this listener. A request
// must have a Host of the listener, since a page's own name may resolve to this address (DNS
// rebinding), and must not come from a page of another site. Other programs than browsers need the
// right Host only.
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

// own reports whether r's Host is on loopback, is the host that the listener is on, or is the
// address at which r arrived. A listener on all interfaces may be reached by translated addresses,
// so any IP address is right there: the page of another site can't have this one as its name.
func (c Config) own(r *http.Request) bool {
	host := strings.ToLower(strings.TrimSuffix((&url.URL{Host: r.Host}).Hostname(), "."))
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

// arrival returns the address of this machine at which r arrived.
func arrival(r *http.Request) netip.Addr {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return local.AddrPort().Addr().WithZone("").Unmap()
}

// sameOrigin reports whether no page of another origin has sent r, as far as browsers tell. Some
// don't tell with a GET, but then the page can't read the response.
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
