// Package metrics tells Prometheus what a node counts.
//
//	GET /metrics ─► Collector ─► proxy.Stats, once ─► families ─► samples
//
// The families are on a registry of their own, so that what other packages of the process register
// doesn't come along. Nothing is counted here: a scrape reads the counts that are kept anyway. No
// label has a URL or a client. Package measure says how durations are counted.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Families returns all metrics, but those of the Go runtime and the process.
func Families() (all []Family) {
	for _, some := range [][]Family{ofClients, ofOrigin, ofCache, ofCluster, ofNode} {
		all = append(all, some...)
	}
	return all
}

// New returns a registry with the metrics of the node that c tells of, its runtime and its process.
func New(c Config) *prometheus.Registry {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newCollector(c), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// maxScrapes is how many scrapes are answered at once; others get 503.
const maxScrapes = 4

// Handler answers scrapes. Native histograms go to those who ask for the protobuf format.
func Handler(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

// collector is a prometheus.Collector.
type collector struct {
	Config
	families []Family
	descs    []*prometheus.Desc
}

func newCollector(c Config) *collector {
	out := &collector{Config: c, families: Families()}
	for _, f := range out.families {
		out.descs = append(out.descs, prometheus.NewDesc(f.Name, f.Help, f.Labels, nil))
	}
	return out
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := &scrape{Config: &c.Config, Stats: c.Config.Stats()}
	s.open, s.busy = c.Connections()
	for i, f := range c.families {
		if f.histograms != nil {
			f.histograms(s, func(h histogram, labels ...string) {
				to <- h.metric(c.descs[i], labels)
			})
			continue
		}
		kind := prometheus.GaugeValue
		if f.Type == counter {
			kind = prometheus.CounterValue
		}
		f.numbers(s, func(value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(c.descs[i], kind, value, labels...)
		})
	}
}
