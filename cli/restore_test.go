package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/fotspor/fotspor/backup"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

func figures(t *testing.T, data string) (all []backup.Table) {
	t.Helper()
	inStore(t, data, func(st *store.Store) {
		var err error
		all, err = st.Figures(t.Context(), nil)
		must(t, err)
	})
	return all
}

// TestRestore: a store that is restored holds what it held in every table, but for what is past
// its time by the policy of today. The spool keeps what is not in the backup.
func TestRestore(t *testing.T) {
	today := calendar.DayOf(time.Now().UTC())
	data := filled(t, today.AddMonths(-36), today.AddMonths(-36)+1, today-1, today)
	dir := filepath.Join(t.TempDir(), "backups")
	run := runner(t, "--data", data)
	secret, err := age.GenerateX25519Identity()
	must(t, err)
	identity := filepath.Join(t.TempDir(), "identity")
	must(t, os.WriteFile(identity, []byte(secret.String()+"\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(data, "engine.password"), []byte("a password of this machine\n"), 0o600))
	first := today.AddMonths(-36).String()
	run("retention", "run", "--confirm", first) // the key of receipts
	segment := func(at time.Time) {
		sp, err := spool.Open(filepath.Join(data, "spool"), spool.Options{Now: func() time.Time { return at }})
		must(t, err)
		must(t, sp.Append(hit.Batch{Rows: []hit.Row{{Site: 1, Day: today, Time: at, Kind: hit.Pageview, Path: "/", Pageviews: 1}}}), sp.Close())
	}
	segment(time.Now().Add(-time.Second))
	before := figures(t, data)
	run("backup", dir, "--recipient", secret.Recipient().String())
	segment(time.Now().Add(time.Second))
	if _, errs, status := command(t, "", "restore", dir, "--data", data, "--identity", identity); status != 1 || !strings.Contains(errs, "there is a store in") {
		t.Errorf("a restore over a store: status %d, %q", status, errs)
	}
	key, err := os.ReadFile(filepath.Join(data, "receipts.key"))
	must(t, err)

	// The store is lost, and so are the keys.
	must(t, os.RemoveAll(filepath.Join(data, "clickhouse")), os.Remove(filepath.Join(data, "receipts.key")), os.Remove(filepath.Join(data, "engine.password")))
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{nil, "--identity"},
		{[]string{"--identity", filepath.Join(dir, "none")}, "no such file"},
	} {
		if _, errs, status := command(t, "", append([]string{"restore", dir, "--data", data}, c.flags...)...); status != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("restore with %v: status %d, %q", c.flags, status, errs)
		}
	}
	out := run("restore", dir, "--identity", identity)
	for _, want := range []string{"key: receipts.key\n", "key: engine.password\n", "no such rows\n", "sites: the data directory has no copy of them since ", "spool: 1 segments began before", "restored: "} {
		if !strings.Contains(out, want) {
			t.Errorf("restore says %q, want %q", out, want)
		}
	}
	if again, err := os.ReadFile(filepath.Join(data, "receipts.key")); err != nil || string(again) != string(key) {
		t.Errorf("the key of receipts is another, %v", err)
	}
	after := figures(t, data)
	// A restore has a receipt of its pass, and notes of itself.
	if differ := backup.Compare(without(before, "receipts", "settings"), without(after, "receipts", "settings")); len(differ) > 0 || len(after) != len(before) {
		t.Errorf("restored: %q", differ)
	}
	if out := run("receipts", "verify"); !strings.HasPrefix(out, "3 receipts are whole") {
		t.Errorf("receipts verify says %q", out)
	}
	list := strings.Split(strings.TrimSpace(run("spool", "list")), "\n")
	if len(list) != 2 || !strings.Contains(list[0], "\tquarantined\t") || !strings.Contains(list[1], "\tsealed\t") {
		t.Errorf("the spool is %q", list)
	}

	// A day later the first of the days is past its time. The policy is shorter meanwhile, as
	// the collector has copied it.
	restore := func(now time.Time, flags ...string) (string, string, int) {
		must(t, os.RemoveAll(filepath.Join(data, "clickhouse")))
		return commandAt(t, now, append([]string{"restore", dir, "--identity", identity, "--data", data}, flags...)...)
	}
	later := time.Now().AddDate(0, 0, 1)
	if out, errs, status := restore(later); status != 0 || !strings.Contains(out, "found 3 rows, from "+first) || !strings.Contains(out, "deleted 3 rows") {
		t.Errorf("restore a day later: status %d, %s%s", status, out, errs)
	}
	if out := run("query", "SELECT min(day), count() FROM hits"); out != (today.AddMonths(-36)+1).String()+"\t9\n" {
		t.Errorf("left are %q", out)
	}
	// A site has its own shorter time meanwhile, as the collector has copied it.
	inStore(t, data, func(st *store.Store) {
		must(t, collector.NewSites(changedSites{st}, filepath.Join(data, "sites.json"), slog.New(slog.DiscardHandler)).Refresh(t.Context()))
	})
	out, errs, status := restore(later)
	for _, want := range []string{"site 1: guard=7 objections=heed record=minimal retention=30d, as the copy of ", "deleted 3 rows", "sites 1 with retention 30d: found 3 rows"} {
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("restore with later settings of a site: status %d, %s%s, want %q", status, out, errs, want)
		}
	}
	inStore(t, data, func(st *store.Store) {
		one, err := st.Site(t.Context(), 1)
		if want := (privacy.Own{Record: privacy.Minimal, Retention: privacy.Period{Days: 30}, Objections: privacy.Heed}); err != nil || one.Own() != want || one.Guard != 7 {
			t.Errorf("the site has %+v and guard %d, %v; want %+v and 7", one.Own(), one.Guard, err, want)
		}
	})
	must(t, os.Chtimes(filepath.Join(data, "sites.json"), time.Time{}, time.Now().AddDate(0, 0, -1))) // older than the backup
	short := privacy.Default()
	short.Retention = privacy.Period{Days: 90}
	text, err := json.Marshal(privacy.History{{Number: 1, Policy: privacy.Default(), Since: time.Now()}, {Number: 2, Policy: short, Since: time.Now(), Via: "command", Who: "kari"}})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(data, "policy.json"), text, 0o600))
	if out, errs, status := restore(later); status != 0 || !strings.Contains(out, "policy: 1 later versions") || !strings.Contains(out, "deleted 6 rows") || !strings.Contains(out, "sites: the data directory has no copy of them since ") {
		t.Errorf("restore with a later policy: status %d, %s%s", status, out, errs)
	}
	if out := run("policy", "list"); strings.Count(out, "\n") != 2 || !strings.Contains(out, "\tkari (command)\tstandard\t90d\t") {
		t.Errorf("the policy is %q", out)
	}

	// By a clock that nobody trusts nothing is deleted, so nothing is restored.
	must(t, os.Remove(filepath.Join(data, "clock.json")))
	much := time.Now().AddDate(2, 0, 0)
	out, errs, status = restore(much)
	if _, err := os.Stat(filepath.Join(data, "clickhouse")); status != 1 || err == nil || !strings.Contains(errs, "the clock is not trusted") {
		t.Errorf("by a wrong clock: status %d, %s%s, %v", status, out, errs, err)
	}
	_, confirm, _ := strings.Cut(strings.TrimSpace(errs), "--confirm ")
	if out, errs, status := restore(much, "--confirm", confirm); status != 0 || !strings.Contains(out, "deleted 12 rows") {
		t.Errorf("confirmed: status %d, %s%s", status, out, errs)
	}
	if left, err := filepath.Glob(filepath.Join(data, "*.partial")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// changedSites has sites whose settings were changed since.
type changedSites struct{ collector.Directory }

func (d changedSites) Sites(ctx context.Context) ([]site.Site, error) {
	all, err := d.Directory.Sites(ctx)
	for i := range all {
		all[i].Record, all[i].Retention, all[i].Objections, all[i].Guard = privacy.Minimal, privacy.Period{Days: 30}, privacy.Heed, 7
	}
	return all, err
}

func without(all []backup.Table, names ...string) []backup.Table {
	var some []backup.Table
	for _, t := range all {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+t.Name+" ") {
			some = append(some, t)
		}
	}
	return some
}

// TestUpgradeCheck: an upgrade is tried on a copy, which must hold all that was backed up. What
// a newer version made is refused.
func TestUpgradeCheck(t *testing.T) {
	today := calendar.DayOf(time.Now().UTC())
	data := filled(t, today)
	dir := filepath.Join(t.TempDir(), "backups")
	run := runner(t, "--data", data)
	before := figures(t, data)
	if out := run("upgrade", "--check"); !strings.Contains(out, "yes: ") {
		t.Errorf("upgrade --check says %q", out)
	}
	if differ := backup.Compare(before, figures(t, data)); len(differ) > 0 {
		t.Errorf("upgrade --check changed the store: %q", differ)
	}
	entry := strings.TrimSpace(run("backup", dir))
	if out := run("upgrade", "--check", "--from", dir); !strings.Contains(out, "yes: ") {
		t.Errorf("upgrade --check --from says %q", out)
	}
	if _, errs, status := command(t, "", "upgrade", "--data", data); status != 2 || !strings.Contains(errs, "--check") {
		t.Errorf("upgrade: status %d, %q", status, errs)
	}
	rewrite := func(change func(m *backup.Manifest)) string {
		t.Helper()
		all, err := backup.List(entry)
		must(t, err)
		into := t.TempDir()
		m, err := backup.Extract(t.Context(), all[0], nil, into)
		must(t, err)
		change(&m)
		e, err := backup.Write(t.Context(), t.TempDir(), m, nil, []backup.Source{{Name: "store", Path: filepath.Join(into, "store")}})
		must(t, err)
		return e.Dir
	}
	table := func(m *backup.Manifest, name string) *backup.Table {
		for i := range m.Tables {
			if m.Tables[i].Name == name {
				return &m.Tables[i]
			}
		}
		t.Fatalf("no table %s", name)
		return nil
	}
	out, errs, status := command(t, "", "upgrade", "--check", "--data", data, "--from", rewrite(func(m *backup.Manifest) {
		table(m, "hits").Groups[0].Sums["pageviews"]++
		table(m, "daily").Groups[0].Rows = 9
		table(m, "sites").Groups[0].Digest = "00"
		table(m, "ledger").Name = "register"
	}))
	for _, want := range []string{"hits: sum of pageviews 4 before, 3 after", "daily (", "sites: as many rows and the same sums, but other values", "register: the table is gone, which had 1 rows", "no: do not upgrade"} {
		if status != 1 || !strings.Contains(out, want) {
			t.Errorf("want %q: status %d, %s%s", want, status, out, errs)
		}
	}
	newer := rewrite(func(m *backup.Manifest) { m.Schema, m.Program = 99, "v9" })
	for _, args := range [][]string{{"upgrade", "--check", "--from", newer}, {"restore", newer}} {
		if _, errs, status := command(t, "", append(args, "--data", filepath.Join(t.TempDir(), "data"))...); status != 1 || !strings.Contains(errs, "newer version than this program") || !strings.Contains(errs, "v9") {
			t.Errorf("%v: status %d, %q", args, status, errs)
		}
	}
}

// TestRestoreErased: a store that is restored holds in every table what erasures since the backup
// have left, by any choice, also one of what another had left. Without the journal restore
// says what it lacks.
func TestRestoreErased(t *testing.T) {
	today := calendar.DayOf(time.Now().UTC())
	data := filled(t, today-1, today)
	dir := filepath.Join(t.TempDir(), "backups")
	run := runner(t, "--data", data)
	run("backup", dir)
	time := func(day calendar.Day, clock string) string { return day.String() + "T" + clock + "Z" }
	run("erase", "--text", "kari", "--yes")                                                                             // leaves /ansatt/[erased]
	run("erase", "--ip", "10.1.2.3", "--to", time(today-1, "12:00:00"), "--yes")                                        // a page of yesterday
	run("erase", "--from", time(today, "00:00:00"), "--to", time(today, "00:00:30"), "--yes")                           // one row of today
	run("erase", "--path", "/ansatt*", "--from", time(today-1, "00:00:00"), "--to", time(today-1, "23:00:00"), "--yes") // what the first one left yesterday
	const question = "SELECT day, path, previous_path, network FROM hits ORDER BY ALL"
	erased, before := run("query", question), figures(t, data)
	want := fmt.Sprintf("%[1]s\t/\t\t84.212.0.0/16\n%[1]s\t/[erased]\t/\t10.2.0.0/16\n%[2]s\t/ansatt/[erased]\t/\t10.2.0.0/16\n%[2]s\t/page/1\t\t10.1.0.0/16\n", today-1, today)
	if erased != want {
		t.Fatalf("after the erasures there are\n%s\nwant\n%s", erased, want)
	}
	must(t, os.RemoveAll(filepath.Join(data, "clickhouse")))
	if out := run("restore", dir); !strings.Contains(out, "erasures since the backup are repeated") || !strings.Contains(out, "are not known") { // the journal began with the first
		t.Errorf("restore says %q", out)
	}
	if got := run("query", question); got != erased {
		t.Errorf("restored:\n%s\nwant\n%s", got, erased)
	}
	own := []string{"audit", "receipts", "settings"} // a restore writes there itself
	if differ := backup.Compare(without(before, own...), without(figures(t, data), own...)); len(differ) > 0 {
		t.Errorf("tables are not what the erasures left: %q", differ)
	}
	if out := run("receipts", "list"); !strings.Contains(out, "\terasure\tjournal\t") {
		t.Errorf("the receipts are %q", out)
	}
	must(t, filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "ansatt/kari") {
			t.Errorf("%s holds what was erased", path)
		}
		return err
	}))

	must(t, os.RemoveAll(filepath.Join(data, "clickhouse")), os.Remove(filepath.Join(data, "erasures.journal")))
	if out := run("restore", dir); !strings.Contains(out, "to now are not known") {
		t.Errorf("restore without a journal says %q", out)
	}
}

// TestRestoreDeleted: what was deleted since the backup does not come back, though the policy and the
// site keep rows for longer again: rows, titles, and lines of few as they were folded. A site that was
// added since does, though no collector has run. What is as it was then is said.
func TestRestoreDeleted(t *testing.T) {
	today := calendar.DayOf(time.Now().UTC())
	old := today - 100
	data := filled(t, old, today-40, today)
	dir := filepath.Join(t.TempDir(), "backups")
	run := runner(t, "--data", data)
	inStore(t, data, func(st *store.Store) {
		must(t, st.Insert(t.Context(), hit.Batch{Titles: []hit.PageTitle{{Site: 1, Path: "/", Title: "Home", Day: old, Visitors: 9}}}, "titles"))
	})
	token := strings.Fields(run("token", "add", "--site", "example.org"))[1]
	run("requests", "add", "2026/17", "--kind", "access")
	run("backup", dir)
	run("token", "remove", strings.TrimSuffix(token, ","))
	run("requests", "answer", "2026/17")
	run("site", "add", "--host", "later.example", "--timezone", "Europe/Oslo", "--quiet")
	run("site", "edit", "later.example", "--name", "Later")
	run("policy", "set", "retention=90d", "--yes")
	run("retention", "run", "--confirm", (today - 90).String())
	run("policy", "set", "--site", "1", "retention=30d", "--yes")
	run("retention", "run")
	run("policy", "set", "retention=3y", "fold=0", "--yes")
	run("policy", "set", "--site", "1", "retention=default", "--yes")
	const question = "SELECT (SELECT groupArray(DISTINCT day) FROM hits), (SELECT count() FROM titles), (SELECT groupUniqArray((month, value)) FROM (SELECT month, value FROM monthly WHERE dimension = 'page' ORDER BY ALL))"
	left := run("query", question)
	if !strings.HasPrefix(left, "['"+today.String()+"']\t0\t") || !strings.Contains(left, "[other]") {
		t.Fatalf("the deletions have left %q", left)
	}
	must(t, os.RemoveAll(filepath.Join(data, "clickhouse")))
	out := run("restore", dir)
	for _, want := range []string{"no such rows\n", "deleted again, as a receipt since the backup says: retention of all sites before " + (today - 90).String() + ": 3\n", "retention of sites 1 before " + (today - 30).String() + ": 3\n", "folding of ",
		"site 2: later.example is added, as the copy of ", "tokens: 1 as they were at ", "register of requests: 1 cases as they were at "} {
		if !strings.Contains(out, want) {
			t.Errorf("restore says %q, want %q", out, want)
		}
	}
	if got := run("query", question); got != left {
		t.Errorf("restored are\n%s\nwant\n%s", got, left)
	}
	if out := run("receipts", "verify"); !strings.Contains(out, "receipts are whole") {
		t.Errorf("receipts verify says %q", out)
	}
	if out := run("site", "list"); !strings.Contains(out, "2\tLater\tlater.example\tEurope/Oslo\t") {
		t.Errorf("the sites are %q", out)
	}
	// A host that two sites have names neither.
	run("site", "add", "--host", "later.example", "--quiet")
	if _, errs, status := command(t, "", "site", "edit", "later.example", "--name", "Other", "--data", data); status != 1 || !strings.Contains(errs, `sites 2 and 3 have the host "later.example": name one by its number`) {
		t.Errorf("of a host of two sites: status %d, %q", status, errs)
	}
	// Elsewhere nothing is known of it.
	if out := runner(t, "--data", filepath.Join(t.TempDir(), "data"))("restore", dir); !strings.Contains(out, "receipts: the data directory knows none. If rows lived for a shorter time") {
		t.Errorf("restore elsewhere says %q", out)
	}
}
