// Package invalidation is a node's log of invalidations: what has been purged, and what unsafe
// requests may have changed, for single keys, for prefixes of paths, for groups, or for all.
//
// In come entries, from this node (Publish) and from others (Learn, Merge), and resources. Out come
// changes, for which the table of stored responses is to be swept, and verdicts: whether a result
// may be stored, whether what another node sent may be taken. The package knows no clock and no
// wire, and starts no goroutine.
//
// # Entries and positions
//
// An entry is a Remove, a Revalidate or an Expire. Operators purge by Removes, and softly by
// Expires: what these match is stale, and may be served while it is validated. Unsafe requests of
// clients cause Revalidates: what these match must be validated first. Each kind has room of its
// own, so that clients can't push out what operators have purged. Entries are named by Lamport
// time, the issuer's incarnation and a number that counts the issuer's entries of a kind without
// gaps. So a few numbers, one for each issuer, say what a log contains: its Position. Of an issuer,
// the last entry for a scope stands for all earlier ones with that scope, so that purging the same
// again and again takes no room.
//
// # Marks
//
// The Mark of a response is a hash of the names of all entries that match it. It is a part of the
// version of what is fetched, so that bytes from before an entry don't come back under the same
// validator. What is validated keeps its version: the origin has said that the bytes are the same.
// The latest name wouldn't do: two nodes that aren't in contact may issue entries for the same
// resource, and the one with the lower name may come to a node last, when bytes are stored there
// that are older than it. A node that has restarted and pulled from the others derives the same
// marks as before.
//
// # Forgetting
//
// A share that exceeds its bounds forgets the entries with the lowest names, down to half of its
// room. What is left of them is one number for each issuer, up to which its entries may be
// forgotten. Those of Removes and of Expires are a part of all marks, so that each time versions
// that are derived later are others. Those of Revalidates aren't: clients cause them all the time,
// and each would change all versions. So bytes from before a write that is forgotten may come back
// if the origin has given the new ones the same validator, and the old ones are still held.
//
// What is stored stays, for it has been swept. A node that learns the numbers from another one and
// knew all those entries loses nothing. One that missed some of them can't know what they matched:
// it removes, validates or expires all that it has. The numbers travel with pulls, so a node whose
// Change has Forgot set has the others pull from it. They stay for good: 16 bytes for each
// incarnation that has ever issued an entry.
//
// # Moments
//
// A request to the origin, and a request that waits for one, begin at a Moment of the log. A result
// whose flight began before a matching Remove came isn't stored, one from before a matching
// Revalidate is stored as invalid, and one from before a matching Expire as stale (Land, Check). A
// request that arrived after a matching entry doesn't take the result of a flight that began before
// it (Joins). A stored response keeps the Token of the flight that made or last validated it. What
// rests on a moment before the node has been out of contact is Unconfirmed: others may have taken
// its place (RevalidateAll), or it is about to pull entries that it has missed (Suspend, Resume).
//
// # Installing and purging
//
// The table of stored responses has a lock of its own, which a Log never takes, and the Log's lock
// is the last one that anything takes:
//
//	install:  lock the table; Check; insert the record, unless that is Removed; unlock
//	purge:    lock the table; Publish, Learn or Merge; sweep the table for the Change's entries:
//	          take out what a Remove matches, make invalid what a Revalidate does, or take it
//	          out if it can't be validated, and make stale what an Expire does; unlock; acknowledge
//
// So a record that a lookup finds has been held against all acknowledged entries, and a hit asks
// the Log only whether the record is Unconfirmed.
//
// # Between nodes
//
// A position goes only with what has been held against it: it is that from before a record was
// found, or a flight was checked. The receiver takes a record if Accepts says Current; else it has
// the sender pull, and asks again. A request for bytes carries the position from before the
// requester's record was found; or the present one, so that the rest is given of what was begun
// before an entry came. It is refused if Accepts doesn't say Current; or, where the resource isn't
// at hand, unless Covers.
//
// On a new connection, each node pulls from the other before it answers or asks anything else. From
// the moment at which a node has answered the other's first request to pull, it tells it of each
// Change's entries that it issues. A node that can't be told, or that is Behind a position which it
// sees, pulls before it serves anything. Positions only grow, so one that was seen earlier is safe
// to use.
package invalidation
