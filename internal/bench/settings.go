package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	rounds      int
	time        time.Duration // that one measurement takes
	connections int
	threads     int     // of wrk
	sizes       []int64 // of the files, in bytes
}

func (s *settings) parseSizes(list string) error {
	for text := range strings.SplitSeq(list, ",") {
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return fmt.Errorf("-sizes: %q isn't a number of bytes", text)
		}
		s.sizes = append(s.sizes, n)
	}
	return nil
}
