// Package origin serves files from where they are: a directory or an HTTP server. Each is an
// http.RoundTripper.
//
// What flows in is a GET or HEAD (an HTTP server takes other methods too) whose URL is the origin's
// base URL, as its BaseURL method returns it, with the escaped path of a resource behind it. What
// comes out is that resource's response: a status is a value, an error means that no response could
// be had. The caller owns the response and closes its body.
package origin
