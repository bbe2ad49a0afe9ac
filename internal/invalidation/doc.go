// Package invalidation is a node's log of invalidations: what has been purged, and what unsafe
// requests may have changed, for single keys, for prefixes of paths, for groups, or for all.
//
// In come entries, from this node (Publish) and from others (Learn, Merge), and resources. Out come
// verdicts: whether a stored response may be used, whether a result may be stored, whether what
// another node sent may be taken. The package knows no clock and no wire, and starts no goroutine.
//
// # Entries and positions
//
// An entry is a Remove or a Revalidate, and each kind has room of its own, so that clients, whose
// unsafe requests cause Revalidates, can't push out what operators have purged. Entries are named
// by Lamport time, the issuer's incarnation and a number that counts the issuer's entries of a kind
// without gaps. So a few numbers, one for each issuer, say what a log contains: its Position. Of an
// issuer, the last entry for a scope stands for all earlier ones with that scope, so that purging
// the same again and again takes no room.
//
// # Marks
//
// The Mark of a response is a hash of the names of all Removes that match it. It is a part of the
// response's version, so that bytes from before a Remove don't come back under the same validator.
// The latest name wouldn't do: two nodes that aren't in contact may issue entries for the same
// resource, and the one with the lower name may come to a node last, when bytes are stored there
// that are older than it. A node that has restarted and pulled from the others derives the same
// marks as before.
//
// # Forgetting
//
// A log that exceeds its bounds forgets the entries with the lowest names, down to half of its
// room. What is left of them is one number for each issuer, up to which its entries may be
// forgotten. These numbers are a part of all marks, so that each time versions that are derived
// later are others. What is stored stays, for it has been swept. A node that learns the numbers
// from another one and knew all those entries loses nothing. One that missed some of them can't
// know what they matched: it removes, or validates, all that it has. The numbers travel with pulls,
// so a node whose Change has Forgot set has the others pull from it. They stay for good: 16 bytes
// for each incarnation that has ever issued an entry.
//
// # Moments
//
// A request to the origin, and a request that waits for one, begin at a Moment of the log. A result
// whose flight began before a matching Remove came isn't stored (Land). A request that arrived
// after a matching entry doesn't take the result of a flight that began before it (Joins). A stored
// response keeps the Token of the flight that made or last validated it, and is validated again if
// a matching Revalidate has come since (MustRevalidate). A validation begins at the moment that
// Stored returns for the response, and not at all if that is Removed: else a sweep that is on its
// way to the response would take the renewed one for newer than the entry.
//
// # Installing and purging
//
// The table of stored responses has locks of its own, which a Log never takes, and the Log's lock
// is the last one that anything takes:
//
//	install:  lock the shard; insert the record; Land or Accepts; if Removed, take it out; unlock
//	purge:    Publish, Learn or Merge; for each shard: lock, remove what Change.Matches, unlock;
//	          Swept; acknowledge
//
// Either the entry is in the log when the record is checked, or the record is in the table when the
// shard is swept. So a record that a lookup finds has been held against all acknowledged Removes,
// and a hit checks only Revalidates. Removes are acknowledged after the sweep.
//
// # Between nodes
//
// A position goes only with what has been held against it: Stored, for a record that was found, or
// Check, for the result of a flight, returns the moment whose position is sent. If it isn't
// Current, a record isn't sent, and a flight's result goes with the position at which it began.
// The receiver takes a record if Accepts says Current; else it has the sender pull, and asks again.
// A request for bytes carries the position that Stored returned for the requester's record; or the
// present one, so that the rest is given of what was begun before an entry came. It is refused if
// Accepts says Removed; or, where the resource isn't at hand, unless Covers.
//
// On a new connection, each node pulls from the other before it answers or asks anything else. From
// the moment at which a node has answered the other's first request to pull, it tells it of each
// Change's entries that it issues. A node that can't be told, or that is Behind a position which it
// sees, pulls before it serves anything. Positions only grow, so one that was seen earlier is safe
// to use, and two that are Equal need no check.
package invalidation
