// Package config resolves the settings of the scurry command: flags, SCURRY_ environment variables,
// a YAML or TOML file and defaults flow in; one Config comes out, with a Provenance that says where
// each value came from.
//
// A setting has one name everywhere. The flag --write-timeout is the variable SCURRY_WRITE_TIMEOUT
// and the file key write-timeout. A flag wins over the environment, the environment over the file,
// and the file over the default. An empty variable counts as unset. Names that are unknown and
// values that don't parse are errors, even where another source overrides them.
//
// Each value is validated where it is parsed, so that the error names its source. Derive checks the
// addresses and the settings of the cluster against each other. proxy.Config checks the sizes of
// the cache, and package cluster parses a list of peers. Nothing here reads from the machine but
// the file.
package config

import "fmt"

// Config is the settings of "scurry serve". Its tags are the command's flags and their help. The
// tag reload:"live" is for what can change while a node runs; all else needs a restart.
type Config struct {
	Addresses `embed:""`

	AdminTokenFile File `placeholder:"FILE" group:"Addresses:" help:"File with a token of 16 bytes or more, which the admin listener wants of all but health checks (as Authorization: Bearer TOKEN). Needed unless it listens on loopback."`

	Origin     Origin `default:"." placeholder:"URL|DIR" group:"Origin:" help:"What is cached: an http or https URL, or a folder. The current folder if not given."`
	OriginHost string `placeholder:"NAME" group:"Origin:" help:"Host field to send to the origin, if it isn't the one of its URL."`
	Mount      Mount  `default:"/files/" placeholder:"PATH" group:"Origin:" help:"Path under which clients find what the origin has; / works as well (${default})."`
	Browse     bool   `group:"Origin:" help:"List folders that have no index.html (the origin being a folder)."`
	Dotfiles   bool   `group:"Origin:" help:"Serve files whose names begin with a dot (the origin being a folder)."`

	OriginDialTimeout   Timeout `default:"10s" placeholder:"TIME" group:"Origin:" reload:"live" help:"How long connecting to the origin may take (${default})."`
	OriginTLSTimeout    Timeout `name:"origin-tls-timeout" default:"10s" placeholder:"TIME" group:"Origin:" reload:"live" help:"How long the TLS handshake with the origin may take (${default})."`
	OriginHeaderTimeout Timeout `default:"30s" placeholder:"TIME" group:"Origin:" reload:"live" help:"How long the origin may take to begin its response (${default})."`
	OriginBodyTimeout   Timeout `default:"30s" placeholder:"TIME" group:"Origin:" reload:"live" help:"How long the origin may send no bytes of a body that it has begun (${default})."`
	OriginIdleTimeout   Timeout `default:"90s" placeholder:"TIME" group:"Origin:" reload:"live" help:"How long an idle connection to the origin is kept (${default})."`
	OriginProxyEnv      bool    `group:"Origin:" help:"Reach the origin through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name."`

	Memory     Size `default:"256MiB" placeholder:"SIZE" group:"Cache:" help:"Budget of the whole cache (${default})."`
	FirstChunk Size `default:"32KiB" placeholder:"SIZE" group:"Cache:" help:"First chunk of a slab (${default})."`
	MaxChunk   Size `default:"1MiB" placeholder:"SIZE" group:"Cache:" help:"Largest chunk: the first times a power of two (${default})."`
	Slab       Size `default:"64MiB" placeholder:"SIZE" group:"Cache:" help:"How much of a file one origin request fetches: a multiple of the largest chunk (${default})."`

	HeuristicLimit Duration `default:"1m" placeholder:"TIME" group:"Freshness:" reload:"live" help:"Most freshness to assume where a response states none; 0 for none (${default})."`
	NegativeTTL    Duration `name:"negative-ttl" default:"10s" placeholder:"TIME" group:"Freshness:" reload:"live" help:"Freshness of a 404 or 410 that states none; 0 for none (${default})."`
	MaxStale       Duration `default:"1h" placeholder:"TIME" group:"Freshness:" reload:"live" help:"How long past its freshness a response may stand in for an origin that can't be reached or answers with an error, unless it says that itself; 0 for never (${default})."`

	Targets                 FieldNames `default:"Scurry-Cache-Control,CDN-Cache-Control" placeholder:"NAME,..." group:"Rules:" help:"Fields that are obeyed instead of Cache-Control and Expires (RFC 9213), the first that there is; or none (${default})."`
	GroupFields             FieldNames `default:"none" placeholder:"NAME,..." group:"Rules:" help:"Fields that name cache groups besides Cache-Groups (RFC 9875), such as Surrogate-Key and Cache-Tag (${default})."`
	NoVarySearch            bool       `group:"Rules:" help:"Honour No-Vary-Search, by which a response says which parts of the query don't matter."`
	PrivateCookies          bool       `group:"Rules:" help:"Never store responses with Set-Cookie, even if they state their freshness."`
	IgnoreRequestDirectives bool       `group:"Rules:" help:"Give clients no say in what they are answered from: ignore the Cache-Control and Pragma of requests."`

	WebSocket         bool     `name:"websocket" group:"Clients:" help:"Forward a GET that asks for the WebSocket protocol, and switch its connection to that if the origin agrees."`
	PurgeFrom         CIDRs    `default:"none" placeholder:"CIDR,..." group:"Clients:" help:"Networks of the clients that may purge by the method PURGE at the client address; or none (${default})."`
	ReadHeaderTimeout Timeout  `default:"10s" placeholder:"TIME" group:"Clients:" help:"How long a client may take to send a request's header (${default})."`
	IdleTimeout       Timeout  `default:"2m" placeholder:"TIME" group:"Clients:" help:"How long a connection may wait for its next request (${default})."`
	WriteTimeout      Timeout  `default:"60s" placeholder:"TIME" group:"Clients:" help:"How long a client may take no bytes of a response (${default})."`
	MaxHeaderBytes    Size     `default:"128KiB" placeholder:"SIZE" group:"Clients:" help:"Largest request header (${default})."`
	Grace             Duration `default:"30s" placeholder:"TIME" group:"Clients:" reload:"live" help:"How long transfers in progress may go on after SIGINT or SIGTERM (${default})."`
	ShutdownDelay     Duration `default:"2s" placeholder:"TIME" group:"Clients:" reload:"live" help:"How much of --grace new connections are still accepted for, so that load balancers and clients learn in time; each response ends its connection then (${default})."`

	KeyRules `embed:""`
	Limits   `embed:""`
	Cluster  `embed:""`

	LogFormat string `default:"auto" enum:"auto,json,console" placeholder:"FORMAT" group:"Log:" help:"auto, json or console; auto is console on a terminal, else json (${default})."`
	LogLevel  string `default:"info" enum:"trace,debug,info,warn,error" placeholder:"LEVEL" group:"Log:" reload:"live" help:"Least severe level to log: trace, debug, info, warn or error (${default})."`
	LogFile   File   `placeholder:"FILE" group:"Log:" help:"File that the log is appended to, instead of standard error; opened again at SIGHUP, so that it can be rotated."`
	Config    string `placeholder:"FILE" group:"Settings:" help:"Settings file, *.yaml, *.yml or *.toml; its keys are these flags' names."`
}

// Derive fills in the settings that follow from others, records that in p, and says what is wrong
// with the addresses and the cluster, if anything.
func (c *Config) Derive(p Provenance) error {
	if err := c.Addresses.Derive(p); err != nil {
		return err
	}
	if !onLoopback(c.AdminListen.Host()) && c.AdminTokenFile == "" {
		return fmt.Errorf("--admin-listen %s%s: other machines could reach it: "+
			"give --admin-token-file, or listen on loopback",
			c.AdminListen, p.elsewhere("admin-listen"))
	}
	return c.Cluster.derive(&c.Addresses, p)
}
