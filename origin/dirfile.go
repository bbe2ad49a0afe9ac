package origin

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"time"
)

// settleTime is how old a modification has to be for its time stamp to tell it from the next.
const settleTime = 2 * time.Second

var errNotRegular = errors.New("not a regular file")

// file answers from the regular file at name.
func (d *Dir) file(req *http.Request, in *folder, name string) (*http.Response, error) {
	f, info, err := in.open(name)
	if err != nil {
		return nil, err
	}
	resp, part := d.represent(req, name, info)
	if part.length == 0 || req.Method == http.MethodHead {
		return resp, f.Close()
	}
	resp.Body = &fileBody{
		ctx:  req.Context(),
		file: f,
		seen: identify(info),
		off:  part.start,
		end:  part.start + part.length,
	}
	return resp, nil
}

// open opens the regular file at name. It looks at what else it may be before it opens it, since
// that may disturb a device.
func (f *folder) open(name string) (*os.File, fs.FileInfo, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errNotRegular
	}
	return f.openRegular(name)
}

// openRegular opens name, which may have come to stand for another file since it was looked at: it
// doesn't wait for a FIFO's writer, and gives back nothing but a regular file.
func (f *folder) openRegular(name string) (*os.File, fs.FileInfo, error) {
	file, err := f.OpenFile(name, openFlags, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// represent returns the answer to req from the file that info describes, and the part of it that
// goes into the body.
func (d *Dir) represent(req *http.Request, name string, info fs.FileInfo) (*http.Response, span) {
	v := validatorsOf(info, d.now())
	code := v.check(req.Header)
	if code == http.StatusPreconditionFailed {
		return d.text(req, code), span{}
	}
	part := span{length: info.Size()}
	if code == http.StatusOK && req.Method != http.MethodHead && v.ifRange(req.Header) {
		part, code = parseRange(req.Header["Range"], info.Size())
	}
	if code == http.StatusRequestedRangeNotSatisfiable {
		resp := d.text(req, code)
		resp.Header.Set("Content-Range", fmt.Sprintf("bytes */%d", info.Size()))
		return resp, span{}
	}
	resp := d.response(req, code)
	resp.Header.Set("ETag", v.etag)
	resp.Header.Set("Last-Modified", v.lastModified)
	if code == http.StatusNotModified {
		return resp, span{}
	}
	resp.Header.Set("Accept-Ranges", "bytes")
	resp.Header.Set("Content-Type", mediaType(name))
	setLength(resp, part.length)
	if code == http.StatusPartialContent {
		resp.Header.Set("Content-Range",
			fmt.Sprintf("bytes %d-%d/%d", part.start, part.start+part.length-1, info.Size()))
	}
	return resp, part
}

// validatorsOf returns the validators of the file that info describes. While the file's time stamp
// is younger than settleTime, or in the future, the ETag is weak, and differs in more than that
// from the strong one that comes later: else a client that got an early version would take it for
// the settled one by weak comparison.
func validatorsOf(info fs.FileInfo, now time.Time) validators {
	modified := info.ModTime()
	tag := strconv.FormatInt(info.Size(), 16) + "-" + strconv.FormatInt(modified.UnixNano(), 16)
	v := validators{etag: `"` + tag + `"`, modified: modified, lastModified: httpDate(modified)}
	if now.Sub(modified) < settleTime {
		v.etag = `W/"` + tag + `-unsettled"`
	}
	if modified.After(now) { // RFC 9110 section 8.8.2.1: never later than Date
		v.lastModified = httpDate(now)
	}
	return v
}
