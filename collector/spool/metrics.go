package spool

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/internal/httpmetrics"
)

// metrics are the counters of a spool; its gauges are read from its state.
type metrics struct {
	tornBytes     prometheus.Counter
	lostRows      prometheus.Counter
	writeFailures prometheus.Counter
	lateRows      prometheus.Counter
	writes        prometheus.Histogram
}

// onTime is the age of a segment up to which its rows are stored in time.
const onTime = time.Minute

func newMetrics() *metrics {
	return &metrics{
		tornBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_spool_torn_bytes_total",
			Help: "Bytes of unfinished writes at the end of segments that a killed process left open. None of them was acknowledged.",
		}),
		lostRows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_spool_lost_rows_total",
			Help: "Acknowledged rows lost to damage of segments. A segment that a killed process left open may have lost more.",
		}),
		lateRows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_hits_stored_late_total",
			Help: "Rows that the store has acknowledged more than 60 seconds after the first of their segment had come.",
		}),
		writes: prometheus.NewHistogram(httpmetrics.Histogram(prometheus.HistogramOpts{
			Name:    "fotspor_spool_write_duration_seconds",
			Help:    "Time to write the rows that came together to disk, with --durability power until they are synced.",
			Buckets: prometheus.ExponentialBuckets(0.00001, 4, 9), // to 0.65 s
		})),
		writeFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_spool_write_failures_total",
			Help: "Writes to disk that failed, syncs and new files included. None of their rows was acknowledged.",
		}),
	}
}

// register registers the metrics of the spool, all or none.
func (s *Spool) register(reg prometheus.Registerer) error {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return value()
		})
	}
	var registered []prometheus.Collector
	for _, c := range []prometheus.Collector{
		s.metrics.tornBytes,
		s.metrics.lostRows,
		s.metrics.writeFailures,
		s.metrics.lateRows,
		s.metrics.writes,
		gauge("fotspor_spool_limit_bytes", "Most bytes that the spool may take (--spool-size).",
			func() float64 { return float64(s.opts.MaxBytes) }),
		gauge("fotspor_spool_bytes", "Size of all segments of the spool on disk, those quarantined or damaged included.",
			func() float64 { return float64(s.bytes) }),
		gauge("fotspor_spool_quarantined_segments", "Segments that the store refuses however often they are sent, and that wait for fotspor spool retry or drop.",
			func() float64 { return float64(s.quarantined.segments) }),
		gauge("fotspor_spool_damaged_segments", "Segments that lost acknowledged rows. Their other rows are stored; the files wait for fotspor spool drop.",
			func() float64 { return float64(s.damaged.segments) }),
		gauge("fotspor_spool_segments", "Segments on their way to the store, the one being filled included.",
			func() float64 { return float64(len(s.queue)) }),
		gauge("fotspor_spool_oldest_seconds", "Age of the oldest row that is on its way to the store; 0 if there is none.",
			func() float64 {
				if len(s.queue) == 0 {
					return 0
				}
				return max(0, s.opts.Now().Sub(s.queue[0].born).Seconds())
			}),
	} {
		if err := reg.Register(c); err != nil {
			for _, r := range registered {
				reg.Unregister(r)
			}
			return errors.Join(errors.New("register metrics"), err)
		}
		registered = append(registered, c)
	}
	return nil
}
