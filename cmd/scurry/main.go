// Scurry is an HTTP caching reverse proxy for static files, kept in memory.
//
// Usage:
//
//	scurry serve [flags]
//	scurry HOST:PORT... [flags]
//	scurry config [flags]
//	scurry reload [flags]
//	scurry healthcheck [flags]
//	scurry explain [flags] URL
//	scurry example [NAME]
//	scurry warm [flags] [URL...]
//	scurry purge [flags] [URL...]
//	scurry top [flags]
//	scurry version
//	scurry help [COMMAND | TOPIC]
//
// "scurry serve" answers /files/PATH, and /zk?key=PATH for the same, from its cache. It fills the
// cache from the origin: the HTTP server or the folder that --origin names, or else the current
// folder.
//
//	scurry serve --origin https://files.example.com/pub/ --memory 2GiB
//	scurry serve --origin ./site --listen :8080 --browse
//
// "scurry 127.0.0.1:8001" is "scurry serve" with the peer address of a node, from which its other
// addresses follow. Several addresses are the nodes of a cluster.
//
// The manual is the pages in the folder help, one for each topic. "scurry help" lists the topics.
//
// The files form layers. cli.go has the grammar and knows all commands. Each command has a file,
// and command.go has what they share. The server is built upwards: settings.go, origin.go,
// sockets.go, cluster.go and tracing.go open its parts, node.go puts them together,
// drain.go runs and stops the node, reload.go changes it meanwhile, and serve.go is the command.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, os.Environ())) }
