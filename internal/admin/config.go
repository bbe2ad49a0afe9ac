package admin

import "net/http"

// Config is what a node tells its operators. Ready must be set. What is nil isn't there: its route
// answers 404. The functions are called at each request, concurrently.
type Config struct {
	// Ready reports whether the node takes requests.
	Ready func() bool

	// Checks are what /readyz?verbose tells.
	Checks func() []Check

	// Draining is closed when the node begins to drain, which ends /events. Before that, a node
	// that isn't ready is starting.
	Draining <-chan struct{}

	Explain  Explain
	Version  *Version
	Settings func() []Setting
	Peers    func() Peers
	Stats    func() Stats // answers /stats and /events

	Files  func(n int) Files // answers /files, with up to n of each kind
	Errors func() Errors

	// Dashboard answers / and what is below /dashboard/: a page that knows nothing of the node, but
	// asks for it at the other routes. So it is given to browsers that have no token yet.
	Dashboard http.Handler

	// Metrics answers /metrics. Purge answers POST of /purge and below, Warm POST of /warm, and
	// Reload POST of /reload.
	Metrics, Purge, Warm, Reload http.Handler

	// Host is the name or the address that the listener is on; empty for all interfaces. All routes
	// may be requested by it.
	Host string

	// Token is what requests must have in Authorization, after Bearer. If it is empty, none must.
	Token []byte
}
