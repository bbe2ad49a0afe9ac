package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/scurrycache/scurry/internal/logging"
	"github.com/scurrycache/scurry/internal/store"
)

// failed classifies the error of an exchange with the origin.
func failed(err error) error {
	if f, ok := errors.AsType[*store.Failure](err); ok {
		return f
	}
	status, kind := classify(err)
	return &store.Failure{Status: status, Kind: kind, Err: err}
}

func classify(err error) (status int, kind string) {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsTimeout {
			return http.StatusGatewayTimeout, "dns_timeout"
		}
		return http.StatusBadGateway, "dns_error"
	}
	if certificate(err) {
		return http.StatusBadGateway, "tls_certificate_error"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return http.StatusBadGateway, "tls_protocol_error"
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return http.StatusBadGateway, "tls_alert_received"
	}
	if timeout(err) {
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return http.StatusGatewayTimeout, "connection_timeout"
		}
		return http.StatusGatewayTimeout, "http_response_timeout"
	}
	for _, e := range [...]struct {
		err  error
		kind string
	}{
		{syscall.ECONNREFUSED, "connection_refused"},
		{syscall.EHOSTUNREACH, "destination_ip_unroutable"},
		{syscall.ENETUNREACH, "destination_ip_unroutable"},
		{syscall.ECONNRESET, "connection_terminated"},
		{syscall.EPIPE, "connection_terminated"},
		{io.ErrUnexpectedEOF, "connection_terminated"},
		{io.EOF, "connection_terminated"},
		{context.Canceled, "proxy_internal_response"},
	} {
		if errors.Is(err, e.err) {
			return http.StatusBadGateway, e.kind
		}
	}
	return http.StatusBadGateway, "http_protocol_error"
}

func timeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

func certificate(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	return verify || host || authority
}

// retryAfter is how many seconds a client should wait where this cache had no room for its request.
const retryAfter = "5"

// ours reports whether f says that this cache has no room, and nothing of the origin. Then no
// request to the origin is logged with it.
func ours(f *store.Failure) bool { return f.Status == http.StatusServiceUnavailable }

// fail answers a request that the origin couldn't, without a word of what went wrong inside.
func (p *Proxy) fail(w *logging.Writer, c cacheStatus, err error) {
	f := failed(err).(*store.Failure)
	p.stats.failures.Add(1)
	switch {
	case w.Asked().Load():
		w.Cache = outcomeMiss
	case f.Status != http.StatusServiceUnavailable: // it was another client's request that failed
		w.Cache, c.collapsed = outcomeCollapsed, true
	}
	h := w.Header()
	clear(h)
	c.detail = f.Kind
	h.Set("Cache-Status", c.String())
	h.Set("Proxy-Status", name+"; error="+f.Kind)
	h.Set("Cache-Control", "no-store")
	if ours(f) {
		h.Set("Retry-After", retryAfter) // RFC 9110 section 15.6.4
		w.Err = f
	}
	p.refuse(w, f.Status)
}
