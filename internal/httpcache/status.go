package httpcache

import "slices"

// forbidden lists the statuses of RFC 6585, none of which may be stored: they are about the request
// that got them.
func forbidden(status int) bool {
	return slices.Contains([]int{428, 429, 431, 511}, status)
}

// heuristicallyCacheable lists the statuses that RFC 9110 §15.1 defines so, without 206.
func heuristicallyCacheable(status int) bool {
	return slices.Contains([]int{200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}, status)
}

// understood reports whether this package implements what the status asks of caches (RFC 9111 §3,
// must-understand). It does so for all that RFC 9110 §15 defines: only 206 and 304 ask for more
// than §3.
func understood(status int) bool {
	switch {
	case status >= 200 && status <= 206, status >= 300 && status <= 305, status == 307,
		status == 308, status >= 400 && status <= 417, status == 421, status == 422,
		status == 426, status >= 500 && status <= 505:
		return true
	}
	return false
}
