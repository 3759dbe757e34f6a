// Package body reads the bodies of requests into memory, within one budget of bytes for
// all that are under way.
package body

import (
	"container/list"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
)

// Sizes, in bytes.
const (
	// DefaultBytes is the budget of a Budget made without one.
	DefaultBytes = 64 << 20
	// LeastBytes is the smallest budget, and the smallest share of a network: the largest
	// body of the collector fits into half of it.
	LeastBytes = 4 << 20

	firstStep = 4 << 10  // which a body may take out of the whole budget
	step      = 16 << 10 // by which it then grows
)

// Times in which a body must come, and for which it waits.
const (
	stepTime  = 10 * time.Second // for each step of a body
	wholeTime = 30 * time.Second // for a whole body
	waitTime  = 5 * time.Second  // for memory
	patience  = time.Second      // how long a step is safe while others wait for memory
)

// maxWaiting is how many bodies may wait for memory at a time. Beyond it that is refused
// which holds most.
const maxWaiting = 256

// Errors of Read. Their texts tell nothing of the sender, to whom they may be shown.
var (
	// ErrMemory says that the budget is used up; the body may be sent again later.
	ErrMemory = errors.New("too many bodies at a time")
	// ErrNetwork says that the sender's network has used up its share of the budget; the
	// body may be sent again later.
	ErrNetwork = errors.New("too many bodies at a time from this network")
	// ErrSlow says that the body came too slowly.
	ErrSlow = errors.New("the body came too slowly")
	// ErrGone says that the request ended before there was memory for its body.
	ErrGone = errors.New("the client went away")
	// ErrIncomplete says that the body ended before its end.
	ErrIncomplete = errors.New("the body is incomplete")
)

// Options of a Budget.
type Options struct {
	// Bytes is the most memory that bodies may take together; 0: DefaultBytes. What is
	// less than LeastBytes counts as LeastBytes.
	Bytes int64
	// Registerer is where the metrics go; nil: nowhere.
	Registerer prometheus.Registerer
}

// Budget is what all bodies share. A body takes memory in steps, before the bytes of each
// step are read, and gives it back when it is closed. So a sender who announces much and
// sends nothing takes 4 kB, and one who sends much and then stops takes what was sent.
//
// Nobody can take all of it. A network has an eighth, at least enough for one body of the
// collector's largest size. Half of the budget, and of each share, is kept for first
// steps: most bodies are no longer than that. And where memory is wanted that there is not,
// the body leaves whose step has been under way for longest, once that is a second.
//
// A Budget is safe for concurrent use. It holds networks only as hashes under a secret of
// the process, and only while a body is under way.
type Budget struct {
	limit, share int64
	seed         maphash.Seed
	refused      *prometheus.CounterVec
	chunks       sync.Pool // of *[step]byte

	mu       sync.Mutex
	used     int64
	leaving  int64 // of used, what bodies hold that have been cut off
	networks map[uint64]*network
	reading  list.List // of *Body, that whose step began first in front
	waiting  list.List // of *Body, that which holds least in front
}

// network is what the bodies of one network take.
type network struct {
	key     uint64
	used    int64
	bodies  int
	reading list.List // as in Budget
}

// New returns a Budget of which nothing is used.
func New(o Options) *Budget {
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	b := &Budget{limit: max(o.Bytes, LeastBytes), seed: maphash.MakeSeed(), networks: map[uint64]*network{}}
	b.share = max(b.limit/8, LeastBytes)
	b.chunks.New = func() any { return new([step]byte) }
	f := promauto.With(o.Registerer)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fotspor_body_bytes",
		Help: "Memory that the bodies of requests under way take.",
	}, func() float64 {
		b.mu.Lock()
		defer b.mu.Unlock()
		return float64(b.used)
	})
	f.NewGauge(prometheus.GaugeOpts{
		Name: "fotspor_body_limit_bytes",
		Help: "Most memory that the bodies of requests may take (--body-memory).",
	}).Set(float64(b.limit))
	b.refused = f.NewCounterVec(prometheus.CounterOpts{
		Name: "fotspor_bodies_refused_total",
		Help: "Bodies of requests that were not read to their end. memory: there was no memory for them (--body-memory). network: their network had its share. Both are answered with 503 and Retry-After. slow: they came too slowly (408).",
	}, []string{"reason"})
	for _, reason := range reasons {
		b.refused.WithLabelValues(reason)
	}
	return b
}

// reasons are the label values of the counter, by error.
var reasons = map[error]string{ErrMemory: "memory", ErrNetwork: "network", ErrSlow: "slow"}

// Whole is a body that is in memory. Close gives its memory back. It is for one goroutine.
type Whole interface {
	io.ReadCloser
	io.ByteScanner
	Len() int // bytes that have not been read
}

// Read reads the body of r, of at most limit bytes, and returns it. A body that is in
// memory already, as on the short path of the server, is returned without a copy. client
// is the address that sent r. It waits for memory up to five seconds, while the context of r lasts.
//
// Its errors are those of this package and *http.MaxBytesError. After one of them the
// connection of r is of no more use, and w says so.
func (b *Budget) Read(w http.ResponseWriter, r *http.Request, client hit.Addr, limit int64) (Whole, error) {
	if whole, ok := r.Body.(Whole); ok {
		if int64(whole.Len()) > limit {
			return nil, &http.MaxBytesError{Limit: limit}
		}
		return whole, nil
	}
	body := &Body{budget: b, control: http.NewResponseController(w), began: time.Now()}
	err := body.read(r, maphash.Comparable(b.seed, geo.Network(client, geo.MaxBits4, geo.MaxBits6)), limit)
	if err == nil {
		body.control.SetReadDeadline(time.Time{})
		return body, nil
	}
	body.Close()
	if reason := reasons[err]; reason != "" {
		b.refused.WithLabelValues(reason).Inc()
	}
	// What is left of the body is not waited for.
	body.control.SetReadDeadline(aLongTimeAgo)
	w.Header().Set("Connection", "close")
	return nil, err
}

// aLongTimeAgo is a deadline that is over.
var aLongTimeAgo = time.Unix(1, 0)

// Handler returns a handler that has next answer with the bodies of its requests in
// memory. What Read refuses is answered by refuse, which gets the status of the error and
// writes the answer; Retry-After is set. client returns who sent a request.
func (b *Budget) Handler(next http.Handler, client func(*http.Request) hit.Addr, limit int64, refuse func(w http.ResponseWriter, r *http.Request, status int, why error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			whole, err := b.Read(w, r, client(r), limit)
			if err != nil {
				refuse(w, r, prepare(w, err), err)
				return
			}
			defer whole.Close()
			r.Body = whole
		}
		next.ServeHTTP(w, r)
	})
}

// Refuse answers a request whose body Read refused, in plain text.
func Refuse(w http.ResponseWriter, err error) {
	http.Error(w, "fotspor: "+err.Error(), prepare(w, err))
}

// prepare sets the headers of a refusal and returns its status.
func prepare(w http.ResponseWriter, err error) int {
	status := Status(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", RetryAfter)
	}
	return status
}

// RetryAfter is when, in seconds, a body may be sent again that found no memory.
const RetryAfter = "10"

// Status returns the HTTP status of an error of Read.
func Status(err error) int {
	switch {
	case errors.Is(err, ErrMemory), errors.Is(err, ErrNetwork):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrSlow):
		return http.StatusRequestTimeout
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// enter counts a body among those of its network.
func (b *Budget) enter(body *Body, key uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.networks[key] == nil {
		b.networks[key] = &network{key: key}
	}
	body.network = b.networks[key]
	body.network.bodies++
}

// leave gives back all that a body holds.
func (b *Budget) leave(body *Body) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pause(body)
	b.used -= body.held
	body.network.used -= body.held
	if body.cut {
		b.leaving -= body.held
	}
	if body.network.bodies--; body.network.bodies == 0 {
		delete(b.networks, body.network.key)
	}
	b.serve(time.Now())
}

// take takes n bytes for a body, and waits for them as long as it may.
func (b *Budget) take(ctx context.Context, body *Body, n int64) error {
	b.mu.Lock()
	if b.pause(body); body.cut {
		b.mu.Unlock()
		return ErrMemory
	}
	now := time.Now()
	body.want, body.since, body.settled = n, now, make(chan error, 1)
	b.queue(body)
	b.serve(now)
	if b.waiting.Len() > maxWaiting {
		b.dismiss(b.waiting.Back().Value.(*Body))
	}
	b.mu.Unlock()

	wait, cancel := context.WithTimeout(ctx, waitTime)
	defer cancel()
	for {
		select {
		case err := <-body.settled:
			if err != nil && ctx.Err() != nil {
				return ErrGone
			}
			return err
		case <-wait.Done():
		case <-time.After(patience / 4): // another body may have lost its safety
		}
		b.mu.Lock()
		if wait.Err() == nil {
			b.serve(time.Now())
		} else if body.wait != nil {
			b.dismiss(body)
		}
		b.mu.Unlock()
	}
}

// queue has a body wait behind those that hold as little. The caller holds the lock.
func (b *Budget) queue(body *Body) {
	at := b.waiting.Back()
	for at != nil && at.Value.(*Body).held > body.held {
		at = at.Prev()
	}
	if at == nil {
		body.wait = b.waiting.PushFront(body)
	} else {
		body.wait = b.waiting.InsertAfter(body, at)
	}
}

// serve gives those who wait what they wait for, as far as there is enough, and has a
// body leave if there is not. The caller holds the lock.
func (b *Budget) serve(now time.Time) {
	for e := b.waiting.Front(); e != nil; {
		body := e.Value.(*Body)
		e = e.Next()
		if body.wait == nil { // taken out by yield
			break
		}
		switch all, own := b.fits(body); {
		case all && own:
			b.waiting.Remove(body.wait)
			body.wait = nil
			body.held += body.want
			body.network.used += body.want
			b.used += body.want
			b.resume(body, now)
			body.settled <- nil
		case b.leaving > 0: // whose memory comes back at once
		case !own:
			b.cutOff(body.network.reading.Front(), now)
		case !b.cutOff(b.reading.Front(), now):
			b.yield(body, now)
		}
	}
}

// fits reports whether what a body wants is there, in the budget and in the share of its
// network. The caller holds the lock.
func (b *Budget) fits(body *Body) (all, own bool) {
	limit, share := b.limit, b.share
	if body.held > 0 {
		limit, share = limit/2, share/2
	}
	return b.used+body.want <= limit, body.network.used+body.want <= share
}

// dismiss has a body that waits wait no longer. The caller holds the lock.
func (b *Budget) dismiss(body *Body) {
	b.waiting.Remove(body.wait)
	body.wait = nil
	if _, own := b.fits(body); !own {
		body.settled <- ErrNetwork
	} else {
		body.settled <- ErrMemory
	}
}

// cutOff has the body at e, if there is one, leave if its step has been under way for
// long, and reports whether it leaves. The caller holds the lock.
func (b *Budget) cutOff(e *list.Element, now time.Time) bool {
	if e == nil {
		return false
	}
	body := e.Value.(*Body)
	if now.Sub(body.since) < patience {
		return false
	}
	b.pause(body)
	body.control.SetReadDeadline(aLongTimeAgo)
	b.lose(body)
	return true
}

// yield has the body that holds most of those that wait leave for one that holds less, if
// it has waited for long: all of the budget may be held by bodies that wait for more. The
// caller holds the lock.
func (b *Budget) yield(to *Body, now time.Time) {
	most := b.waiting.Back().Value.(*Body)
	if most.held > to.held && now.Sub(most.since) >= patience {
		b.dismiss(most)
		b.lose(most)
	}
}

// lose notes that a body has to leave. The caller holds the lock.
func (b *Budget) lose(body *Body) {
	body.cut = true
	b.leaving += body.held
}

// resume notes that a step of a body begins. The caller holds the lock.
func (b *Budget) resume(body *Body, now time.Time) {
	body.since = now
	body.inAll, body.inOwn = b.reading.PushBack(body), body.network.reading.PushBack(body)
}

// pause notes that no step of a body is under way. The caller holds the lock.
func (b *Budget) pause(body *Body) {
	if body.inAll != nil {
		b.reading.Remove(body.inAll)
		body.network.reading.Remove(body.inOwn)
		body.inAll, body.inOwn = nil, nil
	}
}
