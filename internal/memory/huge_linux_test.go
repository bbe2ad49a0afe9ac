package memory

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unsafe"
)

// TestHugePages: the system has been told to back contents with huge pages, by what it says of the
// process.
func TestHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this system has no huge pages")
	}
	for _, n := range []int64{least, 1 << 20, 1<<20 + 1, 5 << 20, 32 << 20} {
		b := Make(n)
		if int64(len(b)) != n || int64(cap(b)) < n || len(bytes.Trim(b, "\x00")) > 0 {
			t.Errorf("%d bytes of %d, with room for %d; not all zero?", len(b), n, cap(b))
		}
		for _, at := range []int64{0, n / 2, n - 1} {
			if flags := flagsOf(t, &b[at]); !strings.Contains(flags+" ", " hg ") {
				t.Errorf("byte %d of %d has the flags %q", at, n, flags)
			}
		}
	}
	if b := Make(0); len(b) > 0 {
		t.Errorf("%d bytes of none", len(b))
	}
}

var mapping = regexp.MustCompile(`(?m)^([0-9a-f]+)-([0-9a-f]+) `)

// flagsOf is what the system says of the mapping in which p lies.
func flagsOf(t *testing.T, p *byte) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	in := false
	for line := range strings.Lines(string(text)) {
		if m := mapping.FindStringSubmatch(line); m != nil {
			var from, end uintptr
			if _, err := fmt.Sscanf(m[1]+" "+m[2], "%x %x", &from, &end); err != nil {
				t.Fatal(err)
			}
			at := uintptr(unsafe.Pointer(p))
			in = from <= at && at < end
		} else if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && in {
			return strings.TrimRight(flags, " \n")
		}
	}
	t.Fatal("the process doesn't have that memory")
	return ""
}

// TestAllocations: Make allocates what it returns, and nothing else.
func TestAllocations(t *testing.T) {
	var b []byte
	if n := testing.AllocsPerRun(100, func() { b = Make(1 << 20) }); n != 1 {
		t.Errorf("%v allocations for %d bytes", n, len(b))
	}
}

func BenchmarkMake(b *testing.B) {
	for _, c := range []struct {
		name string
		make func(int64) []byte
	}{{"Make", Make}, {"make", func(n int64) []byte { return make([]byte, n) }}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				kept = c.make(32 << 10)
			}
		})
	}
}

var kept []byte
