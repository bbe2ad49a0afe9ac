package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/config"
)

func TestAdminAddress(t *testing.T) {
	tests := []struct {
		args          string
		listen, admin config.Addr
	}{
		{"", "127.0.0.1:9001", "127.0.0.1:10001"},
		{"--listen=127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"},
		{"--listen=0.0.0.0:9001", "0.0.0.0:9001", "127.0.0.1:10001"},
		{"--listen=:9001", ":9001", "127.0.0.1:10001"},
		{"--listen=[::]:9001", "[::]:9001", "127.0.0.1:10001"},
		{"--listen=192.0.2.1:80", "192.0.2.1:80", "127.0.0.1:1080"},
		{"--listen=127.0.0.2:9001", "127.0.0.2:9001", "127.0.0.2:10001"},
		{"--listen=[::1]:9001", "[::1]:9001", "[::1]:10001"},
		{"--listen=localhost:9001", "localhost:9001", "localhost:10001"},
		{"--listen=127.0.0.1:64535", "127.0.0.1:64535", "127.0.0.1:65535"},
		{"--listen=127.0.0.1:65000 --admin-listen=127.0.0.1:1", "127.0.0.1:65000", "127.0.0.1:1"},
		{"127.0.0.1:8001", "127.0.0.1:9001", "127.0.0.1:10001"},
		{"--browse 127.0.0.1:8002 --memory=1GiB", "127.0.0.1:9002", "127.0.0.1:10002"},
		{"192.0.2.1:8001", "192.0.2.1:9001", "127.0.0.1:10001"},
		{"[::1]:8001 --index=0", "[::1]:9001", "[::1]:10001"},
		{"127.0.0.1:8001 --listen=:80", ":80", "127.0.0.1:10001"},
		{"127.0.0.1:8001 --admin-listen=:81 --admin-token-file=t", "127.0.0.1:9001", ":81"},
		{"127.0.0.1:65535 --listen=:80 --admin-listen=:81 --admin-token-file=t", ":80", ":81"},
		{"127.0.0.1:8001 127.0.0.1:8002", "127.0.0.1:9001", "127.0.0.1:10001"},
		{"127.0.0.1:8001 127.0.0.1:8002 --index=1", "127.0.0.1:9002", "127.0.0.1:10002"},
	}
	for _, tt := range tests {
		c, _, err := resolve(nil, strings.Fields(tt.args)...)
		if err != nil {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		if c.Listen != tt.listen || c.AdminListen != tt.admin {
			t.Errorf("%s: %s and %s, want %s and %s", tt.args, c.Listen, c.AdminListen, tt.listen,
				tt.admin)
		}
	}
}

// An address given as an argument is as much the command line's word as a flag.
func TestPeerWinsOverEnvironment(t *testing.T) {
	c, p, err := resolve([]string{"SCURRY_LISTEN=:80", "SCURRY_ADMIN_LISTEN=:81"}, "127.0.0.1:8001")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:9001" || p["listen"] != "argument 127.0.0.1:8001, port + 1000" {
		t.Errorf("listen is %s from %s", c.Listen, p["listen"])
	}
	if c.AdminListen != "127.0.0.1:10001" || p["admin-listen"] != "argument 127.0.0.1:8001, port "+
		"+ 2000" {
		t.Errorf("admin-listen is %s from %s", c.AdminListen, p["admin-listen"])
	}
}

func TestAddressErrors(t *testing.T) {
	tests := []struct{ args, want string }{
		{"--listen=127.0.0.1:64536", "no admin address follows from --listen 127.0.0.1:64536: " +
			"port 64536 + 1000 is above 65535: choose a lower port, or set --admin-listen"},
		{"--listen=127.0.0.1:70000", `--listen: expected HOST:PORT such as 127.0.0.1:9001, not "127.0.0.1:70000": a port is a number from 0 to 65535`},
		{"--listen=::1:9001", `--listen: expected HOST:PORT such as 127.0.0.1:9001, not "::1:9001": an IPv6 address goes in brackets`},
		{"--listen=:1 --admin-listen=:1", "--listen and --admin-listen are both :1: they need an " +
			"address each"},
		{"--index=1", "--index 1: it counts the peer addresses given as arguments, and there are " +
			"none"},
		{"127.0.0.1:8001 127.0.0.1:8002 --index=2", "--index 2: with 2 peer addresses it is from " +
			"0 to 1"},
		{"127.0.0.1:8001 --index=-1", "--index -1: with 1 peer addresses it is from 0 to 0"},
		{"Host:8001 host:8001", "peer host:8001 is given twice"},
		{"127.0.0.1", `peer address: expected HOST:PORT such as 127.0.0.1:8001, not "127.0.0.1": it has no port`},
		{"http://127.0.0.1:8001", `peer address: expected HOST:PORT such as 127.0.0.1:8001, not "http://127.0.0.1:8001": leave out http://`},
		{"127.0.0.1:8001,127.0.0.1:8002", `peer address: expected HOST:PORT`},
		{"127.0.0.1:http", `peer address: expected HOST:PORT`},
		{"127.0.0.1:65000", "peer 127.0.0.1:65000: port 65000 + 1000 is above 65535: choose a " +
			"lower port, or set --listen"},
		{"127.0.0.1:64000", "peer 127.0.0.1:64000: port 64000 + 2000 is above 65535: choose a " +
			"lower port, or set --admin-listen"},
		{":8001", `peer address: expected HOST:PORT such as 127.0.0.1:8001, not ":8001": it has no host`},
		{"0.0.0.0:8001", `peer address: expected HOST:PORT such as 127.0.0.1:8001, not "0.0.0.0:8001": other nodes can't dial 0.0.0.0`},
		{"127.0.0.1:0", `peer address: expected HOST:PORT such as 127.0.0.1:8001, not "127.0.0.1:0": a port is a number from 1 to 65535`},
	}
	for _, tt := range tests {
		_, _, err := resolve(nil, strings.Fields(tt.args)...)
		if !strings.HasPrefix(fmt.Sprint(err), tt.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.args, err, tt.want)
		}
	}
}
