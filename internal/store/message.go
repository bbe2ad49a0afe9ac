package store

import (
	"github.com/scurrycache/scurry/internal/chunk"
	"github.com/scurrycache/scurry/internal/codec"
	"github.com/scurrycache/scurry/internal/invalidation"
)

// Message is a request to another node that is answered by a few bytes, or by an error alone: one
// of the types below. A Remote codes it, and has the other node's Server answer it.
type Message interface {
	// Code codes the message's fields: writing changes nothing.
	Code(c *codec.Coder)
}

// ChunkRequest asks an owner for a chunk, by its key without the group's prefix, if it holds it.
type ChunkRequest struct {
	Key      string
	Position *invalidation.Position
}

// Code is Message's.
func (q *ChunkRequest) Code(c *codec.Coder) {
	c.Text(&q.Key)
	invalidation.CodePosition(c, &q.Position)
}

// FragmentRequest asks an owner for the bytes of a content from Off on, if it holds them in a
// fragment that isn't a chunk. Of Record, it is sent which version that is.
type FragmentRequest struct {
	Record   *Record
	Off      int64
	Position *invalidation.Position
}

// Code is Message's.
func (q *FragmentRequest) Code(c *codec.Coder) {
	codeVersion(c, &q.Record)
	codec.Int(c, &q.Off)
	invalidation.CodePosition(c, &q.Position)
}

// ForeseeRequest asks an owner whether the origin would be asked for some of those parts of a
// content. The answer is an Asked.
type ForeseeRequest struct {
	Record *Record
	Parts  []chunk.Span
}

// Code is Message's.
func (q *ForeseeRequest) Code(c *codec.Coder) {
	codeVersion(c, &q.Record)
	c.Flags(&q.Record.Fragments)
	codec.Int(c, &q.Record.Length)
	for part := range codec.Each(c, &q.Parts) {
		codec.Int(c, &part.Start)
		codec.Int(c, &part.End)
	}
}

// PutRequest has an owner store a response with its whole content. The sender knew of invalidations
// what Position has.
type PutRequest struct {
	Record   *Record
	Content  []byte
	Position *invalidation.Position
}

// Code is Message's.
func (q *PutRequest) Code(c *codec.Coder) {
	content := string(q.Content)
	CodeRecord(c, &q.Record)
	c.Text(&q.Record.Key)
	invalidation.CodePosition(c, &q.Position)
	if c.Text(&content); c.Reads {
		q.Content = []byte(content)
	}
}

// InvalidateRequest tells a node of entries of the invalidation log, which are about the resources
// with those keys. The answer is how many stored responses they matched, or ErrBehind if the node
// has missed earlier entries.
type InvalidateRequest struct {
	Entries []invalidation.Entry
	Keys    []string
}

// Code is Message's.
func (q *InvalidateRequest) Code(c *codec.Coder) {
	c.Texts(&q.Keys)
	invalidation.CodeEntries(c, &q.Entries)
}

// VariesRequest has a node drop its copies of what is stored under a key of the sender's, since it
// has turned out to vary, and not store what is on its way there.
type VariesRequest struct{ Key string }

// Code is Message's.
func (q *VariesRequest) Code(c *codec.Coder) { c.Text(&q.Key) }

// codeVersion codes a record that is no more than a name for bytes.
func codeVersion(c *codec.Coder, rec **Record) {
	if c.Reads {
		*rec = NewRecord()
	}
	c.Text(&(*rec).Key)
	c.Text(&(*rec).Version)
}
