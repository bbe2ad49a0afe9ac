package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

func TestOneEntryUnderBothItsNames(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	for path, names := range map[string][]string{
		"/1.txt": {"/files/1.txt", "/zk?key=1.txt", "/zk?key=%31.txt",
			"/zk?x=y&key=1.txt"},
		"/a%20b":           {"/files/a%20b", "/zk?key=a+b", "/zk?key=a%20b"},
		"/a+b":             {"/files/a+b", "/zk?key=a%2Bb"},
		"/d/e":             {"/files/d/e", "/zk?key=d/e", "/zk?key=d%2Fe"},
		"/who%3F":          {"/files/who%3F", "/zk?key=who?", "/zk?key=who%3F"},
		"/%C3%A9":          {"/files/%C3%A9", "/zk?key=%C3%A9", "/zk?key=é"},
		"/@scope%2Fname":   {"/files/@scope%2Fname"},
		"/a%252Fb":         {"/files/a%252Fb", "/zk?key=a%252Fb"},
		"/100%25":          {"/files/100%25", "/zk?key=100%25"},
		"/with%3Bsemi;col": {"/files/with%3Bsemi;col"},
		"/a;b":             {"/files/a;b", "/zk?key=a;b", "/zk?key=a%3Bb"},
	} {
		o.Handle(path, origintest.File{Size: 10, Seed: byte(len(path)), ETag: `"1"`,
			Header: maxAge("60")}.ServeHTTP)
		o.Forget()
		for _, name := range names {
			n.expect(200, origintest.Content(byte(len(path)), 0, 10), name)
		}
		if r := o.Requests(); len(r) != 1 || r[0].URI != path {
			t.Errorf("%v: the origin was asked %v", names, r)
		}
	}
}

func TestQueryIsPartOfTheKey(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/q", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, r.RequestURI)
	})
	for range 2 {
		for _, q := range []string{"/q", "/q?", "/q?b=1&a=2", "/q?a=2&b=1", "/q?%61=%2f"} {
			n.expect(200, []byte(q), "/files"+q)
		}
	}
	if o.Count() != 5 {
		t.Errorf("%d origin requests", o.Count())
	}
}

func TestRoutes(t *testing.T) {
	n, _ := fronting(t, proxy.Config{})
	for _, c := range []struct {
		method, path string
		status       int
		location     string
	}{
		{"GET", "/", 307, "/files/"},
		{"HEAD", "/", 307, "/files/"},
		{"GET", "/files", 307, "/files/"},
		{"GET", "/files?a=b", 307, "/files/?a=b"},
		{"POST", "/", 405, ""},
		{"GET", "/zk", 400, ""},
		{"GET", "/zk?key=", 400, ""},
		{"GET", "/zk?key=%zz", 400, ""},
		{"POST", "/zk?key=1.txt", 405, ""},
		{"GET", "/zk?key=../etc/passwd", 400, ""},
		{"GET", "/filesystem", 404, ""},
		{"GET", "/healthz", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"BREW", "/zk", 405, ""},
		{"BREW", "/nope", 404, ""},
		{"PROPFIND", "/", 405, ""},
		{"GET", "/files/" + strings.Repeat("a", 9000), 414, ""},
		{"GET", "/zk?key=" + strings.Repeat("a", 9000), 414, ""},
		{"GET", "/files/a%5Cb", 400, ""},
		{"GET", "/files/%00", 400, ""},
	} {
		resp, b := n.read(n.do(c.method, c.path))
		if resp.StatusCode != c.status || resp.Header.Get("Location") != c.location {
			t.Errorf("%s %.40s: %d to %q, want %d to %q", c.method, c.path, resp.StatusCode,
				resp.Header.Get("Location"), c.status, c.location)
		}
		if got := resp.Header.Get("Allow"); (c.status == 405) != (got == "GET, HEAD") {
			t.Errorf("%s %.40s: Allow %q", c.method, c.path, got)
		}
		if want := fmt.Sprintf("%d %s\n", c.status,
			http.StatusText(c.status)); c.method != "HEAD" && string(b) != want {
			t.Errorf("%s %.40s: text %q, want %q", c.method, c.path, b, want)
		}
	}
}

// TestEscapesNeverReachTheOrigin sends request lines that no client library would.
func TestEscapesNeverReachTheOrigin(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	for _, target := range []string{
		"/files/../secret", "/files/%2e%2e/secret", "/files/a/..%2f..%2fsecret",
		"/files/a/../../secret", `/files/..\secret`, "/files/%c0%ae%c0%ae/secret",
		"/files/%2e/x", "/files/%00", "/zk?key=../secret", "/zk?key=%2e%2e%2fsecret",
		`/zk?key=..\secret`, "/zk?key=a%00",
		"/../files/secret", "/%2e%2e/files/secret",
		"/files/" + strings.Repeat("a", 64<<10),
	} {
		answer := n.raw("GET " + target + " HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
		var status int
		if _, err := fmt.Sscanf(answer, "HTTP/1.1 %d", &status); err != nil || (status != 400 &&
			status != 404 && status != 414) {
			t.Errorf("%.60s: %.60q", target, answer)
		}
	}
	if o.Count() != 0 {
		t.Errorf("the origin was asked %v", o.Requests())
	}
}

func TestLocationsAreMappedToTheMount(t *testing.T) {
	for _, mount := range []string{"/files/", "/", "/a/b/"} {
		t.Run(mount, func(t *testing.T) { mapsLocations(t, mount) })
	}
}

// mapsLocations is about a node that is mounted there. What is under its mount is written here as
// if that were /files/.
func mapsLocations(t *testing.T, mount string) {
	o := origintest.New(t)
	base, err := url.Parse(o.URL + "/base/")
	if err != nil {
		t.Fatal(err)
	}
	server := origin.HTTP(base)
	server.Host = "files.example"
	t.Cleanup(server.CloseIdleConnections)
	n := newNode(t, proxy.Config{Origin: server, Mount: mount})
	statuses := []int{200, 201, 202, 301, 302, 303, 307, 308}
	for i, c := range [][2]string{
		{"http://files.example/base/x", "/files/x"}, // the Host that the origin is told
		{"http://FILES.example:80/base/x", "/files/x"},
		{"/base", "/files/"},
		{"//elsewhere.example/base/x", "//elsewhere.example/base/x"},
		{"//files.example/base/x", "/files/x"},
		{"//files.example/x", "//files.example/x"},
		{"//FILES.example:80/base/%7Ex?%7E#%7E", "/files/%7Ex?%7E#%7E"},
		{"//user@files.example/base/x", "//user@files.example/base/x"},
		{"http://a:b@files.example/base/x", "http://a:b@files.example/base/x"},
		{"http://files.example:/base/x", "/files/x"},
		{"http://files.example:81/base/x", "http://files.example:81/base/x"},
		{"https://files.example/base/x", "https://files.example/base/x"},
		{"HTTP://Files.Example/base/", "/files/"},
		{"http://files.example/base", "/files/"},
		{"http://files.example/base?x", "/files/?x"},
		{"http://files.example/basement", "http://files.example/basement"},
		{"http://files.example/%62ase/%78", "/files/x"},
		{"http://Elsewhere.example/%7Ea b/../{c}#%7E",
			"http://Elsewhere.example/%7Ea b/../{c}#%7E"},
		{"mailto:someone@files.example", "mailto:someone@files.example"},
		{"/base/%7Ea%2D[1]'|{é}", "/files/%7Ea%2D[1]'|{é}"},
		{"/base/a b?c d#e f", "/files/a%20b?c%20d#e%20f"},
		{"./%7Ex/./y/../z", "/files/%7Ex/z"},
		{"?x=%7E", "/files/dir?x=%7E"},
		{"#%7E{", "/files/dir#%7E{"},
		{"/base/x?#", "/files/x?#"},
		{"", ""},
		{"/base/%zz", "/base/%zz"},
		{"/base//x", "/files//x"},
		{"../other", o.URL + "/other"},
		{o.URL + "/base/dir/", "/files/dir/"},
		{"/base/dir/?q=1#f", "/files/dir/?q=1#f"},
		{"dir/", "/files/dir/"},
		{"../base/a%2Fb", "/files/a%2Fb"},
		{"/elsewhere", o.URL + "/elsewhere"}, // not under the base, so not under the mount
		{"https://elsewhere.example/base/x", "https://elsewhere.example/base/x"},
	} {
		status := statuses[i%len(statuses)]
		if under, ok := strings.CutPrefix(c[1], "/files/"); ok {
			if c[1] = mount + under; strings.HasPrefix(c[1], "//") {
				c[1] = "/." + c[1] // which names no host
			}
		}
		for _, cacheable := range []string{"max-age=60", "no-store"} {
			o.Handle("/base/dir", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", c[0])
				w.Header().Set("Content-Location", c[0])
				w.Header().Set("Cache-Control", cacheable)
				w.WriteHeader(status)
			})
			// fetched, from the cache, passed; POST invalidates
			for _, method := range []string{"GET", "GET", "POST"} {
				resp, _ := n.read(n.do(method, mount+"dir"))
				if resp.StatusCode != status || resp.Header.Get("Location") != c[1] ||
					resp.Header.Get("Content-Location") != c[1] {
					t.Errorf("%s %s %s: %d %v, want %s", cacheable, method, c[0], resp.StatusCode,
						resp.Header, c[1])
				}
			}
		}
	}
}

func TestWhatTheOriginSees(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control",
			"max-age=60")
	})
	n.get("/files/f", "X-Nut: hazel", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1",
		"Range: bytes=0-1", `If-None-Match: "x"`,
		"Connection: X-Hop", "X-Hop: 1", "Accept-Language: de")
	r := o.Requests()[0]
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
		"Forwarded", "Range", "If-None-Match", "X-Hop", "Accept-Encoding"} {
		if v, ok := r.Header[name]; ok {
			t.Errorf("a fetch for all carries %s: %v", name, v)
		}
	}
	if r.Header.Get("X-Nut") != "hazel" || r.Header.Get("Accept-Language") != "de" ||
		r.Header.Get("Via") != "1.1 scurry" {
		t.Errorf("the fetch carries %v", r.Header)
	}
	if r.Host != o.Base.Host {
		t.Errorf("Host %s, want the origin's own", r.Host)
	}
	if got := r.Header.Get("User-Agent"); got != "Go-http-client/1.1" {
		t.Errorf("User-Agent %q, want the client's", got)
	}

	o.Forget()
	n.read(n.do("POST", "/files/f", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1",
		`If-Match: "x"`))
	r = o.Requests()[0]
	host := n.Listener.Addr().String()
	for name, want := range map[string]string{
		"X-Forwarded-For": "192.0.2.1, 127.0.0.1", "X-Forwarded-Host": host,
		"X-Forwarded-Proto": "http",
		"Forwarded":         `for=192.0.2.1, for=127.0.0.1;proto=http;host="` + host + `"`,
		"If-Match":          `"x"`, "Via": "1.1 scurry",
	} {
		if got := strings.Join(r.Header[name], ", "); got != want {
			t.Errorf("a passed request carries %s: %s, want %s", name, got, want)
		}
	}
}

func TestOtherMethodsGoToTheOrigin(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Method, b)
	})
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
		"SCATTER"} {
		req, err := http.NewRequestWithContext(t.Context(), method, n.URL+"/files/f",
			strings.NewReader("nuts"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := n.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp, b := n.read(resp)
		if string(b) != method+" nuts" {
			t.Errorf("%s: %d %q", method, resp.StatusCode, b)
		}
		n.cacheStatus(resp, "fwd=method")
	}
}
