package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/internal/periodic"
)

// Bounds of the trust in a clock.
const (
	// MaxLeap is how far after the last trusted time a time is still trusted.
	MaxLeap = 7 * 24 * time.Hour

	// MaxDoubt is how long the program runs before it trusts a clock that nothing
	// confirms: the check delays deletion and never stops it.
	MaxDoubt = 7 * 24 * time.Hour

	// agreement is how far a clock may be from another one that confirms it.
	agreement = time.Minute

	noteEvery = time.Hour
	storeTime = 10 * time.Second // bound of reading and writing the note in a store
)

// Notes keeps the last trusted time in a second place beside the file. *store.Store
// implements it.
type Notes interface {
	// ClockNote returns the stored time, the zero time if there is none.
	ClockNote(ctx context.Context) (time.Time, error)
	// NoteClock replaces the stored time.
	NoteClock(ctx context.Context, seen time.Time) error
}

// ClockOptions are the parts of a Clock. File or Notes must be given.
type ClockOptions struct {
	File  string // path of the note, in the data directory; its folder is created if needed; "": no file
	Notes Notes  // nil: only the file

	// Synchronised reports whether the kernel reports its clock as synchronised. nil:
	// unknown.
	Synchronised func() bool
	// Reference returns the time by the clock of another machine, or an error if there is
	// none. nil: there is none.
	Reference func(context.Context) (time.Time, error)

	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// Clock decides whether the time of this machine is trusted when rows are deleted. With a
// clock that is years ahead every row would seem past its retention. A time is trusted if
// one of these is true:
//
//   - It is at most MaxLeap after the last trusted time, which is stored every hour in the
//     data directory and in the store. A clock that was set back is trusted too: with an
//     earlier time fewer rows are deleted.
//   - The kernel reports the clock as synchronised.
//   - The clock of another machine agrees within a minute.
//   - The program has run for MaxDoubt since the clock was last trusted.
//   - A person has confirmed it.
//
// Its methods are safe for concurrent use.
type Clock struct {
	ClockOptions
	trusted atomic.Bool
	gauge   prometheus.Gauge

	mu      sync.Mutex
	checked time.Time // when Check was last called, with a monotonic reading
}

// note is the contents of the file.
type note struct {
	Seen  time.Time     `json:"seen"`  // the last trusted time
	Doubt time.Duration `json:"doubt"` // how long the program has run since, in nanoseconds
}

// Verdict says whether a time is trusted, and why.
type Verdict struct {
	Trusted bool
	Why     string
}

// NewClock returns a clock that has not been checked yet.
func NewClock(o ClockOptions) *Clock {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Clock{ClockOptions: o, gauge: promauto.With(o.Registerer).NewGauge(prometheus.GaugeOpts{
		Name: "fotspor_clock_trusted",
		Help: "1 if the clock of this machine was trusted when last checked. While it is not, nothing is deleted.",
	})}
}

// Run checks the clock at once, every hour until ctx ends, and once at the end.
func (c *Clock) Run(ctx context.Context) {
	periodic.Task{
		Every: noteEvery,
		Do: func(ctx context.Context) error {
			if v := c.Check(ctx); !v.Trusted {
				return errors.New(v.Why)
			}
			return nil
		},
		Trouble: &periodic.Trouble{
			Logger: c.Logger, Failed: "the clock is not trusted: nothing is deleted by it", Over: "the clock is trusted again",
		},
	}.Run(ctx)
	c.Check(ctx) // stores the running time since the last note
}

// Trusted reports whether the last Check trusted the clock; false before the first.
func (c *Clock) Trusted() bool { return c.trusted.Load() }

// Check judges the current time. It stores a time that is trusted, or else the running time
// without trust. If a note can't be written or read, Check logs the error and goes on with
// the note in the other place.
func (c *Clock) Check(ctx context.Context) Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.read(ctx)
	if !c.checked.IsZero() {
		n.Doubt += time.Since(c.checked)
	}
	c.checked = time.Now()
	now := c.Now()
	verdict := c.judge(ctx, now, n)
	if verdict.Trusted {
		c.write(ctx, now)
	} else if err := c.writeFile(n); err != nil {
		c.Logger.Warn("the trusted time can't be stored", "err", err)
	}
	c.remember(verdict)
	return verdict
}

// Judge judges a time, and stores nothing.
func (c *Clock) Judge(ctx context.Context, at time.Time) Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.judge(ctx, at, c.read(ctx))
}

// Confirm stores the current time as one that a person trusts.
func (c *Clock) Confirm(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write(ctx, c.Now())
	c.remember(Verdict{Trusted: true})
}

func (c *Clock) remember(v Verdict) {
	c.trusted.Store(v.Trusted)
	if v.Trusted {
		c.gauge.Set(1)
	} else {
		c.gauge.Set(0)
	}
}

func (c *Clock) judge(ctx context.Context, at time.Time, n note) Verdict {
	if !n.Seen.IsZero() && at.Sub(n.Seen) <= MaxLeap {
		return Verdict{true, "at most seven days past " + n.Seen.UTC().Format(time.RFC3339) + ", the last time that was trusted"}
	}
	var doubts string
	if n.Seen.IsZero() {
		doubts = "no time was noted before"
	} else {
		doubts = "more than seven days past " + n.Seen.UTC().Format(time.RFC3339) + ", the last time that was trusted"
	}
	now := c.Now()
	if at.After(now) { // neither clock can confirm a time in the future
		return Verdict{false, doubts}
	}
	if c.Synchronised != nil && c.Synchronised() {
		return Verdict{true, "the kernel calls the clock synchronised"}
	}
	doubts += "; the kernel does not call the clock synchronised"
	if c.Reference != nil {
		ctx, cancel := context.WithTimeout(ctx, storeTime)
		reference, err := c.Reference(ctx)
		cancel()
		switch after := c.Now(); {
		case err != nil:
			doubts += "; " + err.Error()
		case reference.Before(now.Add(-agreement)) || reference.After(after.Add(agreement)):
			doubts += "; by the clock of the store it is " + reference.UTC().Format(time.RFC3339)
		default:
			return Verdict{true, "the clock of the store agrees"}
		}
	}
	if n.Doubt >= MaxDoubt {
		return Verdict{true, "the program has run for seven days with this clock"}
	}
	return Verdict{false, fmt.Sprintf("%s; the program has run for %s of seven days with this clock", doubts, n.Doubt.Round(time.Minute))}
}

// read returns the later of both notes. c.mu is held.
func (c *Clock) read(ctx context.Context) note {
	n, err := c.readFile()
	if err != nil {
		c.Logger.Warn("the noted time can't be read", "err", err)
	}
	if c.Notes == nil || ctx.Err() != nil {
		return n
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	seen, err := c.Notes.ClockNote(ctx)
	if err != nil {
		c.Logger.Warn("the noted time can't be read", "err", err)
	} else if seen.After(n.Seen) {
		n.Seen = seen
	}
	return n
}

// write stores a trusted time in both places. c.mu is held.
func (c *Clock) write(ctx context.Context, seen time.Time) {
	err := c.writeFile(note{Seen: seen})
	if c.Notes != nil && ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(ctx, storeTime)
		defer cancel()
		err = errors.Join(err, c.Notes.NoteClock(ctx, seen))
	}
	if err != nil {
		c.Logger.Warn("the trusted time can't be stored", "err", err)
	}
}

func (c *Clock) readFile() (note, error) {
	var n note
	if c.File == "" {
		return n, nil
	}
	text, err := os.ReadFile(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err == nil && n.Doubt < 0 {
		err = fmt.Errorf("a running time of %s", n.Doubt)
	}
	if err != nil {
		return note{}, fmt.Errorf("read note of the clock %q: %w", c.File, err)
	}
	return n, nil
}

// writeFile replaces the file atomically.
func (c *Clock) writeFile(n note) error {
	if c.File == "" {
		return nil
	}
	n.Seen = n.Seen.UTC().Round(0)
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("write note of the clock: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(c.File), 0o700); err != nil {
		return fmt.Errorf("write note of the clock: %w", err)
	}
	fresh, err := os.CreateTemp(filepath.Dir(c.File), filepath.Base(c.File)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write note of the clock: %w", err)
	}
	_, err = fresh.Write(text)
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), c.File)
	}
	if err != nil {
		os.Remove(fresh.Name())
		return fmt.Errorf("write note of the clock: %w", err)
	}
	return nil
}
