package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/config"
)

// TestCluster is about what follows from what is given. A value that isn't named here is its
// default.
func TestCluster(t *testing.T) {
	type all map[string][2]string
	tests := []struct {
		args string
		want all
	}{
		{"", all{}},
		{"127.0.0.1:8001", all{}},
		{"127.0.0.1:8001 --lease=1s --peer-insecure", all{"lease": {"1s", "flag"},
			"peer-insecure": {"true", "flag"}}},
		{"127.0.0.1:8001 localhost:8002", all{
			"peer-listen": {"127.0.0.1:8001", "argument 127.0.0.1:8001"}, "self": {"127.0.0.1:8001",
				"argument 127.0.0.1:8001"},
			"peers": {"127.0.0.1:8001,localhost:8002", "arguments"}}},
		{"127.0.0.1:8001 localhost:8002 --index=1", all{
			"peer-listen": {"localhost:8002", "argument localhost:8002"}, "self": {"localhost:8002",
				"argument localhost:8002"},
			"peers": {"127.0.0.1:8001,localhost:8002", "arguments"}, "index": {"1", "flag"}}},
		{"192.0.2.1:8001 192.0.2.2:8001 --peer-secret-file=s", all{
			"peer-listen": {"192.0.2.1:8001", "argument 192.0.2.1:8001"}, "self": {"192.0.2.1:8001",
				"argument 192.0.2.1:8001"},
			"peers": {"192.0.2.1:8001,192.0.2.2:8001", "arguments"}, "peer-secret-file": {"s",
				"flag"}}},
		{"--peer-listen=127.0.0.1:8001 --peers=127.0.0.1:8001,127.0.0.1:8002", all{
			"peer-listen": {"127.0.0.1:8001", "flag"}, "self": {"127.0.0.1:8001", "peer-listen"},
			"peers": {"127.0.0.1:8001,127.0.0.1:8002", "flag"}}},
		{"--peer-listen=:8001 --self=a:8001 --peers=file:peers.txt --peer-insecure", all{
			"peer-listen": {":8001", "flag"}, "self": {"a:8001", "flag"},
			"peers": {"file:peers.txt", "flag"}, "peer-insecure": {"true", "flag"}}},
		{"--peer-listen=:8001 --peers=dns:scurry:8001 --peer-tls-cert=c --peer-tls-key=k " +
			"--peer-tls-ca=a", all{
			"peer-listen": {":8001", "flag"}, "peers": {"dns:scurry:8001", "flag"},
			"peer-tls-cert": {"c", "flag"}, "peer-tls-key": {"k", "flag"}, "peer-tls-ca": {"a",
				"flag"}}},
		{"--peer-listen=localhost:8001 --peers=dns:localhost:8001", all{
			"peer-listen": {"localhost:8001", "flag"}, "peers": {"dns:localhost:8001", "flag"}}},
		{"--peer-listen=127.0.0.2:8001 --peers=dns:localhost:8001", all{
			"peer-listen": {"127.0.0.2:8001", "flag"}, "self": {"127.0.0.2:8001", "peer-listen"},
			"peers": {"dns:localhost:8001", "flag"}}},
		{"--peer-listen=[::1]:8001 --join=a:7946,b:7946", all{
			"peer-listen": {"[::1]:8001", "flag"}, "self": {"[::1]:8001", "peer-listen"},
			"join": {"a:7946,b:7946", "flag"}, "gossip-listen": {"[::1]:7946",
				"peer-listen, port 7946"}}},
		{"--peer-listen=:8001 --self=[2001:db8::1]:8001 --join=a:1 --peer-secret-file=s " +
			"--gossip-key-file=k", all{
			"peer-listen": {":8001", "flag"}, "self": {"[2001:db8::1]:8001", "flag"},
			"peer-secret-file": {"s", "flag"},
			"join":             {"a:1", "flag"}, "gossip-listen": {":7946",
				"peer-listen, port 7946"}, "gossip-key-file": {"k", "flag"}}},
		{"--peer-listen=127.0.0.1:8001 --gossip-listen=127.0.0.1:8101", all{
			"peer-listen": {"127.0.0.1:8001", "flag"}, "self": {"127.0.0.1:8001", "peer-listen"},
			"gossip-listen": {"127.0.0.1:8101", "flag"}}},
	}
	for _, tt := range tests {
		c, p, err := resolve(nil, strings.Fields(tt.args)...)
		if err != nil {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		got := values(t, c, p)
		for name, value := range got {
			want, special := tt.want[name]
			if special && value != want || !special && value[1] != "default" &&
				!strings.HasSuffix(name, "listen") {
				t.Errorf("%s: %s is %v, want %v", tt.args, name, value, want)
			}
		}
		if _, clustered := tt.want["peer-listen"]; c.Clustered() != clustered {
			t.Errorf("%s: one of several: %v", tt.args, c.Clustered())
		}
		if _, gossips := tt.want["gossip-listen"]; c.Gossips() != gossips {
			t.Errorf("%s: gossips: %v", tt.args, c.Gossips())
		}
	}
}

func TestClusterErrors(t *testing.T) {
	const (
		pair  = "127.0.0.1:8001 127.0.0.1:8002 "
		local = "--peer-listen=127.0.0.1:8001 "
		open  = "--peer-listen=192.0.2.1:8001 "
		alone = " means nothing to a node that is on its own: give --peer-listen as well, the " +
			"address for the other nodes"
	)
	tests := []struct{ args, want string }{
		// The short form, with what it says already.
		{pair + "--peers=a:1", "peer addresses as arguments don't go with --peers: leave out one " +
			"or the other"},
		{pair + "--peer-listen=:1", "peer addresses as arguments don't go with --peer-listen: leave"},
		{pair + "--self=a:1", "peer addresses as arguments don't go with --self: leave"},
		{pair + "--join=a:1", "peer addresses as arguments don't go with --join: leave"},
		{pair + "--gossip-listen=a:1", "peer addresses as arguments don't go with " +
			"--gossip-listen: leave"},
		{pair + "--gossip-key-file=k", "peer addresses as arguments don't go with " +
			"--gossip-key-file: leave"},
		{"127.0.0.1:8001 --join=a:1", "peer addresses as arguments don't go with --join: leave"},

		// What needs --peer-listen.
		{"--peers=a:1", "--peers" + alone},
		{"--self=a:1", "--self" + alone},
		{"--join=a:1", "--join" + alone},
		{"--gossip-listen=:1", "--gossip-listen" + alone},
		{"--lease=5s", "--lease" + alone},
		{"--peer-secret-file=s", "--peer-secret-file" + alone},

		// Who the others are.
		{local + "--peers=a:1 --join=a:2", "--peers and --join: the nodes are either listed or " +
			"learnt of by gossip: leave out one or the other"},
		{local + "--peers=a:1 --gossip-listen=127.0.0.1:2", "--peers and --gossip-listen: the " +
			"nodes are"},
		{local, "--peer-listen 127.0.0.1:8001: who the other nodes are isn't said: give --peers " +
			"or --join, or --gossip-listen if this is"},
		{local + "--peers=a:1 --gossip-key-file=k", "--gossip-key-file k: there is no gossip to " +
			"encrypt: give --join or"},

		// Addresses.
		{"--peer-listen=127.0.0.1:0 --peers=a:1", "--peer-listen 127.0.0.1:0: the other nodes " +
			"must know the port"},
		{"--peer-listen=:8001 --peers=a:1", "--peer-listen :8001 is on all interfaces, which is " +
			"nothing that the other nodes can dial: give --self HOST:PORT"},
		{"--peer-listen=[::]:8001 --peers=file:a", "--peer-listen [::]:8001 is on all interfaces"},
		{"--peer-listen=0.0.0.0:8001 --join=a:1",
			"--peer-listen 0.0.0.0:8001 is on all interfaces"},
		{local + "--self=:8001", `--self: expected HOST:PORT such as 127.0.0.1:8001, not ":8001": it has no host`},
		{local + "--self=0.0.0.0:8001", `--self: expected HOST:PORT such as 127.0.0.1:8001, not "0.0.0.0:8001": other nodes can't dial 0.0.0.0`},
		{local + "--self=a:0", `--self: expected HOST:PORT such as 127.0.0.1:8001, not "a:0": a port is a number from 1 to 65535`},
		{local + "--self=a", `--self: expected HOST:PORT such as 127.0.0.1:8001, not "a": it has no port`},
		{local + "--join=a:1,:2", `--join: expected HOST:PORT such as 127.0.0.1:7946, or several with commas between them, not ":2": it has no host`},
		{local + "--join=a:1,", `--join: expected HOST:PORT such as 127.0.0.1:7946, or several with commas between them, not "": it has no port`},
		{local + "--peers=", `--peers: expected the peer addresses of all nodes with commas between them, dns:NAME:PORT, or file:PATH, not ""`},
		{local + "--peers=a:1 --listen=127.0.0.1:8001", "--listen and --peer-listen are both " +
			"127.0.0.1:8001: they need an address each"},
		{local + "--peers=a:1 --admin-listen=127.0.0.1:8001",
			"--admin-listen and --peer-listen are both 127.0.0.1:8001: they need"},
		{local + "--gossip-listen=127.0.0.1:8001", "--peer-listen and --gossip-listen are both " +
			"127.0.0.1:8001: they need"},
		{pair + "--listen=127.0.0.1:8001", "--listen and --peer-listen are both 127.0.0.1:8001: " +
			"they need"},

		// Credentials.
		{"--admin-listen=:81", "--admin-listen :81: other machines could reach it: give " +
			"--admin-token-file, or listen on loopback"},
		{"--admin-listen=192.0.2.1:81", "--admin-listen 192.0.2.1:81: other machines could reach it"},
		{"--admin-listen=127.0.0.1:81 --admin-token-file=",
			`--admin-token-file: expected the name of a file, not ""`},
		{open + "--peers=a:1", "--peer-listen 192.0.2.1:8001: other machines could reach it: " +
			"give --peer-secret-file, or --peer-tls-cert, " +
			"--peer-tls-key and --peer-tls-ca, or --peer-insecure if the network is trusted"},
		{"--peer-listen=name:8001 --peers=a:1", "--peer-listen name:8001: other machines could " +
			"reach it"},
		{"--peer-listen=:8001 --peers=dns:a:8001", "--peer-listen :8001: other machines could " +
			"reach it"},
		{"192.0.2.1:8001 192.0.2.2:8001", "peer address 192.0.2.1:8001: other machines could " +
			"reach it: give --peer-secret-file"},
		{open + "--join=a:1 --peer-secret-file=s", "--gossip-listen 192.0.2.1:7946: other " +
			"machines could reach it: give --gossip-key-file, or --peer-insecure if"},
		{local + "--gossip-listen=:7946", "--gossip-listen :7946: other machines could reach it"},
		{local + "--peers=a:1 --peer-tls-cert=c", "--peer-tls-cert and --peer-tls-key and " +
			"--peer-tls-ca must be used together"},
		{pair + "--peer-tls-cert=c --peer-tls-key=k", "--peer-tls-cert and --peer-tls-key and " +
			"--peer-tls-ca must be used together"},
		{local + "--peers=a:1 --peer-secret-file=",
			`--peer-secret-file: expected the name of a file, not ""`},
	}
	for _, tt := range tests {
		_, _, err := resolve(nil, strings.Fields(tt.args)...)
		if !strings.HasPrefix(fmt.Sprint(err), tt.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.args, err, tt.want)
		}
	}
}

// An error on a setting that isn't on the command line says where it is.
func TestClusterErrorsNameTheSource(t *testing.T) {
	path := file(t, "scurry.yaml", "peers: 'a:1,b:1'\n")
	tests := []struct{ entry, args, want string }{
		{"SCURRY_PEERS=a:1", "127.0.0.1:8001", "peer addresses as arguments don't go with " +
			"--peers (env SCURRY_PEERS): leave"},
		{"SCURRY_LEASE=1s", "", "--lease (env SCURRY_LEASE) means nothing to a node"},
		{"SCURRY_JOIN=a:1", "--peer-listen=127.0.0.1:1 --config=" + path, "--peers (file " + path +
			") and --join (env SCURRY_JOIN): the nodes"},
		{"SCURRY_SELF=:1", "", `SCURRY_SELF: expected HOST:PORT such as 127.0.0.1:8001, not ":1"`},
		{"SCURRY_PEER_TLS_CA=a", "--peer-tls-cert=c", "--peer-tls-cert and --peer-tls-key and " +
			"--peer-tls-ca must be used together"},
		{"SCURRY_JOIN=a", "", `SCURRY_JOIN: expected HOST:PORT such as 127.0.0.1:7946, or several`},
	}
	for _, tt := range tests {
		_, _, err := resolve([]string{tt.entry}, strings.Fields(tt.args)...)
		if !strings.HasPrefix(fmt.Sprint(err), tt.want) {
			t.Errorf("%s %s:\ngot  %v\nwant %s", tt.entry, tt.args, err, tt.want)
		}
	}
}

func TestPeerList(t *testing.T) {
	for text, want := range map[string][]string{
		"a:1": {"a:1"}, "a:1,b:2": {"a:1", "b:2"}, "a:1, [::1]:2": {"a:1", "[::1]:2"},
	} {
		var l config.PeerList
		if err := l.UnmarshalText([]byte(text)); err != nil ||
			fmt.Sprint(l.Addrs()) != fmt.Sprint(want) {
			t.Errorf("%q is %q, %v", text, l.Addrs(), err)
		}
	}
	if none := config.PeerList("").Addrs(); len(none) != 0 {
		t.Errorf("an empty list has %q", none)
	}
}
