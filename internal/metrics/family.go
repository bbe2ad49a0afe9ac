package metrics

import (
	"time"

	"github.com/scurrycache/scurry/internal/measure"
	"github.com/scurrycache/scurry/proxy"
)

// Config is where the counts come from. All must be set. The functions are called at each scrape,
// concurrently.
type Config struct {
	Stats              func() proxy.Stats
	Connections        func() (open, busy int)       // of clients
	Refused            func() int64                  // before they were understood
	RefusedConnections func() (many, ofClient int64) // by the two limits
	Dropped            func() int64                  // lines of log
	Ready              func() bool
	// the last one, and the last that has succeeded
	Reloaded func() (ok bool, last time.Time)

	Version, Revision, GoVersion string
}

// scrape is what one scrape tells.
type scrape struct {
	*Config
	proxy.Stats
	open, busy int
}

// Family is one metric, of all labels.
type Family struct {
	Name, Help string
	Type       string // counter, gauge or histogram
	Labels     []string

	// one of them is set, and calls add for each combination of labels
	numbers    func(*scrape, addNumber)
	histograms func(*scrape, addHistogram)
}

type (
	addNumber    func(value float64, labels ...string)
	addHistogram func(h histogram, labels ...string)
)

// The types of metrics.
const (
	counter      = "counter"
	gauge        = "gauge"
	distribution = "histogram"
)

// one is a family of a number without labels.
func one[N int | int64 | uint64 | float64](name, kind, help string, read func(*scrape) N) Family {
	return Family{Name: name, Type: kind, Help: help,
		numbers: func(s *scrape, add addNumber) { add(float64(read(s))) }}
}

// durations is a family of one histogram without labels.
func durations(name, help string, read func(*scrape) measure.Distribution) Family {
	return Family{Name: name, Type: distribution, Help: help,
		histograms: func(s *scrape, add addHistogram) { add(seconds(read(s))) }}
}
