package listen

import (
	"log"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/admission"
	"github.com/scurrycache/scurry/internal/fastlane"
)

// Lane answers requests at the connection.
type Lane interface {
	// Serve answers the requests that p begins with, as far as it can. If it knows the request that
	// follows, it returns that as next, for the server's handler. n is how many bytes of p all
	// these have. The rest is for the lane again after a next one, and else for net/http. An error
	// means that the connection is broken.
	Serve(c fastlane.Conn, p []byte) (n int, next *http.Request, err error)
}

// shared is what the connections of a Server share.
type shared struct {
	http    *http.Server
	handler http.Handler
	lane    Lane // nil if there is none
	watches watches
	renewal time.Duration  // of the deadlines on connections that the lane serves
	log     zerolog.Logger // for requests that no handler sees
	refused atomic.Int64   // their number
	limit   limit          // of connections

	// MaxConns is how many connections there may be at once; 0 for any number. For one more, the
	// one that has been idle for longest is ended. If none is idle, the new one is refused. It is
	// to be set before Serve is called.
	MaxConns int

	// MaxClientConns is how many of these one client may have, by the address from which it
	// connects: one of IPv4, or the /64 network of one of IPv6; 0 for any number. What comes of one
	// more is the same, among those of the client. Hijacked connections count until they are
	// closed, other than for MaxConns. Those of Trusted proxies, which bring those of many, don't.
	// Both are to be set before Serve is called.
	MaxClientConns int
	Trusted        admission.Proxies

	accepting sync.Mutex  // held as long as connections are accepted
	draining  atomic.Bool // responses end their connections
	cut       atomic.Bool // connections are closed at once
}

// errorf reports what net/http would report.
func (s *shared) errorf(format string, args ...any) {
	if s.http.ErrorLog != nil {
		s.http.ErrorLog.Printf(format, args...)
	} else {
		log.Printf(format, args...)
	}
}

// mostConns is how many connections there may be.
func (s *shared) mostConns() int {
	if s.MaxConns > 0 {
		return s.MaxConns
	}
	return math.MaxInt
}

// refuse counts and logs a request that no handler sees. Nothing is known of such a request but who
// sent it and what is wrong with it.
func (s *shared) refuse(remote net.Addr, status int, reason string) {
	s.refused.Add(1)
	s.log.Info().Stringer("remote", remote).
		Int("status", status).Str("reason", reason).Msg("request")
}

// refuseAs is refuse for a response that net/http writes without a handler, whole and in one write.
func (s *shared) refuseAs(remote net.Addr, response []byte) {
	line, _, _ := strings.Cut(string(response), "\r\n")
	_, line, _ = strings.Cut(line, " ")
	code, reason, _ := strings.Cut(line, " ")
	status, _ := strconv.Atoi(code)
	s.refuse(remote, status, reason)
}
