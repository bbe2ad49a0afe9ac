package proxy_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestChaos: files that change at random, an origin that breaks connections at random, and clients
// of which a third hang up at random. Whatever a client gets, it is the beginning of one version's
// bytes; and what ends well is whole.
func TestChaos(t *testing.T) {
	const files, clients, each = 12, 60, 12
	n, o := fronting(t, proxy.Config{})
	o.Server.Config.ErrorLog = quiet
	var versions [files]atomic.Int64
	for i := range files {
		o.Handle(fmt.Sprint("/", i), func(w http.ResponseWriter, r *http.Request) {
			v := versions[i].Load()
			f := origintest.File{Size: 1000 + int64(i)*int64(i)*1777 + v, Seed: byte(v),
				Header: http.Header{
					"Cache-Control": {"max-age=60"}, "X-Version": {fmt.Sprint(v)},
				}}
			switch i % 4 {
			case 0, 1:
				f.ETag = fmt.Sprintf(`"%d"`, v)
			case 2:
				f.Chunked = true
			case 3:
				f.NoRanges = true
			}
			if left := rand.IntN(600_000); left < 300_000 {
				w = &cutter{ResponseWriter: w, left: left}
			}
			f.ServeHTTP(w, r)
		})
	}
	var wg sync.WaitGroup
	var whole, cut, failed atomic.Int64
	for c := range clients {
		wg.Go(func() {
			for range each {
				i := rand.IntN(files)
				switch rand.IntN(30) {
				case 0:
					versions[i].Add(1)
				case 1:
					if resp, err := n.try(http.MethodDelete, fmt.Sprint("/files/", i)); err == nil {
						resp.Body.Close()
					}
				}
				switch got, err := chaoticGet(t, n, i, c%3 == 0); {
				case err == nil && got:
					whole.Add(1)
				case err == nil:
					failed.Add(1)
				default:
					cut.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("whole %d, cut %d, failed %d; %+v", whole.Load(), cut.Load(), failed.Load(), n.Stats())
	if whole.Load() < clients*each/10 {
		t.Errorf("only %d of %d answers were whole", whole.Load(), clients*each)
	}
}

// chaoticGet asks for a file or a part of it. It returns true if it got all it asked for, and an
// error if it was cut.
func chaoticGet(t *testing.T, n *node, file int, hangsUp bool) (bool, error) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprint(n.URL, "/files/", file),
		nil)
	if err != nil {
		t.Error(err)
		return false, err
	}
	start := int64(0)
	if rand.IntN(3) == 0 {
		start = rand.Int64N(1000)
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", start))
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case 200:
		start = 0
	case 206:
	case 502:
		return false, nil
	default:
		t.Errorf("file %d: %s", file, resp.Status)
		return false, nil
	}
	v, err := strconv.Atoi(resp.Header.Get("X-Version"))
	if err != nil {
		t.Error(err)
	}
	verifier := &origintest.Verifier{Seed: byte(v), Off: start}
	if hangsUp {
		_, err = io.CopyN(verifier, resp.Body, rand.Int64N(50_000))
		cancel()
	} else {
		_, err = io.Copy(verifier, resp.Body)
	}
	if verifier.Wrong {
		t.Errorf("file %d version %d: %v", file, v, err)
	}
	size := 1000 + int64(file)*int64(file)*1777 + int64(v)
	if err == nil && !hangsUp && verifier.Off != size {
		t.Errorf("file %d version %d: ended well after %d of %d bytes", file, v, verifier.Off, size)
	}
	return err == nil, err
}
