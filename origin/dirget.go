package origin

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
)

// RoundTrip answers req. Whatever the request asks for that can't be had is a status: 403 where the
// system denies reading, 404, 405, 412, 416. An error means that the file system failed or that
// req's context is done.
func (d *Dir) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if d.first == nil {
		return nil, errors.New("origin: this Dir has no directory: make it with OpenDir")
	}
	resp := &http.Response{
		StatusCode: http.StatusOK,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{"Date": {httpDate(d.now())}},
		Body:       http.NoBody,
		Request:    req,
	}
	if err := d.answer(resp); err != nil {
		return nil, err
	}
	resp.Status = statusLine(resp.StatusCode)
	return resp, nil
}

// answer makes resp the response to its request.
func (d *Dir) answer(resp *http.Response) error {
	switch resp.Request.Method {
	case http.MethodGet, http.MethodHead, "":
	default:
		resp.Header.Set("Allow", "GET, HEAD")
		setText(resp, http.StatusMethodNotAllowed)
		return nil
	}
	in, err := d.root()
	if err != nil { // it is the origin that is missing, and not the file
		return fmt.Errorf("origin: open directory: %w", err)
	}
	if in != d.first {
		defer in.Close()
	}
	err = d.get(resp, in)
	if code := d.status(err); code != 0 {
		setText(resp, code)
		return nil
	}
	if err != nil {
		return fmt.Errorf("origin: get %s: %w", resp.Request.URL.EscapedPath(), err)
	}
	return nil
}

// get makes resp the response to a GET or HEAD. If it returns an error, resp is as it was; an error
// for which d.status has a code means a response with that status.
func (d *Dir) get(resp *http.Response, in *os.Root) error {
	name, slash, ok := localName(resp.Request.URL, d.Dotfiles)
	if !ok {
		return fs.ErrNotExist
	}
	info, err := in.Stat(name)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir() && slash:
		return d.directory(resp, in, name)
	case info.IsDir():
		redirect(resp)
		return nil
	case slash: // a file isn't a directory
		return fs.ErrNotExist
	}
	return d.file(resp, in, name, info)
}

// redirect sends a client that left out a directory's last slash to the path that has it.
func redirect(resp *http.Response) {
	u := resp.Request.URL
	location := u.EscapedPath() + "/"
	if u.RawQuery != "" {
		location += "?" + u.RawQuery
	}
	resp.Header.Set("Location", location)
	setText(resp, http.StatusMovedPermanently)
}
