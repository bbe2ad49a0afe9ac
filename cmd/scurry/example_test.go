package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/scurrycache/scurry/internal/config"
)

// documents returns the documents of a YAML text.
func documents(t *testing.T, text string) (all []map[string]any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var d map[string]any
		switch err := decoder.Decode(&d); {
		case err == io.EOF:
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, d)
	}
}

// within returns what is in v under keys and at indices.
func within(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[step.(string)]
		case []any:
			v = at[step.(int)]
		default:
			t.Fatalf("there is nothing at %v", path)
		}
	}
	return v
}

// settled returns what "scurry config" prints of the settings in a file and in env, by name.
func settled(t *testing.T, file string, env []string) map[string]string {
	t.Helper()
	args := []string{"config"}
	if file != "" {
		args = append(args, "--config="+string(write(t, "scurry.yaml", []byte(file))))
	}
	var out, errs strings.Builder
	if code := run(t.Context(), args, &out, &errs, env); code != exitOK {
		t.Fatalf("the settings aren't valid: %s", errs.String())
	}
	values := map[string]string{}
	for line := range strings.Lines(out.String()) {
		words := strings.Fields(line)
		values[words[0]] = words[1]
	}
	return values
}

// TestExamples: each example is printed as it is, and each file in a format that others read is
// one. Every flag that one has, or mentions, exists.
func TestExamples(t *testing.T) {
	var help strings.Builder
	for _, command := range []string{"serve", "healthcheck", "reload"} {
		run(t.Context(), []string{command, "--help"}, &help, io.Discard, nil)
	}
	known := flags.FindAllString(help.String(), -1)
	err := fs.WalkDir(examples, "examples", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := examples.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, "examples/")
		if filepath.Dir(name) == "." {
			name = strings.TrimSuffix(name, filepath.Ext(name))
		}
		var out strings.Builder
		if code := run(t.Context(), []string{"example", name}, &out, io.Discard,
			nil); code != exitOK || out.String() != string(text) {
			t.Errorf("scurry example %s: exit code %d, and %q", name, code, out.String())
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml":
			documents(t, string(text))
		case ".json":
			if !json.Valid(text) {
				t.Errorf("%s isn't JSON", path)
			}
			return nil
		}
		for _, flag := range flags.FindAllString(string(text), -1) {
			foreign := []string{"--from-literal"}
			if !slices.Contains(known, flag) && !slices.Contains(foreign, flag) {
				t.Errorf("%s has %s, which is no flag", path, flag)
			}
		}
		for _, line := range regexp.MustCompile(`(?m)^(?:- )?(?:ExecStart=)?/\S*scurry (.*)$`).FindAllStringSubmatch(string(text), -1) {
			if words := strings.Fields(line[1]); !strings.Contains(help.String(), "scurry "+
				words[0]) {
				t.Errorf("%s runs scurry %s", path, line[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	if code := run(t.Context(), []string{"example", "systemd"}, &all, io.Discard,
		nil); code != exitOK ||
		!strings.Contains(all.String(), "##### systemd/scurry.service\n") ||
		!strings.Contains(all.String(), "ListenStream=127.0.0.1:10001") {
		t.Errorf("scurry example systemd: exit code %d, %s", code, all.String())
	}
	for _, name := range []string{"kubernets", "systemd/", "systemd/../nginx", "nginx.conf"} {
		var errs strings.Builder
		if code := run(t.Context(), []string{"example", name}, io.Discard, &errs,
			nil); code != exitUsage || !strings.Contains(errs.String(), "is no example (") {
			t.Errorf("%s: exit code %d, %s", name, code, errs.String())
		}
	}
}

// embedded is the text of a file of the examples.
func embedded(t *testing.T, path string) string {
	t.Helper()
	text, err := examples.ReadFile("examples/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestExampleSystemd: the sockets are at the addresses of the settings, and systemd has no
// objection to the units.
func TestExampleSystemd(t *testing.T) {
	values := settled(t, embedded(t, "systemd/scurry.yaml"), nil)
	for unit, setting := range map[string]string{"scurry-client.socket": "listen",
		"scurry-admin.socket": "admin-listen"} {
		text := embedded(t, "systemd/"+unit)
		found := regexp.MustCompile(`(?m)^ListenStream=(.*)$`).FindStringSubmatch(text)
		if at, err := netip.ParseAddrPort(found[1]); err != nil ||
			!sameAddress(config.Addr(values[setting]), at) {
			t.Errorf("%s listens on %s, and the setting is %s", unit, found[1], values[setting])
		}
		name := regexp.MustCompile(`(?m)^FileDescriptorName=(.*)$`).FindStringSubmatch(text)
		if (sockets{name[1]: nil}).check(false) != nil || !strings.Contains(unit, name[1]) {
			t.Errorf("%s has the name %s", unit, name[1])
		}
	}

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze, which checks units, isn't here")
	}
	scurry, err := exec.LookPath("scurry")
	if err != nil {
		t.Fatal(err)
	}
	var version int
	out, err := exec.CommandContext(t.Context(), analyze, "--version").Output()
	if _, scanned := fmt.Sscanf(string(out), "systemd %d", &version); err != nil || scanned != nil {
		t.Skipf("the version of systemd-analyze isn't known: %q, %v", out, err)
	}
	dir := t.TempDir()
	for _, unit := range []string{"scurry.service", "scurry-client.socket", "scurry-admin.socket"} {
		text := strings.ReplaceAll(embedded(t, "systemd/"+unit), "/usr/local/bin/scurry", scurry)
		if version < 253 { // as the unit says
			text = strings.Replace(text, "\nType=notify-reload\n", "\nType=notify\n", 1)
		}
		if err := os.WriteFile(filepath.Join(dir, unit), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", filepath.Join(dir,
		"scurry.service"),
		filepath.Join(dir, "scurry-client.socket"), filepath.Join(dir, "scurry-admin.socket"))
	verify.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
	if out, err := verify.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestExampleCompose: the variables are settings, and clients' port is the one that is published.
func TestExampleCompose(t *testing.T) {
	service := within(t, documents(t, embedded(t, "compose.yaml"))[0], "services", "scurry")
	var env []string
	for name, value := range within(t, service, "environment").(map[string]any) {
		env = append(env, fmt.Sprint(name, "=", value))
	}
	values := settled(t, "", env)
	if _, port, _ := strings.Cut(values["listen"], ":"); !strings.HasSuffix(within(t, service,
		"ports", 0).(string), ":"+port) {
		t.Errorf("the port %s isn't published", port)
	}
	runnable(t, within(t, service, "healthcheck", "test").([]any)[1:], env)
}

// runnable checks that a health check's command is understood: it finds that no node answers.
func runnable(t *testing.T, command []any, env []string) {
	t.Helper()
	var args []string
	for _, word := range command {
		args = append(args, fmt.Sprint(word))
	}
	var errs strings.Builder
	env = slices.DeleteFunc(env, func(v string) bool {
		return strings.HasPrefix(v,
			"SCURRY_LISTEN=")
	})
	// nobody listens there
	env = append(env, "SCURRY_LISTEN=127.0.0.1:0", "SCURRY_ADMIN_LISTEN="+freeAddr(t))
	if code := run(t.Context(), args[1:], io.Discard, &errs, env); args[0] != "/scurry" ||
		code != exitFailed {
		t.Errorf("%s: exit code %d, %s", args, code, errs.String())
	}
}

// TestExampleKubernetes: the settings are valid with the image's variables, the ports are where
// services look for them, and what is mounted is there.
func TestExampleKubernetes(t *testing.T) {
	kinds := map[string][]map[string]any{}
	for _, d := range documents(t, embedded(t, "kubernetes.yaml")) {
		kind := d["kind"].(string)
		kinds[kind] = append(kinds[kind], d)
	}
	file := within(t, kinds["ConfigMap"][0], "data", "scurry.yaml").(string)
	values := settled(t, file, []string{"SCURRY_LISTEN=0.0.0.0:9001", "SCURRY_ORIGIN="})
	pod := within(t, kinds["Deployment"][0], "spec", "template", "spec")
	container := within(t, pod, "containers", 0)
	ports := map[string]string{}
	for _, p := range within(t, container, "ports").([]any) {
		ports[within(t, p, "name").(string)] = fmt.Sprint(":", within(t, p, "containerPort"))
	}
	if !strings.HasSuffix(values["listen"], ports["client"]) ||
		!strings.HasSuffix(values["peer-listen"], ports["peer"]) ||
		values["peers"] != "dns:"+within(t, kinds["Service"][1], "metadata", "name").(string)+
			ports["peer"] {
		t.Errorf("the ports are %v, and the settings %v", ports, values)
	}
	for _, s := range kinds["Service"] {
		if target := within(t, s, "spec", "ports", 0, "targetPort").(string); ports[target] == "" {
			t.Errorf("a service leads to %s", target)
		}
	}
	if !strings.HasPrefix(values["peer-secret-file"], within(t, container, "volumeMounts", 1,
		"mountPath").(string)) {
		t.Errorf("the secret is at %s", values["peer-secret-file"])
	}
	for _, probe := range []string{"readinessProbe", "livenessProbe"} {
		runnable(t, within(t, container, probe, "exec", "command").([]any),
			[]string{"SCURRY_LISTEN=any"})
	}
}

// TestExampleNginx: nginx takes the file.
func TestExampleNginx(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx, which checks the file, isn't here")
	}
	dir := t.TempDir()
	tls := newAuthority(t).settings(t)
	text := embedded(t, "nginx.conf")
	text = strings.ReplaceAll(text, "/etc/nginx/tls/files.example.com.crt", string(tls.PeerTLSCert))
	text = strings.ReplaceAll(text, "/etc/nginx/tls/files.example.com.key", string(tls.PeerTLSKey))
	main := fmt.Sprintf("pid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"+
		"client_body_temp_path %[1]s/a;\nproxy_temp_path %[1]s/b;\nfastcgi_temp_path "+
		"%[1]s/c;\nuwsgi_temp_path %[1]s/d;\n"+
		"scgi_temp_path %[1]s/e;\ninclude %[1]s/scurry.conf;\n}\n", dir)
	err = errors.Join(os.WriteFile(filepath.Join(dir, "scurry.conf"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(main), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), nginx, "-t", "-q", "-p", dir, "-c", filepath.Join(dir,
		"nginx.conf"))
	if out, err := check.CombinedOutput(); err != nil || bytes.Contains(out, []byte("[emerg]")) {
		t.Errorf("nginx -t: %v\n%s", err, out)
	}
}
