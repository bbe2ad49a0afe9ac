package fetch

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

	"github.com/scurrycache/scurry/internal/store"
)

// FailureOf is the error of an exchange with the origin as what it means to those who asked.
func FailureOf(err error) *store.Failure {
	if f, ok := errors.AsType[*store.Failure](err); ok {
		return f
	}
	status, kind := classify(err)
	return &store.Failure{Status: status, Kind: kind, Err: err}
}

// misbehaves is that the origin has answered with what is no answer.
func misbehaves(err error) *store.Failure {
	return &store.Failure{Status: http.StatusBadGateway, Kind: "http_protocol_error", Err: err}
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
	if TimedOut(err) {
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

// TimedOut reports whether err is that something took too long.
func TimedOut(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, context.DeadlineExceeded)
}

func certificate(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	return verify || host || authority
}
