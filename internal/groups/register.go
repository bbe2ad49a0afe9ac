package groups

import (
	"errors"
	"fmt"
	"sync"

	"github.com/golang/groupcache"
)

// pickers is the groupcache.PeerPicker of each of our groups, by the group's name.
var pickers sync.Map

// register tells groupcache, once in a process, where peers are to be looked for. A group looks at
// its first Get and never again, so this must come before any.
var register = sync.OnceValue(func() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("groupcache: %v: %w", p, ErrRegistered)
		}
	}()
	groupcache.RegisterPerGroupPeerPicker(func(name string) groupcache.PeerPicker {
		if p, ok := pickers.Load(name); ok {
			return p.(groupcache.PeerPicker)
		}
		return groupcache.NoPeers{} // a group of the process's own
	})
	return nil
})

// ErrRegistered means that the process has registered a groupcache peer picker of its own, of which
// there can be only one.
var ErrRegistered = errors.New("this process has a groupcache peer picker already, and " +
	"groupcache allows only one: run the proxy in a process of its own")
