package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/scurrycache/scurry/internal/config"
)

// resolve is what the command does with args, environ and the defaults.
func resolve(environ []string, args ...string) (*config.Config, config.Provenance, error) {
	var grammar struct {
		Serve struct {
			Settings config.Config `embed:""`
		} `cmd:"" default:"withargs"`
		Version struct{} `cmd:""`
	}
	sources := config.NewSources(environ)
	parser, err := kong.New(&grammar, append(sources.Options(), kong.Name("scurry"))...)
	if err != nil {
		return nil, nil, err
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return nil, nil, err
	}
	c, provenance := &grammar.Serve.Settings, sources.Provenance(ctx)
	return c, provenance, c.Derive(provenance)
}

// file writes a settings file and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// values is what "scurry config" prints, by setting: the value, and where it came from.
func values(t *testing.T, c *config.Config, p config.Provenance) map[string][2]string {
	t.Helper()
	var out strings.Builder
	if err := c.Write(&out, p); err != nil {
		t.Fatal(err)
	}
	all := map[string][2]string{}
	for line := range strings.Lines(out.String()) {
		fields := strings.Fields(line)
		all[fields[0]] = [2]string{fields[1], strings.Join(fields[2:], " ")}
	}
	return all
}

func TestDefaults(t *testing.T) {
	c, p, err := resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"origin": ".", "listen": "127.0.0.1:9001", "memory": "256MiB", "browse": "false",
		"origin-host": "-",
		"log-format":  "auto", "log-level": "info", "read-header-timeout": "10s",
		"idle-timeout":  "2m",
		"write-timeout": "1m", "grace": "30s", "max-header-bytes": "128KiB", "first-chunk": "32KiB",
		"max-chunk": "1MiB", "slab": "64MiB", "heuristic-limit": "1m", "negative-ttl": "10s",
		"max-stale": "1h",
		"config":    "-", "index": "0", "lease": "5s", "peer-heartbeat": "200ms",
		"peer-listen": "-", "self": "-", "peers": "-",
		"peer-secret-file": "-", "peer-insecure": "false", "join": "-", "gossip-listen": "-",
	}
	got := values(t, c, p)
	for name, value := range want {
		if got[name] != [2]string{value, "default"} {
			t.Errorf("%s is %v, want %s by default", name, got[name], value)
		}
	}
	if got["admin-listen"] != [2]string{"127.0.0.1:10001", "listen, port + 1000"} {
		t.Errorf("admin-listen is %v", got["admin-listen"])
	}
}

// Each source in turn wins over those below it.
func TestPrecedence(t *testing.T) {
	path := file(t, "scurry.yaml", "memory: 2GiB\nmax-stale: 2h\nbrowse: true\norigin: /from/file\n")
	environ := []string{"SCURRY_MEMORY=3GiB", "SCURRY_MAX_STALE=3h", "SCURRY_GRACE=", "HOME=/root"}
	c, p, err := resolve(environ, "serve", "--memory=4GiB", "--config", path)
	if err != nil {
		t.Fatal(err)
	}
	got := values(t, c, p)
	want := map[string][2]string{
		"memory":    {"4GiB", "flag"},
		"max-stale": {"3h", "env SCURRY_MAX_STALE"},
		"browse":    {"true", "file " + path},
		"origin":    {"/from/file", "file " + path},
		"grace":     {"30s", "default"},
		"config":    {path, "flag"},
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	if c.Memory != 4<<30 || c.MaxStale.String() != "3h" || !c.Browse ||
		c.Origin.Dir != "/from/file" {
		t.Errorf("the struct differs from what is printed: %+v", c)
	}
}

// A flag that repeats the default, or unsets a boolean, is still a flag.
func TestFlagThatEqualsDefaultWins(t *testing.T) {
	c, p, err := resolve([]string{"SCURRY_BROWSE=true", "SCURRY_MEMORY=1GiB"}, "--browse=false",
		"--memory=256MiB")
	if err != nil {
		t.Fatal(err)
	}
	got := values(t, c, p)
	if got["browse"] != [2]string{"false", "flag"} || got["memory"] != [2]string{"256MiB", "flag"} {
		t.Errorf("browse %v, memory %v", got["browse"], got["memory"])
	}
}

func TestEveryFlagHasVariableAndKey(t *testing.T) {
	var grammar config.Config
	parser, err := kong.New(&grammar)
	if err != nil {
		t.Fatal(err)
	}
	c, p, err := resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	printed := values(t, c, p)
	for _, flag := range parser.Model.Flags {
		if flag.Name == "help" {
			continue
		}
		if _, ok := printed[flag.Name]; !ok {
			t.Errorf("--%s is not among the settings", flag.Name)
		}
		delete(printed, flag.Name)
	}
	if len(printed) > 0 {
		t.Errorf("settings without a flag: %v", printed)
	}
}

func TestFiles(t *testing.T) {
	yaml := "memory: 512MiB\nslab: 67108864\nbrowse: true\nmax-stale: 0s\nindex: 0\nlisten: :9001\n"
	toml := "memory = '512MiB'\nslab = 67108864\nbrowse = true\nmax-stale = '0s'\nindex = " +
		"0\nlisten = ':9001'\n"
	for name, text := range map[string]string{"a.yaml": yaml, "b.yml": yaml, "c.toml": toml,
		"d.TOML": toml} {
		t.Run(name, func(t *testing.T) {
			path := file(t, name, text)
			c, p, err := resolve([]string{"SCURRY_CONFIG=" + path})
			if err != nil {
				t.Fatal(err)
			}
			if c.Memory != 512<<20 || c.Slab != 64<<20 || !c.Browse || c.MaxStale != 0 ||
				c.Listen != ":9001" {
				t.Errorf("got %+v", c)
			}
			if p["config"] != "env SCURRY_CONFIG" || p["memory"] != "file "+path {
				t.Errorf("config from %q, memory from %q", p["config"], p["memory"])
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		if _, _, err := resolve(nil, "--config", file(t, "empty.yaml", "")); err != nil {
			t.Error(err)
		}
	})
}

// What a flag has as words with commas between them may be a list in a file.
func TestFileLists(t *testing.T) {
	const peers = "peers: [10.0.0.1:8001, '10.0.0.2:8001']\npeer-listen: " +
		"10.0.0.1:8001\npeer-insecure: true\n"
	tests := []struct{ name, text, setting, want string }{
		{"a.yaml", peers, "peers", "10.0.0.1:8001,10.0.0.2:8001"},
		{"a.yaml", "peers:\n  - h1:8001\n  - h2:8001\npeer-listen: h1:8001\npeer-insecure: true\n",
			"peers", "h1:8001,h2:8001"},
		{"a.yaml", "peers: [file:/etc/peers]\npeer-listen: 127.0.0.1:8001\n", "peers",
			"file:/etc/peers"},
		{"a.yaml", "join: [10.0.0.1:7946, 10.0.0.2:7946]\npeer-listen: 127.0.0.1:8001\n", "join",
			"10.0.0.1:7946,10.0.0.2:7946"},
		{"a.yaml", "targets: [A-Control, CDN-Cache-Control]\n", "targets",
			"A-Control,CDN-Cache-Control"},
		{"a.yaml", "targets: []\n", "targets", "none"},
		{"a.yaml", "targets: [none]\n", "targets", "none"},
		{"a.yaml", "group-fields:\n- Surrogate-Key\n- Cache-Tag\n", "group-fields",
			"Surrogate-Key,Cache-Tag"},
		{"a.toml", "peers = ['h1:8001', 'h2:8001']\npeer-listen = '127.0.0.1:8001'\n", "peers",
			"h1:8001,h2:8001"},
		{"a.toml", "join = [\n  'h1:7946',\n  'h2:7946',\n]\npeer-listen = '127.0.0.1:8001'\n",
			"join", "h1:7946,h2:7946"},
		{"a.toml", "group-fields = ['Surrogate-Key', 'Cache-Tag']\ntargets = []\n", "group-fields",
			"Surrogate-Key,Cache-Tag"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			path := file(t, tt.name, tt.text)
			c, p, err := resolve(nil, "--config", path)
			if err != nil {
				t.Fatal(err)
			}
			if got := values(t, c, p)[tt.setting]; got != [2]string{tt.want, "file " + path} {
				t.Errorf("%s is %v, want %s", tt.setting, got, tt.want)
			}
		})
	}
}

func TestFileErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a.yaml", "memroy: 1GiB\n", `unknown key "memroy", did you mean "memory"?`},
		{"a.toml", "admin_listen = 'x'\n", `unknown key "admin_listen", did you mean "admin-listen"?`},
		{"a.yaml", "zebra: 1\n", `unknown key "zebra" ("scurry serve --help" lists what there is)`},
		{"a.yaml", "config: b.yaml\n", `unknown key "config" ("scurry serve --help" lists what there is)`},
		{"a.yaml", "memory: lots\n", `memory: expected a size such as 512MiB, not "lots"`},
		{"a.yaml", "memory: true\n", `memory: expected a size such as 512MiB, not "true"`},
		{"a.yaml", "memory: .inf\n", `memory: expected a size such as 512MiB, not "+Inf"`},
		{"a.yaml", "memory: -1\n", `memory: expected a size such as 512MiB, not "-1"`},
		{"a.yaml", "memory: 0\n", `memory: expected a size such as 512MiB, more than 0, not "0"`},
		{"a.yaml", "memory: [1GiB]\n", `memory: expected a size such as 512MiB, not a list`},
		{"a.yaml", "grace: []\n", `grace: expected a duration such as 30s, not a list`},
		{"a.yaml", "origin: [a, b]\n", `origin: expected an http or https URL, or a folder, not a list`},
		{"a.yaml", "peers: []\n", `peers: expected the peer addresses of all nodes with commas between them, dns:NAME:PORT, or file:PATH, not ""`},
		{"a.yaml", "peers: ['']\n", `peers: expected the peer addresses of all nodes with commas between them, dns:NAME:PORT, or file:PATH, not ""`},
		{"a.yaml", "peers: [h1:8001, dns:h2:8001]\n",
			`peers: expected the peer addresses of all nodes with commas between them, dns:NAME:PORT, or file:PATH, not "h1:8001,dns:h2:8001": dns: stands alone`},
		{"a.toml", "peers = ['file:/a', 'file:/b']\n",
			`peers: expected the peer addresses of all nodes with commas between them, dns:NAME:PORT, or file:PATH, not "file:/a,file:/b": file: stands alone`},
		{"a.yaml", "join: []\n", `join: expected HOST:PORT such as 127.0.0.1:7946, or several with commas between them, not "": it has no port`},
		{"a.yaml", "join: [7946]\n", `join: expected HOST:PORT such as 127.0.0.1:7946, or several with commas between them, not "7946": it has no port`},
		{"a.yaml", "join:\n- h1: 7946\n", `join: expected HOST:PORT such as 127.0.0.1:7946, or several with commas between them, not a list with a table of keys in it`},
		{"a.yaml", "join: [h1:7946, h2]\n", `join: expected HOST:PORT such as 127.0.0.1:7946, or several with commas between them, not "h2": it has no port`},
		{"a.yaml", "targets: [[A]]\n", `targets: expected names of header fields with commas between them, or none, not a list with a list in it`},
		{"a.yaml", "targets: [a, ~]\n", `targets: expected names of header fields with commas between them, or none, not a list with nothing in it`},
		{"a.toml", "targets = ['a b']\n", `targets: expected names of header fields with commas between them, or none, not "a b"`},
		{"a.toml", "[[targets]]\na = 1\n", `targets: expected names of header fields with commas between them, or none, not a list with a table of keys in it`},
		{"a.yaml", "memory:\n", `memory: expected a size such as 512MiB, not nothing`},
		{"a.yaml", "grace: 30\n", `grace: expected a duration such as 30s, not "30"`},
		{"a.toml", "grace = 1979-05-27\n", `grace: expected a duration such as 30s, not "1979-05-27"`},
		{"a.yaml", "idle-timeout: 0s\n", `idle-timeout: expected a duration such as 30s, more than 0, not "0s"`},
		{"a.yaml", "grace: -1s\n", `grace: expected a duration such as 30s, not below 0, not "-1s"`},
		{"a.yaml", "browse: maybe\n", `browse: expected true or false, not "maybe"`},
		{"a.yaml", "browse: 2\n", `browse: expected true or false, not "2"`},
		{"a.yaml", "listen: 9001\n", `listen: expected HOST:PORT such as 127.0.0.1:9001, not "9001": it has no port`},
		{"a.yaml", "origin:\n  host: x\n", `origin: expected an http or https URL, or a folder, not a table of keys`},
		{"a.yaml", "log-format: xml\n", `log-format: expected one of auto, json, console, not "xml"`},
		{"a.yaml", "index: first\n", `index: expected a whole number, not "first"`},
		{"a.yaml", "a: b: c\n", `yaml: mapping values are not allowed in this context`},
		{"a.toml", "a = \n", `line 1: toml: `},
		{"a.json", "{}", `the name of a settings file ends in .yaml, .yml or .toml`},
	}
	for _, tt := range tests {
		t.Run(strings.TrimSpace(tt.text), func(t *testing.T) {
			path := file(t, tt.name, tt.text)
			_, _, err := resolve(nil, "--config", path)
			want := path + ": " + tt.want
			if got := fmt.Sprint(err); !strings.HasPrefix(got, want) || strings.Contains(got,
				"\n") {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	t.Run("line", func(t *testing.T) {
		for name, text := range map[string]string{
			"a.yaml": "# memory: 1\nbrowse: true\n\n'memory' : lots\n",
			"a.toml": "browse = true\npeers = [\n'memory' ]\nmemory = 'lots'\n",
			"b.yaml": "slab: 1MiB\nmount: /memory:/\n\nmemory:\n  - 1\n",
			"b.toml": "\n\n\n\"memory\"=true",
		} {
			if _, _, err := resolve(nil, "--config", file(t, name,
				text)); !strings.HasSuffix(fmt.Sprint(err), " (line 4)") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("missing", func(t *testing.T) {
		_, _, err := resolve(nil, "--config", "/nowhere/a.yaml")
		if fmt.Sprint(err) != "/nowhere/a.yaml: no such file or directory" {
			t.Error(err)
		}
	})
}

func TestEnvironmentErrors(t *testing.T) {
	tests := []struct{ entry, want string }{
		{"SCURRY_MEMROY=1GiB", "unknown environment variable SCURRY_MEMROY, did you mean " +
			"SCURRY_MEMORY?"},
		{"SCURRY_ADMIN=x", "unknown environment variable SCURRY_ADMIN, did you mean " +
			"SCURRY_ADMIN_LISTEN?"},
		{"SCURRY_PEER=x", "unknown environment variable SCURRY_PEER, did you mean SCURRY_PEERS?"},
		{"SCURRY_XYZZYQUUX=1", `unknown environment variable SCURRY_XYZZYQUUX ("scurry serve --help" lists what there is)`},
		{"SCURRY_PORT=9001", `unknown environment variable SCURRY_PORT`},
		{"SCURRY_MEMORY=lots", `SCURRY_MEMORY: expected a size such as 512MiB, not "lots"`},
		{"SCURRY_GRACE=30", `SCURRY_GRACE: expected a duration such as 30s, not "30"`},
		{"SCURRY_BROWSE=maybe", `SCURRY_BROWSE: expected true or false, not "maybe"`},
		{"SCURRY_LISTEN=9001", `SCURRY_LISTEN: expected HOST:PORT such as 127.0.0.1:9001, not "9001": it has no port`},
		{"SCURRY_LOG_LEVEL=loud", `SCURRY_LOG_LEVEL: expected one of trace, debug, info, warn, error, not "loud"`},
		{"SCURRY_ORIGIN=ftp://u:secret@h/", "SCURRY_ORIGIN: expected a URL that begins with " +
			"http:// or https://, not ftp://"},
	}
	for _, tt := range tests {
		t.Run(tt.entry, func(t *testing.T) {
			// A flag that overrides the value doesn't hide that it is wrong.
			_, _, err := resolve([]string{tt.entry}, "--memory=1GiB")
			if !strings.HasPrefix(fmt.Sprint(err), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// In Kubernetes, a service called scurry puts these into the environment of every pod.
func TestServiceLinksAreNotSettings(t *testing.T) {
	_, _, err := resolve([]string{
		"SCURRY_SERVICE_HOST=10.0.0.1", "SCURRY_SERVICE_PORT=80", "SCURRY_SERVICE_PORT_HTTP=80",
		"SCURRY_PORT=tcp://10.0.0.1:80", "SCURRY_PORT_80_TCP=tcp://10.0.0.1:80",
		"SCURRY_PORT_80_TCP_PROTO=tcp",
		"SCURRY_PORT_80_TCP_PORT=80", "SCURRY_PORT_80_TCP_ADDR=10.0.0.1",
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFlagErrors(t *testing.T) {
	tests := []struct{ arg, want string }{
		{"--memroy=1", `unknown flag --memroy, did you mean "--memory"?`},
		{"--memory=lots", `--memory: expected a size such as 512MiB, not "lots"`},
		{"--grace=30", `--grace: expected a duration such as 30s, not "30"`},
		{"--listen=http://h:1/", `--listen: expected HOST:PORT such as 127.0.0.1:9001, not "http://h:1/": leave out http:// and the path`},
		{"--memory", `--memory: expected a size such as 512MiB`},
		{"--grace --browse", `--grace: expected a duration such as 30s`},
		{"--log-format=xml", `--log-format must be one of "auto","json","console" but got "xml"`},
	}
	for _, tt := range tests {
		if _, _, err := resolve(nil, strings.Fields(tt.arg)...); fmt.Sprint(err) != tt.want {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.arg, err, tt.want)
		}
	}
}

// A command without settings doesn't care whether they are right.
func TestVersionReadsNoSettings(t *testing.T) {
	if _, _, err := resolve([]string{"SCURRY_NONSENSE=1"}, "version"); err != nil {
		t.Error(err)
	}
}
