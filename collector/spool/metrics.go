package spool

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of a spool; its gauges are read from its state.
type metrics struct {
	tornBytes     prometheus.Counter
	lostRows      prometheus.Counter
	writeFailures prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		tornBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_spool_torn_bytes_total",
			Help: "Bytes of unfinished writes at the end of segments that a killed process left open. None of them was acknowledged.",
		}),
		lostRows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_spool_lost_rows_total",
			Help: "Acknowledged rows that were lost to damage of segments; for segments that a killed process left open, at least so many.",
		}),
		writeFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_spool_write_failures_total",
			Help: "Writes, syncs and creations of files that failed. None of their rows was acknowledged.",
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
		gauge("fotspor_spool_bytes", "Size of all segments on disk, those quarantined or damaged included.",
			func() float64 { return float64(s.bytes) }),
		gauge("fotspor_spool_quarantined_segments", "Number of quarantined segments. Their rows wait for a person to retry or drop them.",
			func() float64 { return float64(s.quarantined.segments) }),
		gauge("fotspor_spool_damaged_segments", "Number of segments that lost acknowledged rows. Their other rows are stored; the files wait for a person to drop them.",
			func() float64 { return float64(s.damaged.segments) }),
		gauge("fotspor_spool_segments", "Number of segments that wait for the store, the open one included.",
			func() float64 { return float64(len(s.queue)) }),
		gauge("fotspor_spool_oldest_seconds", "Age of the oldest row that waits for the store, quarantined rows excluded; 0 if there is none.",
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
