package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Origin is where files come from: an HTTP server or a folder. Its text is a URL if it has "://" in
// it, else the path of a folder.
type Origin struct {
	// URL is the server's base URL, credentials included, or nil if the origin is a folder. It must
	// not be changed.
	URL *url.URL

	// Dir is the folder's path, or "" if the origin is a server.
	Dir string
}

const wantOrigin = "an http or https URL, or a folder"

// UnmarshalText implements encoding.TextUnmarshaler. No error quotes credentials.
func (o *Origin) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		return unexpected(wantOrigin, text)
	}
	if !strings.Contains(s, "://") {
		*o = Origin{Dir: s}
		return nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return malformed(s, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("expected a URL that begins with http:// or https://, not " + u.Scheme +
			"://")
	}
	if u.Hostname() == "" {
		return errors.New("expected a URL with a host, such as https://example.org/files/")
	}
	*o = Origin{URL: u}
	return nil
}

// malformed says what is wrong with the URL s. If s may contain a password, it quotes nothing of s.
func malformed(s string, err error) error {
	detail, ok := errors.AsType[*url.Error](err)
	if !ok || strings.Contains(s, "@") {
		return errors.New("expected " + wantOrigin + ": the URL is malformed")
	}
	return fmt.Errorf("expected %s: %w", wantOrigin, detail.Err)
}

// String is o's text with a URL's credentials replaced.
func (o Origin) String() string {
	if o.URL == nil {
		return o.Dir
	}
	u := *o.URL
	if u.User != nil {
		u.User = url.User("xxxxx")
	}
	return u.String()
}

// LooksLikeHost reports whether a folder's path reads like a URL that lacks its scheme, such as
// localhost:8080 or example.org/files.
func LooksLikeHost(dir string) bool {
	host, _, _ := strings.Cut(dir, "/")
	host, port, hasPort := strings.Cut(host, ":")
	if hasPort {
		_, err := strconv.ParseUint(port, 10, 16)
		return host != "" && err == nil
	}
	return host == "localhost" || strings.Contains(strings.Trim(host, "."), ".")
}
