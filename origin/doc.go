// Package origin answers requests from where files really are: a directory or an HTTP server; each
// is an http.RoundTripper.
//
// What flows in is a GET or HEAD (an HTTP server takes other methods too) whose URL is the origin's
// base URL, as its BaseURL method returns it, with the escaped path of a resource behind it. What
// comes out is that resource's response: a status is a value, an error means that no answer could
// be learned. The caller owns the response and closes its body.
package origin
