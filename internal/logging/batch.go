package logging

// batch is lines that wait to be written.
type batch struct {
	text  []byte
	lines []line
	spare int // how many of lines are spare
}

// line is one line of a batch. A spare one is dropped when lines that aren't spare need its room.
type line struct {
	end   int // of its text
	spare bool
}

// tally counts lines; severe are those that aren't spare.
type tally struct{ lines, severe int }

func (t *tally) count(spare bool) {
	t.lines++
	if !spare {
		t.severe++
	}
}

func (t *tally) add(u tally) {
	t.lines += u.lines
	t.severe += u.severe
}

// size returns how many bytes of a queue's limit b takes.
func (b *batch) size() int { return len(b.text) + lineCost*len(b.lines) }

func (b *batch) add(text []byte, spare bool) {
	b.text = append(b.text, text...)
	b.lines = append(b.lines, line{len(b.text), spare})
	if spare {
		b.spare++
	}
}

// dropSpare removes the spare lines from b.
func (b *batch) dropSpare() (dropped tally) {
	if b.spare == 0 {
		return tally{}
	}
	dropped.lines = b.spare
	kept, start := batch{text: b.text[:0], lines: b.lines[:0]}, 0
	for _, l := range b.lines {
		if !l.spare {
			kept.add(b.text[start:l.end], false)
		}
		start = l.end
	}
	*b = kept
	return dropped
}

// after counts the lines of b that the first n bytes of its text don't hold whole. The newline of
// the last one may be missing.
func (b *batch) after(n int) (t tally) {
	for _, l := range b.lines {
		if l.end-1 > n {
			t.count(l.spare)
		}
	}
	return t
}

// reset empties b, and keeps its memory.
func (b *batch) reset() { b.text, b.lines, b.spare = b.text[:0], b.lines[:0], 0 }
