package proxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/scurrycache/scurry/proxy"
)

// explains has the node explain a request before it is sent; what it says must come true.
func (r *transcript) explains(q *question, n *node) *proxy.Explanation {
	r.t.Helper()
	fields, err := r.expander(n.URL).expandAll(q.fields)
	r.must(q.n, err)
	u, err := url.Parse(n.URL + q.path)
	if err != nil {
		return nil // what can't be a URL isn't Explain's to explain
	}
	asked, err := http.NewRequestWithContext(r.t.Context(), q.method, u.String(), nil)
	if err != nil {
		r.t.Errorf("%s:%d: %v", r.file, q.n, err)
		return nil
	}
	asked.URL = u // as it is written
	for _, f := range fields {
		if name, value, _ := strings.Cut(f.text, ":"); name != "body" {
			asked.Header.Add(name, strings.Trim(value, " \t"))
		}
	}
	return n.Explain(asked, false)
}

// differs says in what got isn't as e has it; "" if it is.
func differs(e *proxy.Explanation, got *came) string {
	if e == nil || got.broken != nil {
		return ""
	}
	status := ""
	for _, member := range strings.Split(strings.Join(got.Header["Cache-Status"], ", "), ", ") {
		if strings.HasPrefix(member, "scurry") {
			status = member
		}
	}
	says := func(parameters ...string) bool {
		for _, p := range parameters {
			if strings.Contains(status+";", "; "+p) {
				return true
			}
		}
		return false
	}
	right := map[string]bool{
		"hit": says("hit;", "fwd=partial;") && !says("ttl=-") || strings.Contains(e.String(),
			"in parts: one that isn't held is fetched"),
		"stale":    says("hit;", "fwd=partial;") && !says("detail=http", "detail=conn"),
		"validate": says("fwd=") || says("hit;") && says("detail="),
		"fetch":    says("fwd=") || says("hit;") && says("detail="),
		"pass":     says("fwd="),
		"refuse":   !says("fwd=", "hit;"),
	}[e.Action]
	for _, line := range named(e, "Next") {
		right = right && line != "" && !strings.ContainsAny(line, "{}")
	}
	if !right || e.Status != 0 && e.Status != got.StatusCode {
		return fmt.Sprintf("%d, Cache-Status %s, and not as explained:\n%s", got.StatusCode, status,
			e)
	}
	return ""
}
