package cluster

import (
	"bytes"
	"errors"
	"slices"
)

// SetKeys replaces the keys, of which there have to be some now and some before. To replace the key
// of all nodes, give each of them the new one as a second key; then each the new one first; then
// each the new one only. Each step may be taken when all nodes have taken the one before.
func (g *Gossip) SetKeys(keys [][]byte) error {
	if (len(keys) == 0) != (g.keyring == nil) {
		return errors.New("the encryption of gossip can't be turned on or off while nodes gossip")
	}
	if len(keys) == 0 {
		return nil
	}
	for _, key := range keys {
		if err := g.keyring.AddKey(key); err != nil {
			return err
		}
	}
	err := g.keyring.UseKey(keys[0])
	for _, key := range g.keyring.GetKeys() {
		same := func(k []byte) bool { return bytes.Equal(k, key) }
		if !slices.ContainsFunc(keys, same) {
			err = errors.Join(err, g.keyring.RemoveKey(key))
		}
	}
	return err
}
