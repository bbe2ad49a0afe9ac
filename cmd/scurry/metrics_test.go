package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/scurrycache/scurry/internal/metrics"
	"github.com/scurrycache/scurry/internal/origintest"
)

// families are the types of all metrics, by name.
func families() map[string]string {
	all := map[string]string{}
	for _, f := range metrics.Families() {
		all[f.Name] = f.Type
	}
	return all
}

// TestMetricsPage holds the list of names in the help page against what is exposed.
func TestMetricsPage(t *testing.T) {
	item := regexp.MustCompile("(?m)^- `(\\w+)` \\((\\w+)(?:; ([^)]*))?\\):")
	documented := map[string]bool{}
	for _, match := range item.FindAllStringSubmatch(page("metrics"), -1) {
		documented[match[1]] = true
		i := slices.IndexFunc(metrics.Families(),
			func(f metrics.Family) bool { return f.Name == match[1] })
		if i < 0 {
			t.Errorf("the page has %s, which isn't exposed", match[1])
			continue
		}
		f := metrics.Families()[i]
		if labels := strings.ReplaceAll(match[3], "`", ""); f.Type != match[2] ||
			strings.Join(f.Labels, ", ") != labels {
			t.Errorf("%s is a %s with the labels %q, not a %s with %q", f.Name, f.Type, f.Labels,
				match[2], labels)
		}
	}
	for name := range families() {
		if !documented[name] {
			t.Errorf("the page doesn't have %s", name)
		}
	}
}

// TestExamplesHaveOurMetrics: the dashboard, the alerts and the page ask for metrics that there
// are.
func TestExamplesHaveOurMetrics(t *testing.T) {
	dashboard, err := os.ReadFile("examples/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(dashboard) {
		t.Error("the dashboard isn't JSON")
	}
	alerts, err := os.ReadFile("examples/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(alerts, new(any)); err != nil {
		t.Errorf("the alerts aren't YAML: %v", err)
	}
	used := map[string]bool{}
	name := regexp.MustCompile(`\bscurry_\w+`)
	for where, text := range map[string]string{"the dashboard": string(dashboard),
		"the alerts": string(alerts), "the page": page("metrics")} {
		for _, n := range name.FindAllString(text, -1) {
			_, ok := families()[n]
			if base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(n, ""); !ok &&
				families()[base] == "histogram" {
				n, ok = base, true
			}
			if !ok {
				t.Errorf("%s has %s, which isn't exposed", where, n)
			}
			if where == "the dashboard" {
				used[n] = true
			}
		}
	}
	for n := range families() {
		if !used[n] {
			t.Errorf("the dashboard doesn't show %s", n)
		}
	}
}

// TestMetrics: a node of a cluster exposes what it has done, in one place with the rest of the
// admin listener.
func TestMetrics(t *testing.T) {
	f := newFleet(t, 2)
	one := f.all[0]
	file := origintest.File{Size: 1000, ETag: `"1"`, Header: maxAge(600)}
	for _, path := range f.owned(t, f.all[1], 2, "f", file) {
		f.expect(t, one, path, file)
		f.expect(t, one, path, file)
	}
	o := operator{base: "http://" + one.admin}
	exposed := map[string]string{}
	var text string
	if !eventually(func() bool {
		text = o.text(t, "/metrics")
		return strings.Contains(text, `scurry_http_request_duration_seconds_count{outcome="miss"} 2`)
	}) {
		t.Error("the misses aren't counted")
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); words[0] == "#" && words[1] == "TYPE" {
			exposed[words[2]] = words[3]
		}
	}
	for name, kind := range families() {
		if exposed[name] != kind {
			t.Errorf("%s is exposed as a %q, not a %s", name, exposed[name], kind)
		}
	}
	for _, want := range []string{
		`scurry_http_requests_total{code="2xx",outcome="hit"} 2`, `scurry_peer_state{peer="` +
			f.all[1].peer + `",state="live"} 1`,
		`scurry_ring_nodes 2`, `scurry_ready 1`, `scurry_log_lines_dropped_total 0`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	res := o.get(t, "/metrics", http.StatusOK)
	if _, err := io.Copy(io.Discard, res.Body); err != nil ||
		!strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%v %v", res.Header, err)
	}
}

// TestInFlight: what isn't answered yet is in flight, to the client and from the origin.
func TestInFlight(t *testing.T) {
	origin := newStalledOrigin(t)
	s := startScurry(t, nil, "--origin="+origin.URL)
	o := operator{base: s.admin}
	res := beginTransfer(t, "GET", s.url+"a")
	for _, want := range []string{"scurry_http_requests_in_flight 1\n",
		"scurry_http_connections 1\n", "scurry_origin_requests_in_flight 1\n",
		"scurry_fills_in_flight 1\n"} {
		if !strings.Contains(o.text(t, "/metrics"), "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	close(origin.goOn)
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"scurry_http_requests_in_flight 0\n",
		"scurry_origin_requests_in_flight 0\n", "scurry_fills_in_flight 0\n"} {
		if !eventually(func() bool { return strings.Contains(o.text(t, "/metrics"), "\n"+want) }) {
			t.Errorf("there is no %s", want)
		}
	}
}
