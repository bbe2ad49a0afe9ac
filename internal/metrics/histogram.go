package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/scurrycache/scurry/internal/measure"
)

// histogram is one, with classic buckets, and with native ones if it is of durations.
type histogram struct {
	count   uint64
	sum     float64
	buckets map[float64]uint64 // counts up to each bound
	native  *measure.Distribution
}

// seconds is the histogram of durations.
func seconds(d measure.Distribution) histogram {
	h := histogram{count: d.Count, sum: d.Sum.Seconds(), buckets: map[float64]uint64{}, native: &d}
	for i, n := range d.Classic {
		h.buckets[measure.Bounds[i]] = n
	}
	return h
}

// metric is h with these labels.
func (h histogram) metric(desc *prometheus.Desc, labels []string) prometheus.Metric {
	m := prometheus.MustNewConstHistogram(desc, h.count, h.sum, h.buckets, labels...)
	if h.native == nil {
		return m
	}
	return withNative{m, h.native}
}

// withNative is a classic histogram with native buckets besides, which the library makes constant
// ones of either kind only.
type withNative struct {
	prometheus.Metric
	native *measure.Distribution
}

// Write implements prometheus.Metric.
func (m withNative) Write(out *dto.Metric) error {
	if err := m.Metric.Write(out); err != nil {
		return err
	}
	h := out.Histogram
	h.Schema = new(int32(measure.Schema))
	h.ZeroThreshold = new(float64(measure.ShortSeconds))
	h.ZeroCount = new(m.native.Short)
	before, end := int64(0), int32(0) // the count of the bucket before, and the bucket after that
	for i, n := range m.native.Native {
		if n == 0 {
			continue
		}
		at := int32(measure.FirstNative + i)
		if spans := h.PositiveSpan; len(spans) > 0 && at == end {
			*spans[len(spans)-1].Length++
		} else { // the first offset is from bucket 0
			h.PositiveSpan = append(spans,
				&dto.BucketSpan{Offset: new(at - end), Length: new(uint32(1))})
		}
		h.PositiveDelta = append(h.PositiveDelta, int64(n)-before)
		before, end = int64(n), at+1
	}
	return nil
}
