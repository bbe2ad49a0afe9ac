package fields

import (
	"slices"
	"strings"
)

// usual are the names that are packed as one byte, their index, in order. Index 0 means that the
// name follows. Nodes exchange packed fields, so with the list the version of their messages has to
// change.
var usual = append([]string{""}, strings.Fields(`
	Accept Accept-Encoding Accept-Language Accept-Ranges Access-Control-Allow-Credentials
	Access-Control-Allow-Headers Access-Control-Allow-Methods Access-Control-Allow-Origin
	Access-Control-Expose-Headers Age Alt-Svc Cache-Control Cache-Status Cdn-Cache-Control
	Content-Disposition Content-Encoding Content-Language Content-Length Content-Location
	Content-Security-Policy Content-Type Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy
	Date Etag Expires Last-Modified Link Location Nel Origin Permissions-Policy Pragma
	Referrer-Policy Report-To Retry-After Server Server-Timing Set-Cookie
	Strict-Transport-Security Surrogate-Key Timing-Allow-Origin User-Agent Vary Via X-Amz-Id-2
	X-Amz-Request-Id X-Amz-Version-Id X-Cache X-Content-Type-Options X-Frame-Options
	X-Powered-By X-Request-Id X-Served-By X-Timer X-Xss-Protection
`)...)

// number is that of a usual name, 0 for others.
func number(name string) int {
	if i, ok := slices.BinarySearch(usual, name); ok {
		return i
	}
	return 0
}
