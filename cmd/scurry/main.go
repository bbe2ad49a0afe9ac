// Scurry is an HTTP caching reverse proxy for static files, kept in memory.
//
// Usage:
//
//	scurry serve [flags]
//	scurry HOST:PORT... [flags]
//	scurry config [flags]
//	scurry healthcheck [flags]
//	scurry explain [flags] URL
//	scurry version
//	scurry help [COMMAND]
//
// # Serving
//
// "scurry serve" answers /files/PATH, and /zk?key=PATH for the same, from its cache. It fills the
// cache from the origin: the HTTP server or the folder that --origin names, or else the current
// folder.
//
//	scurry serve --origin https://files.example.com/pub/ --memory 2GiB
//	scurry serve --origin ./site --listen :8080 --browse
//
// Clients are served at --listen, 127.0.0.1:9001 if not given. A second listener, --admin-listen,
// answers health checks; it is on loopback, at the client port + 1000, if not given. Port 0 picks a
// free port for either. The log, on standard error, tells the real addresses.
//
// # The short form
//
// "scurry 127.0.0.1:8001" is "scurry serve" with a peer address, from which the others follow:
// clients are served at the peer port + 1000, and health checks at + 2000. Flags may be added;
// --listen and --admin-listen win. Several addresses are the nodes of a cluster, this one being the
// first, or the one that --index N counts from 0 (-index N is the same); it listens for the others
// at its own. With one address, it is on its own and has no peer listener.
//
// # Clusters
//
// The nodes of a cluster share what they have stored: each file has one node that reads it from the
// origin, and the others ask that one. All need the same origin and the same sizes. A node with
// --peer-listen is one of several; --self is the address by which the others dial it, if that isn't
// the same. It learns who the nodes are in one of four ways:
//
//	scurry serve --peer-listen 10.0.0.1:8001 --peers 10.0.0.1:8001,10.0.0.2:8001
//	scurry serve --peer-listen 10.0.0.1:8001 --peers file:/etc/scurry/peers
//	scurry serve --peer-listen :8001 --peers dns:scurry.default.svc:8001
//	scurry serve --peer-listen 10.0.0.1:8001 --join 10.0.0.2:7946
//
// A list should be the same for all nodes; this node may be in it or not. The file has one address
// in a line, or several with commas between them, and # begins a comment; it is read again at
// SIGHUP. The name in DNS is looked up every few seconds. With --join, nodes tell each other by
// gossip, at --gossip-listen, who comes and goes; the first node is started with --gossip-listen
// and without --join. A new node may be told of any other.
//
// Off loopback, a peer listener needs credentials: --peer-secret-file, a secret that all nodes
// prove to each other to know, or --peer-tls-cert, --peer-tls-key and --peer-tls-ca, for mutual
// TLS, or both, since a secret encrypts nothing. For gossip it is --gossip-key-file, which encrypts
// it. --peer-insecure does without, where all that reach the ports are trusted.
//
//	openssl rand -base64 32 > secret
//
// # Settings
//
// Each flag of "scurry serve" is an environment variable as well, and a key of a YAML or TOML file
// that --config names: --write-timeout is SCURRY_WRITE_TIMEOUT and write-timeout. A flag wins over
// the environment, the environment over the file, the file over the default; a peer address counts
// as a flag. An empty variable counts as unset. Unknown names are errors. Sizes are written as
// 512MiB, times as 30s or 1h30m; what has commas between its words may be a list in a file.
// Relative paths are relative to the current folder. "scurry config", with the same flags, prints
// the values and where each came from; it is a dry run of them.
//
// # Memory
//
// --memory is the budget of the whole cache. For the process, the garbage collector aims at 1.2
// times that and 48 MiB more, unless the environment sets GOMEMLIMIT. If that is more than the
// machine has, or the control group may have, a warning says so at the start (on Linux).
//
// # Health
//
// At the admin address, /healthz answers 200 while the process runs, and /readyz 200 while it takes
// requests and 503 while it drains. "scurry healthcheck" finds the address in the same settings,
// asks for /healthz (with --ready for /readyz), and exits with 0 if the answer is 200.
//
// # Why isn't this cached?
//
// "scurry explain URL" asks a running node what it has stored for a request, why it has or hasn't,
// until when it is fresh, and what the next such request will do. The URL is what a client asks
// for, or its path. The request is a GET without fields unless --method and -H say otherwise:
//
//	scurry explain http://127.0.0.1:9001/files/1.txt
//	scurry explain -H 'Accept-Encoding: gzip' /files/1.txt
//
// If the node knows nothing of the resource it asks the origin for it, once, to tell what the
// answer would lead to, and stores nothing of it; --no-probe leaves the origin alone. The node is
// asked at its admin address, as /explain?url=URL: at --admin; else, if the URL is of another
// address than that of the settings, at its port + 1000; else at the one that healthcheck finds. A
// browser may ask as well, at an address of the listener, at localhost or by the name in
// --admin-listen; no page of another site may have it do so.
//
// # Signals
//
// At SIGINT or SIGTERM, /readyz turns to 503. For the time of --shutdown-delay each response ends
// its connection, while new ones are still accepted; then they are refused. Transfers in progress
// may go on for the time of --grace in all; what isn't done by then is cut. The other nodes of a
// cluster are told first. A second signal that comes a second later or more ends the process at
// once; until then it means the same as the first, since timeout(1) and others signal a process and
// then its group. SIGHUP has a file of peers read again; without one it is ignored.
//
// # Log
//
// Lines wait for standard error in a queue that is bounded, so that whatever reads them can stand
// still or go away: then lines are dropped, which the log tells later. SIGPIPE is ignored.
//
// # Exit codes
//
//	0  success; the server was told to stop, and every transfer finished
//	1  the server couldn't start, failed, or had to cut transfers; the health check failed;
//	   no node could be asked to explain
//	2  wrong usage or settings: trying again won't help
package main

import (
	"context"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, os.Environ())) }
