package fastlane

import (
	"bytes"
	"net/http"
	"strings"
)

// carriers are the fields that carry a trace (W3C Trace Context). Each request has its own, so its
// lines would never be known if they had these among them. They select no response.
var carriers = [2]string{"Traceparent", "Tracestate"}

// cutTrace appends to rest the field lines of raw without those of carriers, whose values it
// returns, in the order of carriers. It isn't ok if one of those isn't plain, or comes twice.
func cutTrace(rest, raw []byte) (_ []byte, values [2][]byte, ok bool) {
	for len(raw) > 0 {
		end := bytes.IndexByte(raw, '\n') + 1
		line := raw[:end]
		raw = raw[end:]
		i := carrierOf(line)
		if i < 0 {
			rest = append(rest, line...)
			continue
		}
		value := bytes.TrimSuffix(line[len(carriers[i])+len(": "):], []byte("\r\n"))
		if values[i] != nil || !plainValue(text(value)) {
			return nil, values, false
		}
		values[i] = value
	}
	return rest, values, true
}

// carrierOf is which of carriers a line has, or -1.
func carrierOf(line []byte) int {
	if line[0]|0x20 != 't' {
		return -1
	}
	for i, name := range carriers {
		if len(line) > len(name)+1 && string(line[len(name):len(name)+2]) == ": " &&
			strings.EqualFold(text(line[:len(name)]), name) {
			return i
		}
	}
	return -1
}

// carried is the header with those values of carriers.
func carried(values *[2][]byte) http.Header {
	h := http.Header{}
	for i, v := range values {
		if v != nil {
			h[carriers[i]] = []string{string(v)}
		}
	}
	return h
}
