package listen

import (
	"net"
	"strconv"
	"strings"
)

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
