package main

import (
	"io"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// A second wish to stop is one that comes a second after the first or later.
func TestSecondSignalExitsAtOnce(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			origin := newStalledOrigin(t)
			cmd, log := startProcess(t, "serve", "--origin", origin.URL, "--listen=127.0.0.1:0",
				"--log-format=json", "--grace=1h")
			serving := log.await(t, "serving")
			beginTransfer(t, "GET", serving["url"].(string)+"a")

			send(t, cmd, signal)
			log.await(t, "draining")
			if !eventually(answers(serving["admin"].(string)+"/readyz",
				http.StatusServiceUnavailable)) {
				t.Error("ready while it drains")
			}
			var ending sync.WaitGroup
			defer ending.Wait()
			ended := make(chan struct{})
			ending.Go(func() {
				defer close(ended)
				cmd.Wait()
			})
			if !eventually(func() bool {
				select {
				case <-ended:
					return true
				default:
					cmd.Process.Signal(signal)
					return false
				}
			}) {
				t.Fatal("it doesn't end however often it is told to")
			}
			if code := cmd.ProcessState.ExitCode(); code != exitFailed {
				t.Errorf("exit code %d, want %d", code, exitFailed)
			}
			log.await(t, "told to stop again: ending at once")
		})
	}
}

// Who sends a signal to the process and then to its group means it once.
func TestSignalSentTwiceIsOneWish(t *testing.T) {
	t.Parallel()
	origin := newStalledOrigin(t)
	cmd, log := startProcess(t, "serve", "--origin", origin.URL, "--listen=127.0.0.1:0",
		"--log-format=json", "--grace=1h")
	res := beginTransfer(t, "GET", log.await(t, "serving")["url"].(string)+"a")
	send(t, cmd, syscall.SIGTERM)
	send(t, cmd, os.Interrupt) // which the kernel doesn't make one with the other
	log.await(t, "told to stop again within a second: taken for the same wish")
	close(origin.goOn)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != secondHalf {
		t.Errorf("the body ends %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestObey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stops, exits := 0, 0
		signalled := obey(zerolog.Nop(), func() { stops++ }, func() { exits++ })
		for i, step := range []struct {
			pause time.Duration
			exits int
		}{{time.Hour, 0}, {0, 0}, {time.Second - 1, 0}, {1, 1}, {0, 2}} {
			time.Sleep(step.pause)
			signalled(syscall.SIGTERM)
			if stops != 1 || exits != step.exits {
				t.Errorf("signal %d: %d stops, %d exits", i, stops, exits)
			}
		}
	})
}

// Each of the signals is handed on until the watching is stopped.
func TestHandle(t *testing.T) {
	seen := make(chan os.Signal)
	stop := handle(func(s os.Signal) { seen <- s }, syscall.SIGUSR1, syscall.SIGUSR2)
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGUSR1} {
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		if got := <-seen; got != s {
			t.Errorf("%v is seen as %v", s, got)
		}
	}
	stop()
}
