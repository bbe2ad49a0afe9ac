package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"github.com/scurrycache/scurry/internal/store"
)

// FailureOf returns the failure that err, an error of an exchange with the origin, stands for.
func FailureOf(err error) *store.Failure {
	if f, ok := errors.AsType[*store.Failure](err); ok {
		return f
	}
	status, kind := http.StatusBadGateway, kindOf(err)
	if strings.HasSuffix(kind, "_timeout") {
		status = http.StatusGatewayTimeout
	}
	return &store.Failure{Status: status, Kind: kind, Err: err}
}

// kindOf is the type of proxy error that RFC 9209 section 2.3 has for err.
func kindOf(err error) string {
	late := TimedOut(err)
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case is[*net.DNSError](err) && late:
		return "dns_timeout"
	case is[*net.DNSError](err):
		return "dns_error"
	case is[*tls.CertificateVerificationError](err):
		return "tls_certificate_error"
	case is[tls.RecordHeaderError](err):
		return "tls_protocol_error"
	case isOp && op.Op == "remote error": // which crypto/tls has for an alert
		return "tls_alert_received"
	case late && isOp && op.Op == "dial":
		return "connection_timeout"
	case late:
		return "http_response_timeout"
	case isAny(err, syscall.ECONNREFUSED):
		return "connection_refused"
	case isAny(err, syscall.EHOSTUNREACH, syscall.ENETUNREACH):
		return "destination_ip_unroutable"
	case isAny(err, syscall.ECONNRESET, syscall.EPIPE, io.ErrUnexpectedEOF, io.EOF):
		return "connection_terminated"
	case isAny(err, context.Canceled):
		return "proxy_internal_response"
	}
	return "http_protocol_error"
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(t error) bool { return errors.Is(err, t) })
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// TimedOut reports whether err is a timeout.
func TimedOut(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}
