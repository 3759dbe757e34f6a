package collector

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	received *prometheus.CounterVec
	accepted prometheus.Counter
	dropped  map[reason]prometheus.Counter
}

func newMetrics(r prometheus.Registerer) metrics {
	f := promauto.With(r)
	dropped := f.NewCounterVec(prometheus.CounterOpts{
		Name: "fotspor_hits_dropped_total",
		Help: "Hits excluded, by reason.",
	}, []string{"reason"})
	m := metrics{
		received: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fotspor_hits_received_total",
			Help: "Hits read from requests, by wire format.",
		}, []string{"dialect"}),
		accepted: f.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_hits_accepted_total",
			Help: "Hits whose rows are in the spool and that are acknowledged.",
		}),
		dropped: make(map[reason]prometheus.Counter, len(reasons)),
	}
	for _, format := range formats {
		m.received.WithLabelValues(format.Name)
	}
	for _, why := range reasons {
		m.dropped[why] = dropped.WithLabelValues(string(why))
	}
	return m
}

// drop counts a hit that is excluded. All hits that do not reach the end of the pipeline
// are counted here.
func (c *Collector) drop(why reason) { c.metrics.dropped[why].Inc() }

// timed observes how long a handler takes.
func (c *Collector) timed(name string, next http.Handler) http.Handler {
	ok := c.Duration.WithLabelValues(name, "200") // nearly all answers, so looked up once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s := statusWriters.Get().(*statusWriter)
		s.ResponseWriter, s.status = w, http.StatusOK
		answered := false
		defer func() {
			took := ok
			if !answered { // next panicked
				s.status = http.StatusInternalServerError
			}
			if s.status != http.StatusOK {
				took = c.Duration.WithLabelValues(name, strconv.Itoa(s.status))
			}
			s.ResponseWriter = nil
			statusWriters.Put(s)
			took.Observe(time.Since(start).Seconds())
		}()
		next.ServeHTTP(s, r)
		answered = true
	})
}

var statusWriters = sync.Pool{New: func() any { return new(statusWriter) }}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(code int) {
	s.status = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
