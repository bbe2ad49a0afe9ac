package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/scurrycache/scurry/internal/config"
)

// listenAt listens on addr. Its error says how to choose another address.
func listenAt(addr config.Addr, choose string) (net.Listener, error) {
	config := net.ListenConfig{Control: keepUnsentLow}
	config.SetMultipathTCP(false) // its listeners can't be drained without a loss
	listener, err := config.Listen(context.Background(), "tcp", string(addr))
	if err != nil {
		return nil, cannotListen(addr, choose, err)
	}
	return listener, nil
}

// cannotListen is the error for a user when listening on addr has failed with err.
func cannotListen(addr config.Addr, choose string, err error) error {
	what, cause := string(addr), err
	if op, ok := errors.AsType[*net.OpError](err); ok {
		cause = op.Err
		if op.Net == "udp" { // gossip needs the port for TCP as well, which a user thinks of first
			what += " (UDP)"
		}
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		cause = call.Err
	}
	return fmt.Errorf("can't listen on %s: %w; choose another address %s", what, cause, choose)
}
