package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// memoryBound is the most memory that this process can have, and what bounds it: the machine, or a
// control group that it is in (cgroup version 1 or 2). It is 0 if that isn't in /proc and /sys,
// which are under root.
func memoryBound(root fs.FS) (bytes int64, by string) {
	bytes, by = machineMemory(root), "this machine has"
	if limit := cgroupLimit(root); limit > 0 && (bytes == 0 || limit < bytes) {
		bytes, by = limit, "its control group may have"
	}
	return bytes, by
}

// machineMemory is what /proc/meminfo begins with, as in "MemTotal:       16301012 kB".
func machineMemory(root fs.FS) int64 {
	var kib int64
	text, _ := fs.ReadFile(root, "proc/meminfo")
	if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kib); err != nil {
		return 0
	}
	return kib << 10
}

// cgroupLimit is the least limit on the groups that /proc/self/cgroup names, in lines such as
// "0::/a/b" and "4:memory:/a/b", and on those that they are in. A container often sees its own
// group as the outermost one, under whatever name.
func cgroupLimit(root fs.FS) int64 {
	least := int64(math.MaxInt64)
	text, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.SplitSeq(string(text), "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		var dir, file string
		switch {
		case parts[0] == "0" && parts[1] == "":
			dir, file = "sys/fs/cgroup", "memory.max"
		case slices.Contains(strings.Split(parts[1], ","), "memory"):
			dir, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Join("/", parts[2]); ; group = path.Dir(group) {
			if limit := limitIn(root, path.Join(dir, group, file)); limit > 0 {
				least = min(least, limit)
			}
			if group == "/" {
				break
			}
		}
	}
	if least >= math.MaxInt64>>1 { // version 1 says "none" as a number of that size
		return 0
	}
	return least
}

// limitIn is the number in a file, 0 if there is none.
func limitIn(root fs.FS, name string) int64 {
	text, _ := fs.ReadFile(root, name)
	limit, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil { // such as "max"
		return 0
	}
	return limit
}
