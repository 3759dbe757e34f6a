package geo_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
)

// database returns a GeoIP database, made at a time, that has a country for 0.0.0.0/1.
func database(made time.Time, country string) []byte {
	text := func(s string) string { return string(rune(0x40|len(s))) + s }
	number := func(n uint64) string {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], n)
		return "\x08\x02" + string(b[:]) // uint64
	}
	data := "\xe1" + text("country_code") + text(country)
	// One node: the left half has the first record of the data, which begins 16 after the tree, the right one nothing.
	tree := "\x00\x00\x11\x00\x00\x01"
	meta := "\xe9" + text("binary_format_major_version") + "\xa1\x02" + text("binary_format_minor_version") + "\xa0" +
		text("build_epoch") + number(uint64(made.Unix())) + text("database_type") + text("city ipv4") + text("description") + "\xe0" +
		text("ip_version") + "\xa1\x04" + text("languages") + "\x00\x04" + text("node_count") + "\xc1\x01" + text("record_size") + "\xa1\x18"
	return []byte(tree + strings.Repeat("\x00", 16) + data + "\xab\xcd\xefMaxMind.com" + meta)
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// TestFetch: a newer database takes the place of the older; whatever is wrong leaves the last good
// one, and no other file.
func TestFetch(t *testing.T) {
	answers := map[string][]byte{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch text, ok := answers[r.URL.Path]; {
		case !ok:
			http.NotFound(w, r)
		case text == nil:
			http.Error(w, "no", http.StatusForbidden)
		case bytes.HasPrefix(text, []byte("cut ")):
			w.Header().Set("Content-Length", "1000")
			w.Write(text)
		default:
			w.Write(text)
		}
	}))
	defer server.Close()
	dir := filepath.Join(t.TempDir(), "geo")
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	now := day("2027-01-02")
	secret := strings.Replace(server.URL, "://", "://user:hemmelig@", 1)
	monthly := secret + "/city-{year}-{month}.mmdb.gz"
	const november, december, january = "/city-2026-11.mmdb.gz", "/city-2026-12.mmdb.gz", "/city-2027-01.mmdb.gz"
	nov, dec := database(day("2026-11-01"), "NO"), database(day("2026-12-01"), "SE")
	for _, c := range []struct {
		name   string
		set    func()
		err    string // a part of it; "": none
		isNew  bool
		lookup string
	}{
		{"no file of two months", func() { answers[november] = zipped(nov) }, "404", false, ""},
		{"that of the month before", func() { answers[december] = zipped(nov) }, "", true, "NO"},
		{"the same again", func() {}, "", false, "NO"},
		{"a newer one", func() { answers[january] = zipped(dec) }, "", true, "SE"},
		{"an older one", func() { answers[january] = zipped(nov) }, "older than the file in use", false, "SE"},
		{"not compressed", func() { answers[january] = database(day("2026-12-02"), "DK") }, "", true, "DK"},
		{"junk", func() { answers[january] = []byte("<html>") }, "invalid", false, "DK"},
		{"a truncated archive", func() { answers[january] = zipped(dec)[:60] }, "unexpected EOF", false, "DK"},
		{"a connection that is cut", func() { answers[january] = []byte("cut off") }, "unexpected EOF", false, "DK"},
		{"no country in it", func() { answers[january] = zipped(database(day("2026-12-09"), "ZZ")) }, "no network has a country", false, "DK"},
		{"refused", func() { answers[january] = nil }, "403", false, "DK"},
	} {
		c.set()
		f, err := geo.Fetch(t.Context(), monthly, dir, now)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || f.New != c.isNew {
			t.Errorf("%s: %+v, %v; want %q", c.name, f, err, c.err)
		}
		if err != nil && strings.Contains(err.Error(), "hemmelig") {
			t.Errorf("%s: a password is in the error: %v", c.name, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) > 1 || c.lookup != "" && len(entries) != 1 {
			t.Errorf("%s: the directory has %v", c.name, entries)
		}
		if c.lookup == "" {
			continue
		}
		if got := open(t, geo.FetchedIn(dir)...).Lookup(hit.NewAddr(netip.MustParseAddr("9.9.9.9"))).Country; got != c.lookup {
			t.Errorf("%s: a lookup answers %q, want %q", c.name, got, c.lookup)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has %v, %v", info.Mode(), err)
	}
	if f, err := os.Stat(filepath.Join(dir, "city.mmdb")); err != nil || f.Mode().Perm() != 0o600 {
		t.Errorf("the file has %v, %v", f, err)
	}
}

// TestCheckURL: only what can be fetched is taken, and a refusal shows no password.
func TestCheckURL(t *testing.T) {
	for text, good := range map[string]bool{
		geo.DefaultURL: true, "http://mirror.example/a.mmdb": true, "https://u:hemmelig@mirror.example/x/GeoLite2-City.mmdb.gz?a=b": true,
		"": false, "a.mmdb": false, "ftp://mirror.example/a.mmdb": false, "https:///a.mmdb": false, "https://mirror.example/": false, "https://mirror.example/.mmdb": false,
		"https://mirror.example/a.zip": false, "https://u:hemmelig@mirror.example/a.tar.gz": false, "https://mirror.example/%zz.mmdb": false, "https://u:hemmelig@mirror.example/%zz": false,
	} {
		if err := geo.CheckURL(text); (err == nil) != good || strings.Contains(fmt.Sprint(err), "hemmelig") {
			t.Errorf("%q: %v, want good: %v", text, err, good)
		}
	}
}
