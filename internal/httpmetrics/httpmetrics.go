// Package httpmetrics measures requests and their answers by route.
package httpmetrics

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// statusCancelled is the code of a request whose client went away before it was answered.
const statusCancelled = 499

// Requests are the metrics of a program's requests. They have a series for each route that
// has answered and each status of its answers, for all requests. It is safe for
// concurrent use. A nil Requests measures nothing.
type Requests struct {
	duration *prometheus.HistogramVec // by handler and code
	in, out  *prometheus.HistogramVec // bytes of bodies by handler
}

// New returns metrics that r has.
func New(r prometheus.Registerer) *Requests {
	f := promauto.With(r)
	sizes := prometheus.ExponentialBuckets(64, 8, 7) // to 16 MiB
	return &Requests{
		duration: f.NewHistogramVec(Histogram(prometheus.HistogramOpts{
			Name:    "fotspor_http_request_duration_seconds",
			Help:    "Time to answer a request, by route and HTTP status. 499: the client went away before.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}), []string{"handler", "code"}),
		in: f.NewHistogramVec(Histogram(prometheus.HistogramOpts{
			Name:    "fotspor_http_request_size_bytes",
			Help:    "Bytes of the body of a request, of those that have one, by route.",
			Buckets: sizes,
		}), []string{"handler"}),
		out: f.NewHistogramVec(Histogram(prometheus.HistogramOpts{
			Name:    "fotspor_http_response_size_bytes",
			Help:    "Bytes of the body of an answer as it is sent, of those that have one, by route.",
			Buckets: sizes,
		}), []string{"handler"}),
	}
}

// Histogram returns a histogram that is a native one too: buckets that grow by a tenth, a
// hundred at most, for a Prometheus that asks for them.
func Histogram(o prometheus.HistogramOpts) prometheus.HistogramOpts {
	o.NativeHistogramBucketFactor = 1.1
	o.NativeHistogramMaxBucketNumber = 100
	o.NativeHistogramMinResetDuration = time.Hour
	return o
}

// Handler returns next, measured as the route with a name. A panic of next passes, and counts
// as status 500.
func (q *Requests) Handler(name string, next http.Handler) http.Handler {
	if q == nil {
		return next
	}
	// Most answers need only these series, so they are looked up once.
	ok := sync.OnceValue(func() prometheus.Observer { return q.duration.WithLabelValues(name, "200") })
	in := sync.OnceValue(func() prometheus.Observer { return q.in.WithLabelValues(name) })
	out := sync.OnceValue(func() prometheus.Observer { return q.out.WithLabelValues(name) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		m := measures.Get().(*measured)
		m.ResponseWriter = w
		received := r.ContentLength
		if received < 0 && r.Body != nil {
			m.body.ReadCloser = r.Body
			r.Body = &m.body
		}
		ended := false
		defer func() {
			switch {
			case !ended:
				m.status = http.StatusInternalServerError
			case m.status == 0 && r.Context().Err() != nil:
				m.status = statusCancelled
			case m.status == 0:
				m.status = http.StatusOK
			}
			took := time.Since(start).Seconds()
			if m.status == http.StatusOK {
				ok().Observe(took)
			} else {
				q.duration.WithLabelValues(name, code(m.status)).Observe(took)
			}
			if received = max(received, m.body.n); received > 0 {
				in().Observe(float64(received))
			}
			if m.written > 0 {
				out().Observe(float64(m.written))
			}
			if m.body.ReadCloser != nil { // the server may read it on
				return
			}
			*m = measured{}
			measures.Put(m)
		}()
		next.ServeHTTP(m, r)
		ended = true
	})
}

// code returns the label of a status: one that is registered with IANA, 499, or other.
func code(status int) string {
	if http.StatusText(status) == "" && status != statusCancelled {
		return "other"
	}
	return strconv.Itoa(status)
}

var measures = sync.Pool{New: func() any { return new(measured) }}

// measured remembers the status and the size of an answer, and the size of a body of unknown
// length.
type measured struct {
	http.ResponseWriter
	status  int
	written int64
	body    counted
}

func (m *measured) WriteHeader(status int) {
	if m.status == 0 && status >= http.StatusOK {
		m.status = status
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *measured) Write(b []byte) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	n, err := m.ResponseWriter.Write(b)
	m.written += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (m *measured) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// counted counts what is read of a body.
type counted struct {
	io.ReadCloser
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n += int64(n)
	return n, err
}
