package config

import (
	"fmt"
	"math"
	"math/bits"
	"regexp"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/net/http/httpguts"
)

// Size is a positive number of bytes. Its text is a number and a unit, such as 512MiB (2^20 bytes
// each) or 512MB (10^6 bytes each); without a unit it counts bytes.
type Size int64

const wantSize = "a size such as 512MiB"

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	// humanize drops commas, which would make 1,5GiB ten times what was meant.
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > math.MaxInt64 || strings.Contains(string(text), ",") {
		return unexpected(wantSize, text)
	}
	if n == 0 {
		return unexpected(wantSize+", more than 0", text)
	}
	*s = Size(n)
	return nil
}

// String is the shortest exact text of s, or "" if that is 0, which is none.
func (s Size) String() string {
	if s == 0 {
		return ""
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	unit := bits.TrailingZeros64(uint64(s)) / 10 // each is 2^10 of the one before
	return fmt.Sprintf("%d%s", s>>(10*unit), units[unit])
}

// Duration is a time that isn't negative. Its text is that of time.ParseDuration.
type Duration time.Duration

const wantDuration = "a duration such as 30s"

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	t, err := time.ParseDuration(string(text))
	if err != nil {
		return unexpected(wantDuration, text)
	}
	if t < 0 {
		return unexpected(wantDuration+", not below 0", text)
	}
	*d = Duration(t)
	return nil
}

// zeros matches the zero units that time.Duration's text ends in, and the unit before them.
var zeros = regexp.MustCompile("([hm])(0m)?0s$")

// String is d without those zero units: 1m, not 1m0s.
func (d Duration) String() string {
	return zeros.ReplaceAllString(time.Duration(d).String(), "$1")
}

// Timeout is a Duration that isn't zero either.
type Timeout Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Timeout) UnmarshalText(text []byte) error {
	var d Duration
	if err := d.UnmarshalText(text); err != nil {
		return err
	}
	if d == 0 {
		return unexpected(wantDuration+", more than 0", text)
	}
	*t = Timeout(d)
	return nil
}

// String is t as a Duration's text.
func (t Timeout) String() string { return Duration(t).String() }

// File is the name of a file. It isn't empty: otherwise an unset variable of a shell would turn off
// what the file is for.
type File string

const wantFile = "the name of a file"

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *File) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return unexpected(wantFile, text)
	}
	*f = File(text)
	return nil
}

// FieldNames is the names of header fields, with commas between them, or "none".
type FieldNames string

const wantFieldNames = "names of header fields with commas between them, or none"

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *FieldNames) UnmarshalText(text []byte) error {
	for name := range strings.SplitSeq(string(text), ",") {
		if !httpguts.ValidHeaderFieldName(strings.TrimSpace(name)) {
			return unexpected(wantFieldNames, text)
		}
	}
	*f = FieldNames(strings.ReplaceAll(string(text), " ", ""))
	return nil
}

// Names is the names in f, not nil.
func (f FieldNames) Names() []string {
	if f == "none" || f == "" {
		return []string{}
	}
	return strings.Split(string(f), ",")
}

// unexpected is the error for a value, text or bytes, that isn't as want describes it.
func unexpected(want string, got any) error {
	return fmt.Errorf("expected %s, not %q", want, got)
}
