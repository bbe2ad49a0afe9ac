package store

// Failure is that the origin gave no answer: a verdict that all who asked share, wherever they are.
type Failure struct {
	Status int    // what clients are answered
	Kind   string // an error type of RFC 9209 section 2.3, which clients are told
	Err    error  // what happened, which they aren't

	// Why is why the origin was asked, if another node did so.
	Why Why

	// Stored is what is stored and was found wanting, where the one who asked may not know it.
	Stored *Record
}

// alone is f without the stored response, which isn't for the one who asks.
func (f *Failure) alone() *Failure {
	c := *f
	c.Stored = nil
	return &c
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }
