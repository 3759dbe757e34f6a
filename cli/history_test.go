package cli_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/cli"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/retention/journal"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestThreeYears has hits on some days of three years and some months, with a long hole, moves the
// clock from day to day with a pass on every third of these, makes and prunes backups, and erases a text. Then it
// reads every byte of the data directory, of the backups, and of a data directory that the last
// backup was restored into: of rows that are past their time, of networks that have aged, of texts
// in totals of few and of what was erased there is nothing, while what may stay is found.
func TestThreeYears(t *testing.T) {
	if os.Getenv("FOTSPOR_EVERY_DEATH") == "" {
		t.Skip("takes minutes: make torture runs it")
	}
	data, backups := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backups")
	at := func(day calendar.Day, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		status := cli.Main(t.Context(), cli.Env{
			Args: append(args, "--data", data), Environ: []string{"FOTSPOR_ENGINE=" + storetest.Library(t)}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
			Now: func() time.Time { return noon(day) }, Synchronised: func() bool { return true },
		})
		if status != 0 {
			t.Fatalf("%s: %v: status %d, %s%s", day, args, status, &out, &errs)
		}
		return out.String()
	}
	first := calendar.DayOf(time.Date(2022, 3, 5, 0, 0, 0, 0, time.UTC))
	var days []calendar.Day
	for n := 0; n < 1190; n += 1 + 11*n%37 {
		if n < 300 || n > 420 { // nobody comes for months
			days = append(days, first+calendar.Day(n))
		}
	}
	last := days[len(days)-1]

	at(first, "site", "add", "--host", "example.org", "--create")
	at(first, "policy", "set", "retention=3y", "ageing=90d:network", "fold=5", "backups=30d", "--yes")
	insertAndPass(t, data, nil, "")
	const erased = "erasemark" // a text that is erased in the middle
	mark := erased
	stretch := len(days)/4 + 1
	for part := range slices.Chunk(days, stretch) {
		insertAndPass(t, data, part, mark)
		end := part[len(part)-1]
		if end == days[2*stretch-1] {
			sp, err := spool.Open(filepath.Join(data, "spool"), spool.Options{Now: func() time.Time { return noon(end) }})
			must(t, err)
			must(t, sp.Append(hit.Batch{Rows: []hit.Row{{Site: 1, Day: end, Time: noon(end), Kind: hit.Pageview, Path: "/x/" + erased, Pageviews: 1}}}), sp.Close())
		}
		if end == days[3*stretch-1] {
			if log, err := journal.Read(data, time.Time{}); err != nil || len(log.Erasures) != 1 {
				t.Errorf("while there is a backup from before it, the journal has %+v, %v, want an erasure", log, err)
			}
		}
		at(end, "backup", backups)
		if end == days[2*stretch-1] {
			if len(holding(t, []string{erased}, data)) == 0 || len(holding(t, []string{erased}, backups)) == 0 {
				t.Error("what will be erased is not found before")
			}
			at(end, "erase", "--text", erased, "--yes")
			mark = "another"
		}
		at(end, "backup", "prune", backups)
	}
	at(last+1, "retention", "run")
	if log, err := journal.Read(data, time.Time{}); err != nil || len(log.Erasures) > 0 || !log.Since.Equal((last + 1 - 30).Time().Add(-journal.Slack)) {
		t.Errorf("after the last backup from before the erasure the journal has %+v, %v", log, err)
	}
	to := filepath.Join(t.TempDir(), "data")
	must(t, os.Mkdir(to, 0o700))
	for _, name := range []string{"erasures.journal", "erasures.key"} {
		text, err := os.ReadFile(filepath.Join(data, name))
		must(t, err, os.WriteFile(filepath.Join(to, name), text, 0o600))
	}
	was := data
	data = to
	at(last+1, "restore", backups)
	data = was

	cutoff, aged := (last + 1).AddMonths(-36), last+1-90
	gone, stays := []string{erased}, []string{}
	n := 0
	for _, day := range days {
		network, text := marksOf(day)
		if day < aged {
			gone = append(gone, network)
			n++
		} else {
			stays = append(stays, network)
		}
		if day < cutoff.FirstOfMonth() {
			gone = append(gone, text)
			n++
		} else {
			stays = append(stays, text)
		}
	}
	if n < 50 || len(stays) < 40 {
		t.Fatalf("%d marks have to be gone, and %d stay", n, len(stays))
	}
	for _, dir := range []string{data, backups, to} {
		for file, marks := range holding(t, gone, dir) {
			t.Errorf("%s holds %q", file, marks)
		}
		found := map[string]bool{}
		for _, marks := range holding(t, stays, dir) {
			for _, mark := range marks {
				found[mark] = true
			}
		}
		for _, mark := range stays {
			if !found[mark] {
				t.Errorf("%s does not hold %q, so what is gone would not be found either", dir, mark)
			}
		}
	}
	if out := at(last+1, "receipts", "verify"); !strings.Contains(out, "are whole") {
		t.Errorf("receipts verify says %q", out)
	}
}

func noon(day calendar.Day) time.Time { return day.Time().Add(12 * time.Hour) }

// marksOf returns a network and a text that only the hits of one day have.
func marksOf(day calendar.Day) (network, text string) {
	return fmt.Sprintf("%d.%d.0.0/16", 101+day/100%100, 100+day%100), fmt.Sprintf("mark%x", sha256.Sum256([]byte(day.String())))[:24]
}

// insertAndPass inserts the hits of some days, of which every third, and the last one, is followed by a pass the day after. Each
// day has a hit with a text. Without that it makes the tables keep texts as they are, so that they
// are found on the disk.
func insertAndPass(t *testing.T, data string, days []calendar.Day, mark string) {
	t.Helper()
	opts := app.DefaultOptions()
	opts.Data, opts.Synchronised = data, func() bool { return true }
	inStore(t, data, func(st *store.Store) {
		if mark == "" {
			var out strings.Builder
			must(t, st.Query(t.Context(), `SELECT 'ALTER TABLE ' || table || ' MODIFY COLUMN ' || arrayStringConcat(groupArray('`+"`' || name || '`"+` CODEC(NONE)'), ', MODIFY COLUMN ')
				FROM system.columns WHERE database = currentDatabase() AND type LIKE '%String%' AND default_kind = '' AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
				GROUP BY table`, "", &out))
			for statement := range strings.Lines(out.String()) {
				execute(t, st, statement)
			}
		}
		for i, day := range days {
			network, text := marksOf(day)
			base := hit.Row{
				Site: 1, Day: day, Time: noon(day), Kind: hit.Pageview, Path: "/p/" + text, EntryPath: "/p/" + text, Network: network, Country: "NO",
				Channel: "campaign", Campaign: text, Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1,
			}
			next, search, another := base, base, base
			next.Path, next.PreviousPath, next.Visits, next.Visitors = "/q/"+text, base.Path, 0, 0
			search.Kind, search.Name, search.Pageviews, search.Visits, search.Visitors = hit.Search, text, 0, 0, 0
			another.Path, another.EntryPath = "/x/"+mark, "/x/"+mark
			must(t, st.Insert(t.Context(), hit.Batch{
				Rows:   []hit.Row{base, next, search, another},
				Ledger: []hit.LedgerEntry{{Site: 1, Day: day, Reason: hit.ForeignHost, Name: text + ".example", Count: 1}},
				Titles: []hit.PageTitle{{Site: 1, Path: base.Path, Title: text, Day: day, Visitors: 9}},
			}, text))
			if i%3 != 0 && i < len(days)-1 {
				continue
			}
			opts.Now = func() time.Time { return noon(day + 1) }
			clock := opts.NewClock(st, opts.Logger, nil)
			worker := opts.NewWorker(st, clock, nil, nil)
			worker.Outside = opts.Outside(st)
			_, err := worker.Pass(t.Context(), opts.Now())
			must(t, err)
		}
	})
}

// execute runs a statement that changes something.
func execute(t *testing.T, st *store.Store, statement string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://engine/?database="+store.DefaultDatabase, strings.NewReader(statement))
	must(t, err)
	resp, err := st.Engine().RoundTrip(r)
	must(t, err)
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", statement, text, err)
	}
}

// holding returns which of some texts the files of a directory hold, in what they are called too.
func holding(t *testing.T, texts []string, dir string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data := []byte(path)
		if d.Type().IsRegular() {
			more, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data = append(data, more...)
		}
		for _, text := range texts {
			if bytes.Contains(data, []byte(text)) {
				found[path] = append(found[path], text)
			}
		}
		return nil
	}))
	return found
}
