package main

import (
	"bufio"
	"bytes"
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

// machineMemory is what /proc/meminfo says, as in "MemTotal:       16301012 kB".
func machineMemory(root fs.FS) int64 {
	for _, words := range fieldsOfLines(root, "proc/meminfo") {
		if len(words) == 3 && words[0] == "MemTotal:" && words[2] == "kB" {
			kib, _ := strconv.ParseInt(words[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// cgroupLimit is the least limit on the groups that /proc/self/cgroup names, in lines such as
// "0::/a/b" and "4:memory:/a/b", and on those that they are in. A container often sees its own
// group as the outermost one, under whatever name.
func cgroupLimit(root fs.FS) int64 {
	least := int64(math.MaxInt64)
	for _, words := range fieldsOfLines(root, "proc/self/cgroup") {
		parts := strings.SplitN(words[0], ":", 3)
		if len(parts) != 3 {
			continue
		}
		dir, file := "sys/fs/cgroup", "memory.max"
		if parts[0] != "0" || parts[1] != "" {
			if !slices.Contains(strings.Split(parts[1], ","), "memory") {
				continue
			}
			dir, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
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
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	limit, _ := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64) // not "max"
	return limit
}

// fieldsOfLines is the words of each line of a file that has any.
func fieldsOfLines(root fs.FS, name string) (lines [][]string) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if words := strings.Fields(s.Text()); len(words) > 0 {
			lines = append(lines, words)
		}
	}
	return lines
}
