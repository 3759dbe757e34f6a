package geo

import (
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/fotspor/fotspor/geo/region"
	"github.com/fotspor/fotspor/internal/trusted"
)

// vendor is the maker of a GeoIP database, on whom the notice depends.
type vendor int

const (
	commercial vendor = iota // GeoIP2: requires no notice
	dbIP
	geoLite
)

// file is one open GeoIP database. The file stays mapped while a lookup can
// reach it: maxminddb unmaps it when the garbage collector finds the reader
// unreachable (runtime.AddCleanup, with runtime.KeepAlive in each lookup).
// Nothing here calls Close, which must not overlap a lookup.
type file struct {
	reader *maxminddb.Reader
	vendor vendor
	flat   bool // records are the flat ones of ip-location-db, not MaxMind's nested ones

	records  cache // by their offset in the file
	networks cache // by the hash, under seed, of a network of MaxBits4 or MaxBits6 bits
	seed     maphash.Seed
}

// quickCheck is how many networks of a file are decoded to check it at the start.
const quickCheck = 1000

// openFile maps the GeoIP database at path and checks that it holds places: the
// first limit networks, or all of them if limit is 0.
func openFile(path string, limit int) (*file, error) {
	resolved, err := trusted.File(path)
	if err != nil {
		return nil, fmt.Errorf("open GeoIP database %q: %w", path, err)
	}
	reader, err := maxminddb.Open(resolved)
	if err != nil {
		return nil, fmt.Errorf("open GeoIP database %q: %w", path, err)
	}
	f, err := newFile(reader, filepath.Base(path))
	if err == nil {
		err = f.check(limit)
	}
	if err != nil {
		reader.Close() // no lookup uses it yet
		return nil, fmt.Errorf("open GeoIP database %q: %w", path, err)
	}
	return f, nil
}

// newFile recognises format and vendor. The type of the flat files of ip-location-db is
// "city ipv4" or "country ipv6" for the data of any vendor, so the vendor is recognised by
// the name of the file.
func newFile(reader *maxminddb.Reader, name string) (*file, error) {
	kind := reader.Metadata.DatabaseType
	f := &file{reader: reader, seed: maphash.MakeSeed()}
	switch {
	case strings.HasPrefix(kind, "city ipv"), strings.HasPrefix(kind, "country ipv"):
		f.flat, f.vendor = true, dbIP
		if strings.Contains(strings.ToLower(name), "geolite2") {
			f.vendor = geoLite
		}
	case !strings.Contains(kind, "City") && !strings.Contains(kind, "Country"):
		return nil, fmt.Errorf("format %q: want a City or Country database", kind)
	case strings.HasPrefix(kind, "DBIP-"):
		f.vendor = dbIP
	case strings.HasPrefix(kind, "GeoLite2-"):
		f.vendor = geoLite
	}
	return f, nil
}

// check decodes limit networks, or all if limit is 0.
func (f *file) check(limit int) (err error) {
	defer catchFault(debug.SetPanicOnFault(true), &err)
	networks, places := 0, 0
	for result := range f.reader.Networks() {
		found, err := f.decode(result)
		if err != nil {
			return err
		}
		if found.Country != "" {
			places++
		}
		if networks++; networks == limit {
			break
		}
	}
	if places == 0 {
		return errors.New("no network has a country")
	}
	return nil
}

// answer is the place of a record.
type answer struct {
	Place
	unlisted bool // the record has a region that package region does not know
}

// lookup returns the place of a. An address that is not in the file is not an error.
func (f *file) lookup(a netip.Addr) (answer, error) {
	if a.Is6() && f.reader.Metadata.IPVersion == 4 {
		return answer{}, nil
	}
	bits := MaxBits6
	if a.Is4() {
		bits = MaxBits4
	}
	network, _ := a.Prefix(bits) // no error: bits fit both families
	hash := maphash.Comparable(f.seed, network)
	if found, ok := f.networks.find(hash); ok {
		return found, nil
	}
	found, whole, err := f.search(a)
	if err == nil && whole <= bits { // else the record is that of a part of network only
		f.networks.remember(hash, found)
	}
	return found, err
}

// search looks up the place of a in the file. bits is the length of the prefix of a that has
// this place.
func (f *file) search(a netip.Addr) (found answer, bits int, err error) {
	defer catchFault(debug.SetPanicOnFault(true), &err)
	result := f.reader.Lookup(a)
	bits = result.Prefix().Bits()
	if !result.Found() {
		return answer{}, bits, result.Err()
	}
	if found, ok := f.records.find(uint64(result.Offset())); ok {
		return found, bits, nil
	}
	found, err = f.decode(result)
	if err == nil {
		f.records.remember(uint64(result.Offset()), found)
	}
	return found, bits, err
}

// cache keeps answers by a key. Most hits come from few networks, and reading an answer from
// the file allocates two strings and takes a walk through a hundred megabytes. A cache
// belongs to one file. It holds no address or network, only hashes under a secret of the
// process. A key replaces another with the same slot. It is safe for concurrent use.
type cache [1 << cacheBits]atomic.Pointer[remembered]

// cacheBits bounds a cache to 16,384 answers, some 2 MB.
const cacheBits = 14

// remembered is an answer and its key.
type remembered struct {
	key   uint64
	found answer
}

func (c *cache) slot(key uint64) *atomic.Pointer[remembered] {
	const spread = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: spreads neighbouring keys
	return &c[key*spread>>(64-cacheBits)]
}

func (c *cache) find(key uint64) (answer, bool) {
	if r := c.slot(key).Load(); r != nil && r.key == key {
		return r.found, true
	}
	return answer{}, false
}

func (c *cache) remember(key uint64, found answer) {
	c.slot(key).Store(&remembered{key, found})
}

// decode reads the fields of a record that Place needs, and no others.
func (f *file) decode(result maxminddb.Result) (answer, error) {
	if !result.Found() {
		return answer{}, result.Err()
	}
	if f.flat {
		var record struct {
			Country string `maxminddb:"country_code"`
			Region  string `maxminddb:"state1"`
		}
		err := result.Decode(&record)
		return newAnswer(record.Country, record.Region), err
	}
	var record struct {
		Country      geoip2.CountryRecord     `maxminddb:"country"`
		Subdivisions []geoip2.CitySubdivision `maxminddb:"subdivisions"`
	}
	err := result.Decode(&record)
	if len(record.Subdivisions) == 0 {
		return newAnswer(record.Country.ISOCode), err
	}
	first := record.Subdivisions[0]
	return newAnswer(record.Country.ISOCode, first.ISOCode, first.Names.English), err
}

// newAnswer returns the country of a record if it is one of ISO 3166-1, and the region by the
// first of the names in called that package region knows.
func newAnswer(country string, called ...string) answer {
	if !region.IsCountry(country) {
		return answer{}
	}
	found := answer{Place: Place{Country: country}}
	for _, name := range called {
		if name == "" {
			continue
		}
		if code := region.Code(country, name); code != "" {
			return answer{Place: Place{Country: country, Region: code}}
		}
		found.unlisted = true
	}
	return found
}

// catchFault turns a memory fault into the error of the function that defers it. If another
// process truncates a mapped file, its pages are gone, and reading them raises a signal that
// would end the program. catchFault also restores the value that debug.SetPanicOnFault
// returned. Other panics go on.
func catchFault(previous bool, err *error) {
	debug.SetPanicOnFault(previous)
	switch cause := recover().(type) {
	case nil:
	case interface {
		error
		Addr() uintptr
	}:
		*err = errors.New("read GeoIP database: cut short while in use")
	default:
		panic(cause)
	}
}
