package logging_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/logging"
)

// flush has q write its last lines.
func flush(t *testing.T, q *logging.Queue) {
	t.Helper()
	if err := q.Close(time.Minute); err != nil {
		t.Fatal(err)
	}
}

func TestNewJSON(t *testing.T) {
	for _, format := range []string{"json", "auto"} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			log, queue := logging.New(&out, format, zerolog.InfoLevel)
			log.Debug().Msg("too fine")
			log.Info().Str("origin", "x").Msg("serving")
			flush(t, queue)

			var line map[string]string
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatalf("%v in %q", err, out.String())
			}
			if line["message"] != "serving" || line["level"] != "info" || line["origin"] != "x" {
				t.Errorf("got %v", line)
			}
			if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(line["time"]) {
				t.Errorf("time %q isn't RFC 3339 with milliseconds", line["time"])
			}
			if at, err := time.Parse(time.RFC3339, line["time"]); err != nil ||
				time.Since(at).Abs() > time.Minute {
				t.Errorf("time %q isn't now (%v)", line["time"], err)
			}
		})
	}
}

func TestNewConsole(t *testing.T) {
	var out bytes.Buffer
	log, queue := logging.New(&out, "console", zerolog.WarnLevel)
	log.Info().Msg("too fine")
	log.Warn().Str("origin", "x").Msg("slow")
	log.Warn().Msg("slower")
	flush(t, queue)
	if !regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} WRN slow origin=x\n[^\n]*WRN slower\n$`).MatchString(out.String()) {
		t.Errorf("got %q", out.String())
	}
}

func TestAutoOnAFileIsJSON(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log, queue := logging.New(f, "auto", zerolog.InfoLevel)
	log.Info().Msg("x")
	flush(t, queue)
	text, err := os.ReadFile(f.Name())
	if err != nil || !json.Valid(text) {
		t.Errorf("got %q, %v; want JSON", text, err)
	}
}

// A handler that panics makes net/http print a message and a stack: one event, the stack in its
// detail.
func TestStdTakesErrorLogOfServer(t *testing.T) {
	var out bytes.Buffer
	log, queue := logging.New(&out, "json", zerolog.InfoLevel)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter,
		*http.Request) {
		panic("boom")
	}))
	server.Config.ErrorLog = logging.Std(log)
	server.Start()
	if res, err := server.Client().Get(server.URL); err == nil {
		res.Body.Close()
		t.Error("the panic gave an answer")
	}
	server.Close() // the connection's goroutine has logged before it ends
	flush(t, queue)

	var line map[string]string
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	if line["level"] != "warn" || !strings.HasSuffix(line["message"], "boom") ||
		!strings.HasPrefix(line["detail"], "goroutine ") {
		t.Errorf("got %v", line)
	}
}
