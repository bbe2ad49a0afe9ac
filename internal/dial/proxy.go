package dial

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/proxy"

	"github.com/scurrycache/scurry/internal/http1"
)

// maxTunnelHead limits the head of a proxy's response to CONNECT.
const maxTunnelHead = 64 << 10

// reach connects to the server, directly or through the proxy that the environment names.
func (d *Dialer) reach(ctx context.Context) (net.Conn, error) {
	via, err := d.proxy()
	if err != nil {
		return nil, err
	}
	if via == nil {
		return d.dial(ctx, address(d.Base))
	}
	switch via.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, fmt.Errorf("proxy %s: its scheme %q is none of http, https, socks5", via.Host,
			via.Scheme)
	}
	if d.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.Timeout, late("the proxy"))
		defer cancel()
	}
	conn, err := d.through(ctx, via)
	if err != nil {
		err = cmp.Or(context.Cause(ctx), err)
		return nil, fmt.Errorf("proxy %s: %w", via.Host, err)
	}
	return conn, nil
}

// proxy returns the proxy that the environment names for the server, nil if it names none.
func (d *Dialer) proxy() (*url.URL, error) {
	if d.ProxyFor == nil {
		return nil, nil
	}
	via, err := d.ProxyFor(&http.Request{URL: d.Base})
	if err != nil { // that error would show the credentials in a variable
		return nil, errors.New("the environment names no valid proxy: " +
			"see HTTP_PROXY and HTTPS_PROXY")
	}
	return via, nil
}

// Forwarder returns the proxy that gets the requests for the server itself, rather than a request
// for a tunnel to it. It is nil if there is none.
func (d *Dialer) Forwarder() *url.URL {
	via, _ := d.proxy()
	if via == nil || d.Base.Scheme != "http" || !speaksHTTP(via) {
		return nil
	}
	return via
}

func speaksHTTP(via *url.URL) bool { return via.Scheme == "http" || via.Scheme == "https" }

// through connects to the server through via, or to via if that forwards requests.
func (d *Dialer) through(ctx context.Context, via *url.URL) (net.Conn, error) {
	conn, err := d.dial(ctx, address(via))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	joined, err := d.join(ctx, conn, via)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return joined, nil
}

// join has the proxy via, at the other end of conn, make a tunnel to the server if that is needed,
// and returns the connection through it.
func (d *Dialer) join(ctx context.Context, conn net.Conn, via *url.URL) (_ net.Conn, err error) {
	switch via.Scheme {
	case "socks5", "socks5h":
		return conn, socks(ctx, conn, via, address(d.Base))
	case "https":
		config := d.config()
		config.ServerName, config.NextProtos = ascii(via.Hostname()), nil
		if conn, err = d.handshake(ctx, http1.NewSocket(conn, true), config); err != nil {
			return nil, err
		}
	}
	if d.Forwarder() != nil {
		return conn, nil
	}
	return conn, tunnel(conn, via, address(d.Base))
}

// tunnel asks the proxy at the other end of conn for a tunnel to addr (RFC 9110 section 9.3.6).
func tunnel(conn net.Conn, via *url.URL, addr string) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr,
		Header: http.Header{"User-Agent": {""}}}
	Authorize(req.Header, via)
	if err := req.Write(conn); err != nil {
		return err
	}
	r := bufio.NewReader(io.LimitReader(conn, maxTunnelHead))
	for {
		resp, err := http.ReadResponse(r, req)
		switch {
		case err != nil:
			return err
		case resp.StatusCode/100 == 1: // an interim response
		case resp.StatusCode/100 != 2:
			return fmt.Errorf("CONNECT %s: %s", addr, resp.Status)
		case r.Buffered() > 0:
			return errors.New("the proxy sends something before the tunnel is used")
		default:
			return nil
		}
	}
}

// Authorize adds the credentials for the proxy via to the fields of a request.
func Authorize(h http.Header, via *url.URL) {
	if via.User == nil {
		return
	}
	password, _ := via.User.Password()
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(via.User.Username(), password)
	h["Proxy-Authorization"] = r.Header["Authorization"]
}

// socks asks the SOCKS proxy at the other end of conn for a tunnel to addr (RFC 1928).
func socks(ctx context.Context, conn net.Conn, via *url.URL, addr string) error {
	var auth *proxy.Auth
	if via.User != nil {
		password, _ := via.User.Password()
		auth = &proxy.Auth{User: via.User.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", address(via), auth, nil)
	if err != nil {
		return err
	}
	over, ok := d.(interface {
		DialWithConn(ctx context.Context, c net.Conn, network, address string) (net.Addr, error)
	})
	if !ok {
		return errors.New("SOCKS can't be used over an existing connection")
	}
	_, err = over.DialWithConn(ctx, conn, "tcp", addr)
	return err
}
