package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/admin"
)

// operator asks the admin listener of a node, with a token if there is one.
type operator struct {
	base, token string
}

// get returns the answer to a GET, which must have that status. The test closes its body.
func (o operator) get(t *testing.T, path string, status int) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.token != "" {
		req.Header.Set("Authorization", "Bearer "+o.token)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != status {
		t.Errorf("%s is answered %s", path, res.Status)
	}
	return res
}

// text is the body of a 200.
func (o operator) text(t *testing.T, path string) string {
	t.Helper()
	b, err := io.ReadAll(o.get(t, path, 200).Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (o operator) json(t *testing.T, path string, value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(o.text(t, path)), value); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

// TestAdminListener: a node tells those who have its token what it has done, and no secrets.
func TestAdminListener(t *testing.T) {
	const token = "a-token-of-20-letters"
	origin := newStalledOrigin(t)
	close(origin.goOn)
	file := string(write(t, "token", []byte(token+"\n")))
	s := startScurry(t, []string{"SCURRY_GRACE=10s"}, "--admin-token-file="+file,
		"--origin="+strings.Replace(origin.URL, "//", "//user:password@", 1))
	for _, path := range []string{"/stats", "/config", "/peers", "/files", "/errors",
		"/readyz?verbose", "/debug/pprof/"} {
		operator{base: s.admin}.get(t, path, 401)
		operator{s.admin, token + "s"}.get(t, path, 401)
	}
	for _, path := range []string{"/healthz", "/readyz", "/", "/dashboard/js/main.js"} {
		operator{base: s.admin}.get(t, path, 200)
	}
	o := operator{s.admin, token}
	if got := o.text(t, "/readyz?verbose"); !strings.Contains(got,
		"[+] origin: hasn't been asked yet\n") {
		t.Errorf("before the first request: %s", got)
	}
	for range 2 {
		if got := (operator{base: s.url}).text(t, "a"); got != firstHalf+secondHalf {
			t.Errorf("%q", got)
		}
	}
	if got := o.text(t, "/readyz?verbose"); !strings.Contains(got, "[+] origin: answered now\n") ||
		!strings.Contains(got, "[+] clients: listens at "+host(t, s.url)+"\n") ||
		!strings.HasSuffix(got, "[+] draining: no\nready\n") {
		t.Errorf("after it: %s", got)
	}

	var stats admin.Stats
	if !eventually(func() bool { // a request is counted just after its response has gone
		o.json(t, "/stats", &stats)
		return stats.Responses.Duration.Count == 2 && stats.Origin.Duration.Count == 1
	}) {
		t.Error("not all requests are counted")
	}
	if r := stats.Requests; r.Hit != 1 || r.Miss != 1 || stats.Origin.Requests != 1 ||
		stats.Origin.ReceivedBytes != 31 ||
		stats.Origin.LastSuccess == nil || stats.Cache.LimitBytes != 256<<20 ||
		stats.Cache.Records.Entries != 1 ||
		stats.Responses.MemoryBytes != 31 || stats.Responses.OriginBytes != 31 ||
		stats.Responses.Duration.Count != 2 ||
		len(stats.Responses.Duration.Buckets) != 17 ||
		stats.Draining || stats.UptimeSeconds <= 0 || stats.Process.HeapBytes == 0 ||
		stats.Process.Goroutines == 0 {
		t.Errorf("%+v", stats)
	}
	var files admin.Files
	if o.json(t, "/files", &files); len(files.Hottest) != 1 || files.Hottest[0].URL != "/files/a" ||
		files.Hottest[0].RequestsPerSecond <= 0 ||
		files.SampledOneIn != 1 || len(files.Largest) != 1 || files.Largest[0].URL != "/files/a" ||
		files.Largest[0].ContentBytes != 31 {
		t.Errorf("%+v", files)
	}
	origin.Close()
	operator{base: s.url}.get(t, "b", 502)
	var failed admin.Errors
	if o.json(t, "/errors", &failed); len(failed.Origin) != 1 || failed.Origin[0].URL != origin.URL+
		"/b" ||
		!strings.Contains(failed.Origin[0].Text, "refused") {
		t.Errorf("%+v", failed)
	}
	var version admin.Version
	if o.json(t, "/version", &version); version.GoVersion == "" || version.Version == "" ||
		version.Started.IsZero() {
		t.Errorf("%+v", version)
	}
	var settings []admin.Setting
	o.json(t, "/config", &settings)
	found := map[string]admin.Setting{}
	for _, setting := range settings {
		found[setting.Name] = setting
		if strings.Contains(setting.Value, "password") || strings.Contains(setting.Value, token) {
			t.Errorf("a secret: %v", setting)
		}
	}
	for name, source := range map[string]string{"origin": "flag", "grace": "env SCURRY_GRACE",
		"memory": "default"} {
		if found[name].Source != source || found[name].Value == "" {
			t.Errorf("%s: %v", name, found[name])
		}
	}

	var out, errs strings.Builder
	env := []string{"SCURRY_ADMIN_LISTEN=" + host(t, s.admin), "SCURRY_LISTEN=" + host(t, s.url)}
	if code := run(t.Context(), []string{"explain", "/files/a"}, &out, &errs,
		env); code != exitUsage ||
		!strings.Contains(errs.String(), "wants its token: give the file that has it as "+
			"--admin-token-file") {
		t.Errorf("explain without the token exits with %d: %s", code, errs.String())
	}
	env = append(env, "SCURRY_ADMIN_TOKEN_FILE="+file)
	if code := run(t.Context(), []string{"explain", "/files/a"}, &out, &errs,
		env); code != exitOK || !strings.Contains(out.String(), "from memory") {
		t.Errorf("explain with the token exits with %d: %s%s", code, out.String(), errs.String())
	}
	if code := run(t.Context(), []string{"healthcheck"}, &out, &errs, env); code != exitOK {
		t.Errorf("healthcheck exits with %d", code)
	}
}

// TestEventsEndWithDraining: who follows the events learns that the node drains, and holds up
// nothing.
func TestEventsEndWithDraining(t *testing.T) {
	origin := newStalledOrigin(t)
	s := startScurry(t, nil, "--origin="+origin.URL)
	o := operator{base: s.admin}
	res := beginTransfer(t, "GET", s.url+"a")
	lines := bufio.NewScanner(o.get(t, "/events", 200).Body)
	if !lines.Scan() || lines.Text() != "event: stats" {
		t.Fatalf("the events begin with %q", lines.Text())
	}
	s.stop()
	last := ""
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = data
		}
	}
	var stats admin.Stats
	if err := json.Unmarshal([]byte(last), &stats); err != nil || !stats.Draining ||
		lines.Err() != nil {
		t.Errorf("the last event is %q: %v, %v", last, err, lines.Err())
	}
	o.get(t, "/events", 503) // so that no browser comes again at once
	if got, err := io.ReadAll(o.get(t, "/readyz?verbose", 503).Body); err != nil ||
		!strings.Contains(string(got), "[-] draining: yes") || !strings.HasSuffix(string(got),
		"\ndraining\n") {
		t.Errorf("%v, %s", err, got)
	}
	close(origin.goOn)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != secondHalf {
		t.Errorf("%q, %v", rest, err)
	}
	if code := <-s.exit; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// TestPeersOnAdminListener: each node tells how it sees the others, and who owns how much.
func TestPeersOnAdminListener(t *testing.T) {
	f := newFleet(t, 2)
	var peers admin.Peers
	one, two := f.all[0], f.all[1]
	o := operator{base: "http://" + one.admin}
	o.json(t, "/peers", &peers)
	share := 0.0
	for _, n := range peers.Ring {
		share += n.Share
	}
	if peers.Self != one.peer || len(peers.Ring) != 2 || share < .999 || share > 1.001 ||
		len(peers.Peers) != 1 ||
		peers.Peers[0].Name != two.peer || peers.Peers[0].State != "live" ||
		peers.Peers[0].SentBytes == 0 {
		t.Errorf("%+v", peers)
	}
	if got := o.text(t, "/readyz?verbose"); !strings.Contains(got, "[+] peer "+two.peer+
		": live since ") {
		t.Error(got)
	}
	mark := f.marks()[one]
	two.kill(t)
	one.awaitPeer(t, mark, "peer down", two)
	if got := o.text(t, "/readyz?verbose"); !strings.Contains(got, "[-] peer "+two.peer+
		": down since now: ") {
		t.Error(got)
	}
	if o.json(t, "/peers", &peers); len(peers.Ring) != 1 || peers.Ring[0].Share != 1 ||
		peers.Peers[0].State != "down" || peers.Peers[0].Failure == "" {
		t.Errorf("%+v", peers)
	}
}
