package origin

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/scurrycache/scurry/internal/httpcache"
)

// settleTime is how old a modification must be so that another one is sure to get another time
// stamp.
const settleTime = 2 * time.Second

// file makes resp a response from the file at name, of which info is the Stat.
func (d *Dir) file(resp *http.Response, in *os.Root, name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() { // to open it may disturb a device
		return fs.ErrNotExist
	}
	f, info, err := openRegular(in, name)
	if err != nil {
		return err
	}
	part := represent(resp, name, info, d.now())
	if part.Length == 0 || resp.Request.Method == http.MethodHead {
		return f.Close()
	}
	resp.Body = &fileBody{
		ctx:  resp.Request.Context(),
		file: f,
		seen: identify(info),
		off:  part.Start,
		end:  part.Start + part.Length,
	}
	return nil
}

// openRegular opens name, which may stand for another file since it was checked. It doesn't wait
// for a FIFO's writer, and returns an error unless the file is a regular one.
func openRegular(in *os.Root, name string) (*os.File, fs.FileInfo, error) {
	file, err := in.OpenFile(name, openFlags, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// represent makes resp the response from the file that info describes. It returns the part of the
// file that goes into the body.
func represent(resp *http.Response, name string, info fs.FileInfo, now time.Time) httpcache.Range {
	validators, settled := validatorsOf(info, now)
	ranged := conditional(resp, validators, settled)
	if resp.StatusCode != http.StatusOK {
		return httpcache.Range{}
	}
	size := info.Size()
	part := httpcache.Range{Length: size}
	if ranged {
		ranges, err := httpcache.ParseRange(resp.Request.Header.Get("Range"), size)
		switch {
		case errors.Is(err, httpcache.ErrUnsatisfiable):
			resp.Header = http.Header{
				"Date": resp.Header["Date"], "Content-Range": {fmt.Sprintf("bytes */%d", size)},
			}
			setText(resp, http.StatusRequestedRangeNotSatisfiable)
			return httpcache.Range{}
		case err == nil && len(ranges) == 1: // several are answered with the whole
			part = ranges[0]
			resp.StatusCode = http.StatusPartialContent
			resp.Header.Set("Content-Range", part.ContentRange(size))
		}
	}
	resp.Header.Set("Accept-Ranges", "bytes")
	resp.Header.Set("Content-Type", mediaType(name))
	setLength(resp, part.Length)
	return part
}

// validatorsOf returns the validators of the file that info describes, as fields, and whether its
// time stamp is settled: older than settleTime. If it isn't, the ETag is weak. It also has another
// opaque part than the later strong one: otherwise a client with an early version would take it for
// the settled one by weak comparison.
func validatorsOf(info fs.FileInfo, now time.Time) (validators http.Header, settled bool) {
	modified, format := info.ModTime(), `"%x-%x"`
	if settled = now.Sub(modified) >= settleTime; !settled {
		format = `W/"%x-%x-unsettled"`
	}
	etag := fmt.Sprintf(format, info.Size(), modified.UnixNano())
	if modified.After(now) { // RFC 9110 section 8.8.2.1: never later than Date
		modified = now
	}
	return http.Header{"Etag": {etag}, "Last-Modified": {httpDate(modified)}}, settled
}
