// Package app wires the parts of Fotspor together and runs them. It is separate from
// main so that tests can start the whole program in their own process.
package app

//go:generate go test -run TestMetricsAsDocumented -update .

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/backup"
	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/collector/limit"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/retention"
	"github.com/fotspor/fotspor/retention/journal"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// Defaults of Options.
const (
	DefaultData          = "./data"
	DefaultListen        = "127.0.0.1:8080"
	DefaultMetricsListen = "127.0.0.1:9180"
)

// Options say what to run, and how. Callers begin with DefaultOptions.
type Options struct {
	// The parts to run; at least one.
	Collector, Dashboard, Retention bool
	// Demo serves pages at /demo that send hits to this program, for a site made for them.
	Demo bool

	Data  string // directory of the spool and of the embedded engine
	Store string // DSN; empty: the embedded engine
	// StoreCA, StoreCert and StoreKey are files of TLS with the store, as in store.Config.
	StoreCA, StoreCert, StoreKey string
	Engine                       string // library of the embedded engine; empty: it is searched for
	EngineMemory                 int64  // bytes

	Listen        string
	MetricsListen string
	// TLSCert and TLSKey are PEM files of a certificate and its key, which are read again when
	// they change. Both empty: Listen speaks plain HTTP.
	TLSCert, TLSKey string
	// TLSACME are the hosts whose certificates are got from the authority with the directory at
	// ACMEDirectory, by ACME; none: none is. Account and certificates are in the data directory.
	TLSACME        []string
	ACMEDirectory  string
	PublicURL      baseurl.URL // how browsers reach Listen; zero: http://LISTEN, or https with a certificate or the first host of TLSACME
	TrustedProxies []netip.Prefix
	Geo            []string       // GeoIP databases; empty: they are searched for
	Texts          string         // directory of texts of the dashboard in other languages; empty: none
	Sources        string         // directory of lists of sources; empty: the rules shipped
	ReferrerSpam   string         // file of hosts; empty: the list shipped
	Policy         privacy.Policy // of a store that has none yet
	// PolicyTold has the keys of Policy whose values must be those of the store, and where each
	// of them was read.
	PolicyTold     map[string]string
	RateLimit      float64        // hits a second that a network may send; 0: no limit
	AuditRetention privacy.Period // how long lines of the audit log live
	Handover       string         // directory in memory for the state of visitors; empty: none
	Power          bool           // acknowledged hits survive a power cut too
	BodyMemory     int64          // most bytes of memory for the bodies of all running requests
	VisitMemory    int64          // most bytes of memory for visitors
	LineMemory     int64          // most bytes of memory for the values with lines
	SpoolBytes     int64          // most bytes of the spool on disk

	Logger *slog.Logger
	Out    io.Writer // for people: addresses and the set-up link
	Now    func() time.Time
	// NoteHead notes a receipt that is about to be added; nil: it does so in the data directory.
	NoteHead func(receipt.Noted) error
	// Synchronised reports whether the kernel reports the clock of Now as synchronised.
	Synchronised func() bool
	// Hangups makes the program read again at once what can change: GeoIP databases, sites, the
	// certificate, lists, and by Reread, if it is not nil, the level of Logger. nil: lists and level
	// stay, and the others are only read again at their intervals.
	Hangups <-chan os.Signal
	Reread  func() error
	// Settings is the file that Reread reads; it is also called when that changes. "": never.
	Settings string
	// Started is called once everything listens, with the real addresses.
	Started func(Addrs)

	Version, Commit string

	paces paces
}

// paces are the intervals of periodic work. Tests shorten them.
type paces struct {
	sites  time.Duration // between two readings of the sites
	files  time.Duration // between two looks at GeoIP databases and the certificate
	health time.Duration // between two checks of store and disk
	retry  time.Duration // between a failed attempt to open the store and the next
	seal   time.Duration // age at which a segment of the spool is sealed

	backups time.Duration // between two looks at what is known of backups
}

// Addrs are the addresses that a running program listens on.
type Addrs struct {
	Public  net.Addr // nil without collector and dashboard
	Metrics net.Addr
	// SetupURL is where the first administrator is made; empty if there is one, or without
	// the dashboard.
	SetupURL string
}

// DefaultOptions returns the options of a program started without flags. The caller sets the
// parts to run.
func DefaultOptions() Options {
	return Options{
		Data:           DefaultData,
		Listen:         DefaultListen,
		MetricsListen:  DefaultMetricsListen,
		ACMEDirectory:  DefaultACME,
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
		paces:          paces{sites: 5 * time.Second, files: time.Minute, health: 5 * time.Second, retry: 5 * time.Second, seal: spool.DefaultSealAfter, backups: time.Minute},
	}
}

// validate returns an error that names options that are missing or contradict each other.
// Single values are checked where they are read, and by the part that uses them.
func (o Options) validate() error {
	switch {
	case !o.Collector && !o.Dashboard && !o.Retention:
		return errors.New("no part to run")
	case (o.TLSCert == "") != (o.TLSKey == ""):
		return errHalfTLS
	case o.TLSCert != "" && len(o.TLSACME) > 0:
		return errTwoTLS
	case o.Demo && !(o.Collector && o.Dashboard):
		return errors.New("demo: needs collector and dashboard")
	case o.Logger == nil || o.Out == nil || o.Now == nil || o.Synchronised == nil:
		return errors.New("logger, out, now and synchronised: want values")
	}
	return o.Policy.Validate()
}

// Languages reads the languages of the dashboard.
func (o Options) Languages() (*i18n.Catalogue, error) {
	if o.Texts == "" {
		return i18n.Shipped(), nil
	}
	c, err := i18n.Lay(os.DirFS(o.Texts))
	if err != nil {
		return nil, fmt.Errorf("texts in %s: %w", o.Texts, err)
	}
	return c, nil
}

// openLists opens the lists of sources and of referrer spam.
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

// GeoDir is where fetched GeoIP databases are.
func (o Options) GeoDir() string { return filepath.Join(o.Data, "geo") }

// GeoFiles returns the GeoIP databases: those that Geo names, else those that were fetched, else
// those that came with the program.
func (o Options) GeoFiles() []string {
	if len(o.Geo) > 0 {
		return o.Geo
	}
	if fetched := geo.FetchedIn(o.GeoDir()); len(fetched) > 0 {
		return fetched
	}
	return geo.Find()
}

// StoreConfig returns the configuration of the store.
func (o Options) StoreConfig() store.Config {
	return store.Config{
		DSN: o.Store,
		CA:  o.StoreCA, Cert: o.StoreCert, Key: o.StoreKey,
		Dir:       o.Data,
		Library:   o.Engine,
		MaxMemory: o.EngineMemory,
		Create:    o.Collector,
		Sync:      o.Power,
		Now:       o.Now,
		Program:   o.Version,
		Logger:    o.Logger.With("component", "store"),
	}
}

// NewWorker returns a worker that deletes what is past its time in a store.
func (o Options) NewWorker(st *store.Store, clock *retention.Clock, logger *slog.Logger, r prometheus.Registerer) *retention.Worker {
	return retention.New(retention.Options{
		Policy: st.Policy, Rows: st, Titles: st.Titles(), Few: func(below int) retention.Few { return st.Few(below) },
		Shorter: st.Shorter,
		OfSites: func(sites []uint32) retention.OfSites {
			return retention.OfSites{Rows: st.RowsOf(sites), Titles: st.TitlesOf(sites), Few: func(below int) retention.Few { return st.FewOf(sites, below) }}
		},
		Totals: st.Totals(), Aging: func(part string) retention.Rows { return st.Aging(part) }, Expired: st.Expired,
		Audit: st.AuditLog(), AuditKeep: o.AuditRetention, Requests: st.OldRequests(),
		LastPass: st.LastPass, NotePass: st.NotePass,
		Receipts: o.NewReceipts(st), Clock: clock, Registerer: r, Logger: logger, Now: o.Now,
	})
}

// NewClock returns a retention.Clock that stores trusted times in the data directory and in
// st.
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

// Outside returns a function that deletes what the data directory holds outside of the store longer
// than it is needed, for a retention.Worker: erasures that the journal keeps for backups, where no
// backup of st is as old, and copies of tables that a killed command has left. A backup may be as
// old as the policy allows, and is as old as one of which a command has noted that it is there.
func (o Options) Outside(st *store.Store) func(context.Context, time.Time) error {
	return func(ctx context.Context, now time.Time) error {
		policy, err := st.Policy(ctx)
		if err != nil {
			return err
		}
		before := now
		if policy.Backups != (privacy.Period{}) {
			before = policy.Backups.Cutoff(now)
		}
		all, err := st.Backups(ctx)
		if err != nil {
			return err
		}
		for _, b := range all {
			if b.Oldest.Before(before) {
				before = b.Oldest
			}
		}
		err = journal.Prune(o.Data, before.Add(-journal.Slack))
		return errors.Join(err, backup.RemovePartial(o.Data), st.RemoveStaging(ctx))
	}
}

// NewReceipts returns the writer of receipts for deletions from st. With the first of them it
// makes the key in the data directory, if there is none.
func (o Options) NewReceipts(st *store.Store) *receipt.Writer {
	key := func() (ed25519.PrivateKey, error) { return receipt.OpenKey(o.Data) }
	policy := func(ctx context.Context) (json.RawMessage, error) {
		p, err := st.Policy(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(p)
	}
	note := o.NoteHead
	if note == nil {
		note = func(n receipt.Noted) error { return receipt.NoteHeads(o.Data, n) }
	}
	return &receipt.Writer{Book: st, Key: key, Policy: policy, Program: o.Version, Now: o.Now, Note: note}
}
