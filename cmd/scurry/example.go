package main

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// examples are deployments: a file, or a folder with several, for each.
//
//go:embed examples
var examples embed.FS

type exampleCmd struct {
	Name string `arg:"" optional:"" help:"An example, or a file of one; \"scurry example\" lists them."`
}

// Run prints an example, or the names of all.
func (c *exampleCmd) Run(p process) error {
	names := exampleNames()
	if c.Name == "" {
		_, err := fmt.Fprintln(p.stdout, strings.Join(names, "\n"))
		return err
	}
	text, err := example(c.Name)
	if err != nil {
		return usagef("%q is no example (%s)%s", c.Name, strings.Join(names, ", "),
			didYouMean(c.Name, names))
	}
	_, err = io.WriteString(p.stdout, text)
	return err
}

// exampleNames returns the names of the examples, each without the end of a file's name, followed
// by those of its files if it has several.
func exampleNames() (names []string) {
	entries, _ := fs.ReadDir(examples, "examples") // it is embedded
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
		if e.IsDir() {
			files, _ := fs.ReadDir(examples, "examples/"+e.Name())
			for _, f := range files {
				names = append(names, e.Name()+"/"+f.Name())
			}
		}
	}
	return names
}

// example returns the text of an example. That of a folder is all of its files, each after a line
// with its name.
func example(name string) (string, error) {
	if !fs.ValidPath(name) || !slices.Contains(exampleNames(), name) {
		return "", fs.ErrNotExist
	}
	found, _ := fs.Glob(examples, "examples/"+name+".*") // a name has no characters of a pattern
	for _, file := range append(found, "examples/"+name) {
		if text, err := examples.ReadFile(file); err == nil {
			return string(text), nil
		}
	}
	files, err := fs.ReadDir(examples, "examples/"+name)
	var all strings.Builder
	for _, f := range files {
		text, _ := examples.ReadFile("examples/" + name + "/" + f.Name())
		fmt.Fprintf(&all, "##### %s/%s\n%s\n", name, f.Name(), text)
	}
	return all.String(), err
}
