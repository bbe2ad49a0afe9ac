package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard lets to h those who operate the node. A request must have a Host of the listener, since a
// web page's own name may resolve to this address (DNS rebinding), must not come from a page of
// another site, and must have the token, if there is one. Other programs than browsers need the
// right Host and the token only. The dashboard's page is an exception: see page and followsLink.
func (c Config) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !c.own(r):
			Refuse(w, r, http.StatusMisdirectedRequest, fmt.Sprintf("The host %.200q isn't this "+
				"listener's own: ask as localhost, or at the IP address that it listens on. "+
				"Another name has to be that of --admin-listen, since any web site could have a "+
				"name that leads here.", r.Host))
		case !sameOrigin(r) && !(c.page(r) && followsLink(r)):
			Refuse(w, r, http.StatusForbidden, "A page of another site asks for this, which is "+
				"for those who operate the node: open the URL by itself.")
		case !c.authorized(r) && !c.page(r):
			w.Header().Set("WWW-Authenticate", `Bearer realm="scurry admin"`)
			Refuse(w, r, http.StatusUnauthorized, "Send the token that is in the node's "+
				"--admin-token-file, as in Authorization: Bearer TOKEN.")
		default:
			h.ServeHTTP(w, r)
		}
	})
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

// sameOrigin reports whether no page of another origin has sent r, as far as browsers tell. What
// only reads is held to the same as what changes something, since /explain may ask the origin. Some
// browsers don't tell with a GET, but then the page can't read the response.
func sameOrigin(r *http.Request) bool {
	changing := &http.Request{Method: http.MethodPost, Host: r.Host, Header: r.Header}
	return http.NewCrossOriginProtection().Check(changing) == nil
}

// dashboardFiles is where the files of the dashboard's page are.
const dashboardFiles = "/dashboard/"

// page reports whether r asks for the dashboard's page, or a file of it. They tell nothing of the
// node, and a browser that is led there has no token.
func (c Config) page(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return c.Dashboard != nil && reads &&
		(r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, dashboardFiles))
}

// followsLink reports whether a browser is about to show r's response as a page by itself, in no
// frame. The site that has led it there learns nothing of the response.
func followsLink(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/" &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// authorized reports whether r has the token. How long that takes tells nothing of the token.
func (c Config) authorized(r *http.Request) bool {
	if len(c.Token) == 0 {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256(c.Token)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
