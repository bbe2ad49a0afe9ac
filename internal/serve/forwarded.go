package serve

import (
	"time"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/store"
)

// forwarded is a request on its way to the origin past the cache.
type forwarded struct {
	*response
	status decide.CacheStatus
	sent   time.Time
	before store.Moment // the request was sent, if it is a POST
	body   *watchedBody // of the request, if it is watched
	err    error        // of carrying it out
}
