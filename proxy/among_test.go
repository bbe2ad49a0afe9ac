package proxy_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestAmongPeers runs the tests once more with a node that has peers, in a process that runs beside
// this one. The file's name has it begin among the first.
func TestAmongPeers(t *testing.T) {
	if amongPeers > 0 {
		return
	}
	again := exec.CommandContext(t.Context(), os.Args[0])
	if end, ok := t.Deadline(); ok { // so that it says itself where it hangs
		again.Args = append(again.Args, fmt.Sprint("-test.timeout=", time.Until(end)*9/10))
	}
	var out bytes.Buffer
	again.Env, again.Stdout, again.Stderr = append(os.Environ(), "SCURRY_TEST_NODES=3"), &out, &out
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	t.Parallel() // it goes on once the others have run
	if err := again.Wait(); err != nil {
		t.Errorf("among peers: %v\n%s", err, &out)
	}
}
