//go:build !linux

package main

import "io/fs"

// memoryBound is known on Linux only.
func memoryBound(fs.FS) (bytes int64, by string) { return 0, "" }
