package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/scurrycache/scurry/internal/race"
)

// TestMain has scripts and tests run main as the program scurry, and fails on goroutines that tests
// leave behind.
func TestMain(m *testing.M) {
	// the tests have read them
	for _, name := range []string{"SCURRY_TEST_NODES", "SCURRY_TEST_SLOW", "SCURRY_TEST_MEMORY"} {
		os.Unsetenv(name) // the program would take them for settings
	}
	testscript.Main(leakChecked{m}, map[string]func(){"scurry": main})
}

const raceEnabled = race.Enabled

type leakChecked struct{ *testing.M }

func (m leakChecked) Run() int {
	code := m.M.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
