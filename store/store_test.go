package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var oslo = mustZone("Europe/Oslo")

func mustZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// someRows makes n rows that look like real ones, over days before a moment.
func someRows(rng *rand.Rand, n int, until time.Time, days int, loc *time.Location) []hit.Row {
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	rows := make([]hit.Row, n)
	for i := range rows {
		at := until.Add(-time.Duration(rng.Int64N(int64(days) * int64(24*time.Hour)))).UTC().Truncate(time.Second)
		r := hit.Row{
			Site: 1 + uint32(rng.IntN(2)), Time: at, Day: calendar.DayOf(at.In(loc)), Kind: hit.Pageview,
			Path: pick("/", "/om", "/kontakt", "/blåbær; 'x' \n\x00\\"), Host: "example.org",
			Network: pick("84.212.0.0/16", "2001:700::/32"),
			Country: pick("NO", "SE", ""), Region: pick("NO-03", "NO-46", ""),
			Browser: pick("Firefox", "Chrome"), BrowserVersion: pick("140", "141"),
			OS: pick("Windows", "iOS"), Device: pick("desktop", "mobile"), Language: pick("nb", "en"),
			Channel: pick("direct", "search"), Source: pick("", "Google"), Campaign: pick("", "spring"),
			EntryPath: pick("/", "/om"), PreviousPath: pick("", "/"),
			Pageviews: 1, Visits: int32(rng.IntN(2)), Visitors: int32(rng.IntN(2)),
			PageVisitors: int32(rng.IntN(2)), Bounces: int32(rng.IntN(3) - 1), Seconds: int32(rng.IntN(1800)),
		}
		switch rng.IntN(10) {
		case 0:
			r.Kind, r.Name, r.Value, r.Pageviews, r.PageVisitors = hit.Event, "play", 1.5, 0, 0
		case 1:
			r.Kind, r.Pageviews, r.PageVisitors, r.Visits, r.Visitors = hit.Ping, 0, 0, 0, 0
		}
		rows[i] = r
	}
	return rows
}

// count is the naive reading of rows that tables are checked against.
func count(rows []hit.Row) (pageviews, seconds, events int64) {
	for _, r := range rows {
		pageviews += int64(r.Pageviews)
		seconds += int64(r.Seconds)
		if r.Kind != hit.Pageview && r.Kind != hit.Ping {
			events++
		}
	}
	return pageviews, seconds, events
}

func mustInsert[T []hit.Row | hit.Batch](t *testing.T, st *store.Store, rows T, token string) {
	t.Helper()
	var batch hit.Batch
	switch rows := any(rows).(type) {
	case []hit.Row:
		batch.Rows = rows
	case hit.Batch:
		batch = rows
	}
	if err := st.Insert(t.Context(), batch, token); err != nil {
		t.Fatal(err)
	}
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	st := storetest.Open(t)
	// Every text holds what breaks naive quoting; every number is its own.
	var row hit.Row
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString(fmt.Sprintf("%s ;'\"`\\\t\r\n\x00 æøå 🦊 %d", v.Type().Field(i).Name, i))
		case reflect.Int32:
			f.SetInt(int64(-i))
		case reflect.Uint32, reflect.Uint64:
			f.SetUint(uint64(i) + 7)
		case reflect.Float64:
			f.SetFloat(1.25)
		}
	}
	row.Time = time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC)
	row.Day = 20512
	mustInsert(t, st, []hit.Row{row}, "a")

	var out strings.Builder
	if err := st.Query(t.Context(), "SELECT * FROM hits", "JSONEachRow", &out); err != nil {
		t.Fatal(err)
	}
	got := decodeRow(t, out.String())
	for i := range v.NumField() {
		name := snake(v.Type().Field(i).Name)
		want := fmt.Sprint(v.Field(i).Interface())
		switch name {
		case "time":
			want = "2026-02-28 23:59:59"
		case "day":
			want = calendar.Day(20512).String()
		}
		if fmt.Sprint(got[name]) != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("columns that no field fills: %v", got)
	}
}

func TestInsertTwiceIsOnce(t *testing.T) {
	st := storetest.Open(t)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rows := someRows(rand.New(rand.NewPCG(3, 4)), 2000, now, 70, oslo) // over several months
	for range 3 {
		mustInsert(t, st, rows, "segment-1")
	}
	mustInsert(t, st, rows, "segment-2") // the same rows again are other rows under another token

	for _, table := range []string{"hits", "hourly", "daily", "monthly", "cube"} {
		where := ""
		if table == "daily" || table == "monthly" {
			where = " WHERE dimension = 'total'"
		}
		pageviews, _, _ := count(rows)
		want := 2 * pageviews
		if got := query(t, st, "SELECT sum(pageviews) FROM "+table+where); got != fmt.Sprint(want) {
			t.Errorf("page views in %s = %s, want %d", table, got, want)
		}
	}
}

func TestDeleteBefore(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st := storetest.Open(t)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rows := someRows(rand.New(rand.NewPCG(5, 6)), 3000, now, 200, oslo)
	mustInsert(t, st, rows, "a")
	cutoff := time.Date(2026, 8, 10, 0, 0, 0, 0, time.UTC)
	var old int64
	for _, r := range rows {
		if r.Day < calendar.DayOf(cutoff) {
			old++
		}
	}
	held, err := st.Before(t.Context(), cutoff)
	if err != nil {
		t.Fatal(err)
	}
	if held.Rows != old {
		t.Errorf("held %d rows, want %d", held.Rows, old)
	}
	totals := query(t, st, "SELECT sum(pageviews), sum(visits) FROM daily")
	if err := st.DeleteBefore(t.Context(), cutoff); err != nil {
		t.Fatal(err)
	}
	if got, want := query(t, st, "SELECT count() FROM hits"), fmt.Sprint(int64(len(rows))-old); got != want {
		t.Errorf("rows left = %s, want %s", got, want)
	}
	cubeIsOfRows(t, st)
	if got := query(t, st, "SELECT count() FROM hits WHERE day < '2026-08-10'"); got != "0" {
		t.Errorf("rows past their time = %s, want 0", got)
	}
	if got := query(t, st, "SELECT count() FROM system.parts WHERE table = 'hits' AND database = currentDatabase() AND min_date < '2026-08-10'"); got != "0" {
		t.Errorf("parts on disk that hold deleted rows = %s, want 0", got)
	}
	if got := query(t, st, "SELECT sum(pageviews), sum(visits) FROM daily"); got != totals {
		t.Errorf("rollups changed from %s to %s", totals, got)
	}
	if err := st.DeleteBefore(t.Context(), cutoff); err != nil {
		t.Errorf("second pass: %v", err)
	}
}

// cubeIsOfRows holds that the visit cube tells of the rows that are there and of no others,
// on disk too.
func cubeIsOfRows(t *testing.T, st *store.Store) {
	t.Helper()
	const sums = `SELECT site, day, channel, country, browser, os, device, source, campaign,
		sum(visitors) AS a, sum(visits) AS b, sum(pageviews) AS c, sum(bounces) AS d, sum(seconds) AS e FROM `
	const by = " GROUP BY ALL HAVING a != 0 OR b != 0 OR c != 0 OR d != 0 OR e != 0"
	for _, sql := range []string{
		sums + "hits" + by + " EXCEPT " + sums + "cube" + by,
		sums + "cube" + by + " EXCEPT " + sums + "hits" + by,
		"SELECT * FROM cube WHERE (site, day) NOT IN (SELECT site, day FROM hits)",
	} {
		if got := query(t, st, sql); got != "" {
			t.Errorf("the cube is not that of the rows:\n%s", got)
		}
	}
}

func TestEraseNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st := storetest.Open(t)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rng := rand.New(rand.NewPCG(7, 8))
	rows := someRows(rng, 1000, now, 10, oslo)
	from, to := now.AddDate(0, 0, -5), now.AddDate(0, 0, -2)
	var want int64
	for i, r := range rows {
		if r.Network == "84.212.0.0/16" && !r.Time.Before(from) && r.Time.Before(to) {
			want++
			rows[i].Path = fmt.Sprintf("/%016x%016x%016x%016x", rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64())
		}
	}
	mustInsert(t, st, rows, "a")
	const size = "SELECT sum(data_compressed_bytes) FROM system.parts WHERE database = currentDatabase() AND table = 'hits'"
	before := number(t, query(t, st, size))
	erased, err := chooseAndErase(t.Context(), st, ofNetwork("84.212.0.0/16", from, to), noNote)
	if err != nil {
		t.Fatal(err)
	}
	if erased.Rows != want {
		t.Errorf("erased %d, want %d", erased.Rows, want)
	}
	if held, err := st.Held(t.Context(), ofNetwork("84.212.0.0/16", from, to)); held.Rows != 0 || err != nil {
		t.Errorf("still held: %+v, %v", held, err)
	}
	if got := query(t, st, "SELECT count() FROM hits"); got != fmt.Sprint(int64(len(rows))-want) {
		t.Errorf("rows left = %s", got)
	}
	cubeIsOfRows(t, st)
	// Each of those paths took 32 bytes or more in the dictionary of paths, packed.
	after := number(t, query(t, st, size))
	t.Logf("%d bytes, %d before", after, before)
	if after > before-want*32 {
		t.Errorf("the rows take %d bytes of %d: the texts of %d erased ones are still there", after, before, want)
	}
	if n, err := chooseAndErase(t.Context(), st, ofNetwork("x' OR 1=1 OR network = '", from, to), noNote); n.Rows != 0 || err == nil {
		t.Errorf("hostile network erased %d rows, %v", n.Rows, err)
	}
}

func TestNetworkFindsWhatWasCutLess(t *testing.T) {
	st := storetest.Open(t)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var rows []hit.Row
	for _, network := range []string{"84.212.0.0/16", "84.212.0.0/16", "84.212.7.0/24", "2001:700::/32", "2001:700:1::/48", ""} {
		rows = append(rows, hit.Row{Site: 1, Time: at, Day: calendar.DayOf(at), Kind: hit.Pageview, Network: network})
	}
	mustInsert(t, st, rows, "a")
	for network, want := range map[string]int64{
		"84.212.0.0/16": 3, "84.212.7.0/24": 1, "84.0.0.0/8": 3, "84.213.0.0/16": 0,
		"2001:700::/32": 2, "2001:700:1::/48": 1, "0.0.0.0/0": 3,
	} {
		held, err := st.Held(t.Context(), ofNetwork(network, at, at.Add(time.Second)))
		if err != nil || held.Rows != want {
			t.Errorf("held of %s = %+v, %v, want %d rows", network, held, err, want)
		}
	}
}

// TestExpire: a server drops rows thirty days after their time. The embedded engine
// drops none: a wrong clock at a start would take them all.
func TestExpire(t *testing.T) {
	st := storetest.Open(t)
	expiry := func() string {
		return query(t, st, "SELECT extract(create_table_query, 'TTL .* SETTINGS') FROM system.tables WHERE database = currentDatabase() AND name = 'hits'")
	}
	period, err := privacy.ParsePeriod("90d")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Expire(t.Context(), period); err != nil {
		t.Fatal(err)
	}
	if got := expiry(); got != "" {
		t.Errorf("the embedded engine has the expiry %q, want none", got)
	}
	for range 2 {
		if err := st.ExpireServer(t.Context(), period); err != nil {
			t.Fatal(err)
		}
	}
	if got := expiry(); got == "" {
		t.Error("a server has no expiry")
	}
	for _, days := range []int{91, 119, 122, 0} {
		at := time.Now().AddDate(0, 0, -days).UTC().Truncate(time.Second)
		mustInsert(t, st, []hit.Row{{Site: 1, Time: at, Day: calendar.DayOf(at), Kind: hit.Pageview}}, strconv.Itoa(days))
	}
	if err := st.Exec(t.Context(), "OPTIMIZE TABLE hits FINAL"); err != nil {
		t.Fatal(err)
	}
	if got := query(t, st, "SELECT count() FROM hits"); got != "3" {
		t.Errorf("rows after a merge on a server = %s, want 3", got)
	}
}

func TestSites(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	if _, err := st.Site(ctx, 1); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("unknown site: %v, want ErrNotFound", err)
	}
	first, err := st.AddSite(ctx, site.Site{Name: "Blåbær 'a'", Hosts: []string{"example.org", "www.example.org"}, Location: oslo})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := st.AddSite(ctx, site.Site{ID: 17, Name: "Moved", Hosts: []string{"moved.example"}, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	next, err := st.AddSite(ctx, site.Site{Name: "Next", Hosts: []string{"next.example"}, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != 1 || moved.ID != 17 || next.ID != 18 {
		t.Errorf("ids = %d, %d, %d, want 1, 17, 18", first.ID, moved.ID, next.ID)
	}
	if _, err := st.AddSite(ctx, moved); err == nil {
		t.Error("an id was given twice")
	}
	got, err := st.Site(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != first.Name || got.Location.String() != "Europe/Oslo" || len(got.Hosts) != 2 {
		t.Errorf("site = %+v, want %+v", got, first)
	}
	for _, bad := range []site.Site{
		{Hosts: []string{"a"}, Location: oslo},
		{Name: "a", Location: oslo},
		{Name: "a", Hosts: []string{"a"}},
		{Name: "a", Hosts: []string{"https://a/"}, Location: oslo},
		{Name: "a", Hosts: []string{"A"}, Location: oslo},
	} {
		if _, err := st.AddSite(ctx, bad); err == nil {
			t.Errorf("site %+v was taken", bad)
		}
	}
}

func TestQueryReadsOnly(t *testing.T) {
	st := storetest.Open(t)
	for _, sql := range []string{
		"DROP TABLE hits", "INSERT INTO sites (id) VALUES (1)", "ALTER TABLE hits DELETE WHERE 1", "CREATE TABLE x (a Int8) ENGINE = Log",
		"SELECT 1 SETTINGS readonly = 0", "SET readonly = 0",
	} {
		if err := st.Query(t.Context(), sql, "", new(strings.Builder)); err == nil {
			t.Errorf("%s: no error", sql)
		}
	}
	var out strings.Builder
	if err := st.Query(t.Context(), "SELECT 1, 'a\tb' UNION ALL SELECT 2, 'c' ORDER BY 1", "", &out); err != nil {
		t.Fatal(err)
	}
	if want := "1\ta\\tb\n2\tc\n"; out.String() != want {
		t.Errorf("tab-separated = %q, want %q", out.String(), want)
	}
	err := st.Query(t.Context(), "SELECT nope FROM hits", "", new(strings.Builder))
	if err == nil || !strings.Contains(err.Error(), "nope") {
		t.Errorf("error %v does not say what is unknown", err)
	}
	err = st.Query(t.Context(), "SELECT 1", "NoSuchFormat", new(strings.Builder))
	if err == nil || !strings.Contains(err.Error(), "NoSuchFormat") {
		t.Errorf("error %v does not name the format", err)
	}
}

func TestOpenErrors(t *testing.T) {
	for dsn, secret := range map[string]string{
		"ftp://user:hemmelig@127.0.0.1/x":            "hemmelig",
		"clickhouse://user:hemmelig@127.0.0.1:1/x":   "hemmelig",
		"http://user:hemmelig@127.0.0.1:1/x":         "hemmelig",
		"clickhouse://user:hemm\x7felig@127.0.0.1/x": "elig",
		"clickhouse://127.0.0.1:1/x?dial_timeout=no": "",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience.Of(20*time.Second))
		_, err := store.Open(ctx, store.Config{DSN: dsn})
		cancel()
		if err == nil {
			t.Errorf("%s: no error", dsn)
		} else if secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("the password is in %q", err)
		}
	}
}
