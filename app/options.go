// Package app wires the parts of Fotspor together and runs them. It is apart
// from main so that tests can start the whole program in their own process.
package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/retention"
	"github.com/fotspor/fotspor/store"
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
	EngineMemory int64  // bytes; 0: the engine's default

	Listen         string
	MetricsListen  string
	PublicURL      string // how browsers reach Listen; empty: http://LISTEN
	TrustedProxies []netip.Prefix
	Geo            []string // region files; empty: they are looked for
	Sources        string   // directory of lists of sources; empty: the rules shipped
	ReferrerSpam   string   // file of hosts; empty: the list shipped
	Policy         privacy.Policy
	RateLimit      float64        // hits a second that a network may send; 0: no limit
	AuditRetention privacy.Period // how long lines of the audit log live
	Handover       string         // directory in memory for the state of visitors; empty: none
	Power          bool           // acknowledged hits survive a power cut too
	BodyMemory     int64          // bytes of all bodies of requests under way; 0: the default of package body
	VisitMemory    int64          // bytes that visitors take; 0: the default of package visit
	SpoolBytes     int64          // on disk; 0: the default of package spool

	Logger *slog.Logger
	Out    io.Writer // for people: addresses and the set-up link
	Now    func() time.Time
	// Synchronised reports whether the kernel calls the clock that Now reads
	// synchronised.
	Synchronised func() bool
	// Hangups has what can change outside read again at once: region files and sites.
	// nil: that is left to the next look at them.
	Hangups <-chan os.Signal
	// Started is called once everything listens, with the real addresses.
	Started func(Addrs)

	Version, Commit string
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
		Logger:         slog.New(slog.DiscardHandler),
		Out:            io.Discard,
		Now:            time.Now,
		Synchronised:   retention.KernelSynchronised,
	}
}

// Validate returns an error that names the first unusable option.
func (o Options) Validate() error {
	switch {
	case !o.Collector && !o.Dashboard && !o.Retention:
		return errors.New("no part to run")
	case o.Data == "":
		return errors.New("data: want a directory")
	case o.EngineMemory < 0:
		return fmt.Errorf("engine memory %d: want 0 or more", o.EngineMemory)
	case o.Demo && !(o.Collector && o.Dashboard):
		return errors.New("demo: needs collector and dashboard")
	case ValidateListen(o.Listen) != nil:
		return fmt.Errorf("listen on %q: %w", o.Listen, ValidateListen(o.Listen))
	case ValidateListen(o.MetricsListen) != nil:
		return fmt.Errorf("listen on %q for metrics: %w", o.MetricsListen, ValidateListen(o.MetricsListen))
	case o.VisitMemory < 0 || o.VisitMemory > 0 && o.VisitMemory < visit.MinMemory:
		return fmt.Errorf("visit memory %d: want 0, or %d or more", o.VisitMemory, visit.MinMemory)
	case !(o.RateLimit >= 0): // NaN too
		return fmt.Errorf("rate limit %v: want 0 or more", o.RateLimit)
	case o.BodyMemory != 0 && o.BodyMemory < body.LeastBytes:
		return fmt.Errorf("body memory %d: want %dMiB or more, so that the largest body fits", o.BodyMemory, body.LeastBytes>>20)
	case o.SpoolBytes < 0:
		return fmt.Errorf("spool bytes %d: want 0 or more", o.SpoolBytes)
	case o.AuditRetention.Validate() != nil:
		return fmt.Errorf("audit retention %w", o.AuditRetention.Validate())
	case o.Logger == nil || o.Out == nil || o.Now == nil || o.Synchronised == nil:
		return errors.New("logger, out, now and synchronised: want values")
	}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("public URL %q: want one such as https://stats.example.org", o.PublicURL)
		}
	}
	return o.Policy.Validate()
}

// CheckFiles returns an error if a file that is named can't be used. Nothing is made or
// started.
func (o Options) CheckFiles() error {
	_, err := geo.Open(o.Geo, geo.Options{})
	if err == nil && o.Collector {
		_, _, err = o.openLists()
	}
	return err
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

// ValidateListen returns an error for what no machine could listen on. Whether a name is one
// of this machine shows when it is tried.
func ValidateListen(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if _, numeric := netip.ParseAddr(host); err != nil || numeric != nil && strings.Trim(host, "0123456789.:") == "" && host != "" {
		return fmt.Errorf("want an address such as %s, with a port of at most 65535", DefaultListen)
	}
	return nil
}
