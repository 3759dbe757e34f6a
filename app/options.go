// Package app wires the parts of Fotspor together and runs them. It is apart
// from main so that tests can start the whole program in their own process.
package app

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/retention"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// Defaults of Options.
const (
	DefaultData          = "./data"
	DefaultListen        = "127.0.0.1:8080"
	DefaultMetricsListen = "127.0.0.1:9180"
)

// Options say what to run, and how. DefaultOptions is where they start.
type Options struct {
	// The parts to run; at least one.
	Collector, Dashboard, Retention bool
	// Demo serves pages at /demo that track themselves, on a site made for them.
	Demo bool

	Data         string // directory of the spool and of the embedded engine
	Store        string // DSN; empty: the embedded engine
	Engine       string // library of the embedded engine; empty: it is looked for
	EngineMemory int64  // bytes

	Listen         string
	MetricsListen  string
	PublicURL      baseurl.URL // how browsers reach Listen; zero: http://LISTEN
	TrustedProxies []netip.Prefix
	Geo            []string // GeoIP databases; empty: they are looked for
	Sources        string   // directory of lists of sources; empty: the rules shipped
	ReferrerSpam   string   // file of hosts; empty: the list shipped
	Policy         privacy.Policy
	RateLimit      float64        // hits a second that a network may send; 0: no limit
	AuditRetention privacy.Period // how long lines of the audit log live
	Handover       string         // directory in memory for the state of visitors; empty: none
	Power          bool           // acknowledged hits survive a power cut too
	BodyMemory     int64          // bytes of all bodies of requests under way
	VisitMemory    int64          // bytes that visitors take
	LineMemory     int64          // bytes that the values with lines take
	SpoolBytes     int64          // bytes on disk

	Logger *slog.Logger
	Out    io.Writer // for people: addresses and the set-up link
	Now    func() time.Time
	// Synchronised reports whether the kernel calls the clock that Now reads
	// synchronised.
	Synchronised func() bool
	// Hangups has what can change outside read again at once: GeoIP databases and sites.
	// nil: that is left to the next look at them.
	Hangups <-chan os.Signal
	// Started is called once everything listens, with the real addresses.
	Started func(Addrs)

	Version, Commit string

	paces paces
}

// paces are how long things wait that a program does again and again. Tests shorten them.
type paces struct {
	sites  time.Duration // between two looks at the sites
	geo    time.Duration // between two looks at the GeoIP databases
	health time.Duration // between two looks at store and disk
	retry  time.Duration // before an attempt to open the store that follows a failed one
	seal   time.Duration // from the first hit of a segment of the spool
}

// Addrs are the addresses that a running program listens on.
type Addrs struct {
	Public  net.Addr // nil without collector and dashboard
	Metrics net.Addr
	// SetupURL makes the first administrator; empty once there is one, and without
	// the dashboard.
	SetupURL string
}

// DefaultOptions are those of a program started without flags, but for the
// parts to run.
func DefaultOptions() Options {
	return Options{
		Data:           DefaultData,
		Listen:         DefaultListen,
		MetricsListen:  DefaultMetricsListen,
		Policy:         privacy.Default(),
		AuditRetention: privacy.Period{Months: 12},
		RateLimit:      limit.DefaultRate,
		EngineMemory:   embedded.DefaultMaxMemory,
		BodyMemory:     body.DefaultBytes,
		VisitMemory:    visit.DefaultMemory,
		LineMemory:     lines.DefaultMemory,
		SpoolBytes:     spool.DefaultMaxBytes,
		Logger:         slog.New(slog.DiscardHandler),
		Out:            io.Discard,
		Now:            time.Now,
		Synchronised:   retention.KernelSynchronised,
		paces:          paces{sites: 5 * time.Second, geo: time.Minute, health: 5 * time.Second, retry: 5 * time.Second, seal: spool.DefaultSealAfter},
	}
}

// validate returns an error that names what is missing or does not go together. Each
// value is checked where it is read, and by the part that takes it.
func (o Options) validate() error {
	switch {
	case !o.Collector && !o.Dashboard && !o.Retention:
		return errors.New("no part to run")
	case o.Demo && !(o.Collector && o.Dashboard):
		return errors.New("demo: needs collector and dashboard")
	case o.Logger == nil || o.Out == nil || o.Now == nil || o.Synchronised == nil:
		return errors.New("logger, out, now and synchronised: want values")
	}
	return o.Policy.Validate()
}

// openLists opens what tells sources and referrer spam.
func (o Options) openLists() (*referrer.Sources, *referrer.Spam, error) {
	sources, spam := referrer.Shipped(), referrer.ShippedSpam()
	var err error
	if o.Sources != "" {
		if sources, err = referrer.OpenSources(o.Sources); err != nil {
			return nil, nil, err
		}
	}
	if o.ReferrerSpam != "" {
		if spam, err = referrer.OpenSpam(o.ReferrerSpam); err != nil {
			return nil, nil, err
		}
	}
	return sources, spam, nil
}

// StoreConfig says where the store is.
func (o Options) StoreConfig() store.Config {
	return store.Config{
		DSN:       o.Store,
		Dir:       o.Data,
		Library:   o.Engine,
		MaxMemory: o.EngineMemory,
		Create:    o.Collector,
		Sync:      o.Power,
		Program:   o.Version,
		Logger:    o.Logger.With("component", "store"),
	}
}

// NewClock returns the judge of this machine's clock, which notes trusted times in the
// data directory and in st.
func (o Options) NewClock(st *store.Store, logger *slog.Logger, r prometheus.Registerer) *retention.Clock {
	file := ""
	if o.Data != "" {
		file = filepath.Join(o.Data, "clock.json")
	}
	return retention.NewClock(retention.ClockOptions{
		File: file, Notes: st,
		Synchronised: o.Synchronised, Reference: st.OtherClock,
		Now: o.Now, Logger: logger, Registerer: r,
	})
}
