package store

import (
	"net/http"
	"reflect"
	"testing"
	"time"
)

// TestDetailsThatSayNothingAreShared: a record whose details tell nothing has none of its own once
// it is in the table, and one that tells anything keeps them.
func TestDetailsThatSayNothingAreShared(t *testing.T) {
	rec := NewRecord()
	rec.SetFields(http.Header{"Etag": {`"1"`}})
	rec.ringEpoch, rec.Vary, rec.Trailer = 1, []string{}, http.Header{}
	if rec.settle(); rec.Details != plain {
		t.Errorf("%+v is kept", *rec.Details)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Details]()) {
		rec := NewRecord()
		switch field.Name {
		case "draft", "ringEpoch", "received", "unpacked":
			continue // until the record is in the table
		}
		v := reflect.ValueOf(rec.Details).Elem().FieldByIndex(field.Index)
		v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem() // so that it can be set
		switch v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{"x"}))
		case reflect.Map:
			v.Set(reflect.ValueOf(http.Header{"X": {"1"}}))
		case reflect.Struct:
			v.Field(0).SetInt(1)
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		default:
			v.SetInt(1)
		}
		if rec.settle(); rec.Details == plain {
			t.Errorf("what %s says is lost", field.Name)
		}
	}
}

// TestFieldsAreAtHandUntilTheTable: a record that isn't in the table yet doesn't unpack what was
// packed just now; one that is doesn't hold on to it.
func TestFieldsAreAtHandUntilTheTable(t *testing.T) {
	h := http.Header{"Etag": {`"1"`}, "Link": {"a", "b"}}
	rec := NewRecord()
	rec.SetFields(h)
	if got := rec.Header(); reflect.ValueOf(got).Pointer() != reflect.ValueOf(h).Pointer() {
		t.Error("they are unpacked")
	}
	rec.settle()
	got := rec.Header()
	if reflect.ValueOf(got).Pointer() == reflect.ValueOf(h).Pointer() || !reflect.DeepEqual(got,
		h) {
		t.Errorf("in the table: %v", got)
	}
}

// TestCopiesHaveNoDetailsEither: what a record hasn't got takes no memory in another node's copy.
func TestCopiesHaveNoDetailsEither(t *testing.T) {
	now := time.Now()
	rec := &Record{Key: "k", Version: "v", Status: 200, Details: plain}
	got, err := Decode(rec.Encode(now), now)
	if err != nil {
		t.Fatal(err)
	}
	got.URL = "" // as adopt does
	if got.settle(); got.Details != plain {
		t.Errorf("%+v", *got.Details)
	}
}
