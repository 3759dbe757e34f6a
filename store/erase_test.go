package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

var erasedDay = calendar.DayOf(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))

// checked is a selection over all days.
func checked(t *testing.T, s privacy.Selection) privacy.Selection {
	t.Helper()
	s, err := s.Checked(privacy.Default())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ofNetwork(network string, from, to time.Time) privacy.Selection {
	return privacy.Selection{Network: network, From: from, To: to}
}

func noNote([]privacy.Chosen) error { return nil }

// chooseAndErase returns what was there, too.
func chooseAndErase(ctx context.Context, st *store.Store, s privacy.Selection, note func([]privacy.Chosen) error) (privacy.Held, error) {
	chosen, err := st.Choose(ctx, s)
	if err == nil {
		err = st.Erase(ctx, chosen, note)
	}
	return chosen.Held, err
}

// erase erases and returns what was there.
func erase(t *testing.T, st *store.Store, s privacy.Selection) privacy.Held {
	t.Helper()
	held, err := chooseAndErase(t.Context(), st, checked(t, s), noNote)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// texts returns the columns of the store that hold a text, by table, with how many lines do.
// It asks the engine which columns there are, and knows no list of ours.
func texts(t *testing.T, st *store.Store, text string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	for line := range strings.Lines(query(t, st, "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND type LIKE '%String%' AND table NOT LIKE '%_view' ORDER BY ALL")) {
		table, column, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if n := number(t, query(t, st, fmt.Sprintf("SELECT count() FROM `%s` WHERE positionCaseInsensitive(toString(`%s`), '%s') > 0", table, column, text))); n > 0 {
			found[table+"."+column] = n
		}
	}
	return found
}

// sumsOf returns the sums of all measures of all tables.
func sumsOf(t *testing.T, st *store.Store) string {
	t.Helper()
	all := []string{query(t, st, "SELECT site, day, sum(hits) FROM ledger GROUP BY ALL ORDER BY ALL")}
	for _, r := range report.Rollups {
		l := r.Lines()
		dimension := ""
		if slices.Contains(l.Keys, "dimension") {
			dimension = "dimension, "
		}
		all = append(all, r.Name+"\t"+query(t, st, "SELECT site, "+l.Day+", "+dimension+"sum("+strings.Join(l.Measures, "), sum(")+") FROM "+r.Name+" GROUP BY ALL HAVING max(1) ORDER BY ALL"))
	}
	all = append(all, query(t, st, "SELECT site, day, count(), sum(pageviews), sum(visits), sum(seconds) FROM hits GROUP BY ALL ORDER BY ALL"))
	return strings.Join(all, "\n")
}

// marked is a row with a text in every field in which a sender may have written it.
func marked(text string) hit.Row {
	row := hit.Row{
		Site: 1, Day: erasedDay, Time: erasedDay.Time().Add(time.Hour), Kind: hit.Pageview, Channel: "campaign", Country: "NO", Region: "NO-50",
		Browser: "Firefox", Network: "84.212.0.0/16", Pageviews: 1, Visits: 1, Visitors: 1, PageVisitors: 1, SectionVisitors: 1, Seconds: 7,
	}
	for _, f := range hit.Fields {
		if f.Free() {
			at := f.At.(func(*hit.Row) *string)
			if *at(&row) = text + " " + f.Name; f.IsPath() {
				*at(&row) = "/ansatt/" + text + "/" + f.Name
			}
		}
	}
	return row
}

// manyKinds are rows of all kinds, some with a text, and what is stored beside them.
func manyKinds(text string) hit.Batch {
	var rows []hit.Row
	for _, text := range []string{text, "noe annet", text + "s cv"} {
		for i, kind := range []hit.Kind{hit.Pageview, hit.Event, hit.Outlink, hit.Download, hit.Search, hit.Goal, hit.Ping} {
			row := marked(text)
			row.Kind, row.Day, row.Time = kind, row.Day-calendar.Day(20*i), row.Time.AddDate(0, 0, -20*i)
			if kind != hit.Pageview {
				row.Pageviews, row.Visits = 0, 0
			}
			rows = append(rows, row)
		}
		missing := marked(text)
		missing.Kind, missing.Name, missing.Pageviews = hit.Event, "404 / /ansatt/"+text, 0
		other := marked(text)
		other.Other = hit.PageBits.Mask()&^(1<<61) | 1<<7
		short := marked(text)
		short.Path, short.EntryPath, short.Site = "/"+text, "/"+text+"/x", 2
		short.Other = 1 << 5 // its line is that of the other pages of its section
		rows = append(rows, missing, other, short)
	}
	return hit.Batch{
		Rows:   rows,
		Ledger: []hit.LedgerEntry{{Site: 1, Day: erasedDay, Reason: hit.ForeignHost, Name: text + ".no", Count: 3}, {Site: 1, Day: erasedDay, Reason: hit.ForeignHost, Name: "annen.no", Count: 4}},
		Titles: []hit.PageTitle{{Site: 1, Path: "/ansatt/" + text, Title: "En", Day: erasedDay, Visitors: 9}, {Site: 1, Path: "/x", Title: text, Day: erasedDay, Visitors: 9}, {Site: 1, Path: "/y", Title: "Y", Day: erasedDay, Visitors: 9}},
	}
}

// TestNoTextIsForgotten: each text that a sender can write is found in every column of every table in
// which it is stored, and after an erasure stands in none, while all sums are what they were and
// pages ask rollups and rows to the same answer.
func TestNoTextIsForgotten(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st := storetest.Open(t)
	if err := st.Insert(t.Context(), manyKinds("kari"), "a"); err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"kari", "annet"} {
		for _, v := range []site.View{{Name: "Sidene om " + text}, {Name: fmt.Sprint(i), Page: "/pages", Query: "f=page%3A%2Fansatt%2F" + text + "%2A"}, {Name: fmt.Sprint(i, "q"), Site: 1, Query: "q=" + text, Shared: true}} {
			v.Owner = "per"
			if err := st.PutView(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.PutNote(t.Context(), 1, site.Note{Days: calendar.One(erasedDay), Text: "Siden /ansatt/" + text + ", ny"}); err != nil {
			t.Fatal(err)
		}
	}
	settings := settingsWith(t, st, "kari", "annet")
	for by, s := range map[string]privacy.Selection{"path": {Path: "/ansatt/kari"}, "pattern": {Pattern: "[Kk]ari"}} {
		seen := map[string]int{}
		if err := st.FindTexts(t.Context(), checked(t, s), func(f privacy.FoundText) error { seen[f.Table]++; return nil }); err != nil {
			t.Fatal(err)
		}
		if seen["saved_views"] == 0 || seen["notes"] == 0 || seen["settings"] == 0 {
			t.Errorf("by %s: %v", by, seen)
		}
	}
	want := texts(t, st, "kari")
	found := map[string]int64{}
	selection := checked(t, privacy.Selection{Text: "KARI"})
	err := st.FindTexts(t.Context(), selection, func(f privacy.FoundText) error {
		column := f.Column
		switch {
		case f.Dimension != "":
			column = "value or detail"
		case f.Table == "ledger":
			column = "name"
		}
		found[f.Table+"."+column] += f.Lines
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, held := range []map[string]int64{want, found} { // a line has several texts: see settingsWith
		for column := range held {
			if strings.HasPrefix(column, "sites.") || strings.HasPrefix(column, "settings.") {
				delete(held, column)
			}
		}
	}
	want["saved_views.view"] = want["saved_views.name"] + want["saved_views.query"]
	want["notes.note"] = 2 * want["notes.text"] // the text, and the path in it
	for _, column := range []string{"saved_views.name", "saved_views.query", "notes.text"} {
		delete(want, column)
	}
	for _, table := range []string{"daily", "monthly"} {
		want[table+".value or detail"] = want[table+".value"] + want[table+".detail"]
		delete(want, table+".value")
		delete(want, table+".detail")
	}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found\n%v\nstored\n%v", found, want)
	}
	if len(want) < 20 {
		t.Errorf("only %d columns hold the text: %v", len(want), want)
	}
	before := sumsOf(t, st)
	held := erase(t, st, privacy.Selection{Text: "kari"})
	if held.Rows != 20 || held.Lines == 0 || held.Views != 3 || held.Notes != 1 || held.Goals != 3 || held.Settings != 8 {
		t.Errorf("held %+v", held)
	}
	if left := settings(); left != settingsLeft {
		t.Errorf("of the settings stays\n%s\nwant\n%s", left, settingsLeft)
	}
	if left := texts(t, st, "kari"); len(left) != 1 || left["settings.value"] != 1 { // the statement in force
		t.Errorf("left: %v", left)
	}
	if len(texts(t, st, "annet")) < 20 {
		t.Error("other texts are gone, too")
	}
	if after := sumsOf(t, st); after != before {
		t.Errorf("sums were\n%s\nand are\n%s", before, after)
	}
	sameFromRows(t, st)
	if again := erase(t, st, privacy.Selection{Text: "kari"}); again.All() != 0 {
		t.Errorf("a second time: %+v", again)
	}
}

// settingsLeft are the settings of settingsWith without a text.
const settingsLeft = `name=example.org
tags=Mer,annet
exclude=/x/k*,/k*,/intern,/x/k*/*,/annet/*
path-rules=/*/*,/u/*
ignore-referrers=annet.example
goals=annet
exclude: [erased],[erased],/intern,[erased],/annet/* -> /x/k*,/k*,/intern,/x/k*/*,/annet/*
goals: [erased],Side,annet -> annet
officer=Kari (annet@example.org)`

// settingsWith stores a site with texts in all settings in which people write some, and in their
// history. The function that it returns tells what the settings are, and the last change.
func settingsWith(t *testing.T, st *store.Store, texts ...string) func() string {
	t.Helper()
	one := site.Site{Name: "Før " + texts[0], Hosts: []string{"example.org"}, Location: time.UTC}
	one.Declared.Purpose = "Til " + texts[0]
	one, err := st.AddSite(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*site.Site) error) {
		t.Helper()
		if _, err := st.ChangeSite(t.Context(), one.ID, f); err != nil {
			t.Fatal(err)
		}
	}
	text, other := texts[0], texts[1]
	change(func(s *site.Site) error { // a goal that was, and is no more
		return s.AddGoal(site.NewGoal("Gamle "+text, hit.Event, "x", time.Now()))
	})
	change(func(s *site.Site) error {
		s.Goals, s.Declared.Purpose, s.Declared.Officer = nil, "", "Kari ("+other+"@example.org)"
		s.Name, s.Tags = "Nå /x/"+text, []string{text, "Mer", other}
		s.Excluded = []string{"/x/" + text + "-n", "/" + text, "/intern", "/x/" + text + "/*", "/" + other + "/*"}
		s.PathRules, s.IgnoredReferrers = []string{"/" + text + "/*", "/u/*"}, []string{text + ".example", other + ".example"}
		for _, g := range []site.Goal{site.NewGoal("Siden, "+text, hit.Event, "x", time.Now()), site.NewGoal("Side", hit.Pageview, "/ansatt/"+text, time.Now()), site.NewGoal(other, hit.Event, "x", time.Now())} {
			if err := s.AddGoal(g); err != nil {
				return err
			}
		}
		return nil
	})
	return func() string {
		now, err := st.Site(t.Context(), one.ID)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, key := range []string{"name", "tags", "exclude", "path-rules", "ignore-referrers"} {
			all = append(all, key+"="+site.FindSetting(key).Get(now))
		}
		all = append(all, "goals="+now.GoalNames())
		changes, err := st.SiteChanges(t.Context(), one.ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if c.Setting == "exclude" || c.Setting == "goals" {
				all = append(all, c.Setting+": "+c.Before+" -> "+c.After)
			}
		}
		return strings.Join(append(all, "officer="+now.Declared.Officer), "\n")
	}
}

// sameFromRows compares the lines of the rollups with what their views make of the rows now.
func sameFromRows(t *testing.T, st *store.Store) {
	t.Helper()
	for _, r := range report.Rollups {
		l := r.Lines()
		keys, sums := strings.Join(l.Keys, ", "), "sum("+strings.Join(l.Measures, "), sum(")+")"
		of := r.Select()
		if r.Name == "monthly" {
			continue // of daily, below
		}
		got := query(t, st, "SELECT "+keys+", "+sums+" FROM "+r.Name+" GROUP BY "+keys+" ORDER BY ALL")
		want := query(t, st, "SELECT "+keys+", "+sums+" FROM ("+of+") GROUP BY "+keys+" ORDER BY ALL")
		if got != want {
			t.Errorf("%s has\n%s\nand its view makes of the rows\n%s", r.Name, got, want)
		}
	}
	keys := "site, dimension, value, detail"
	got := query(t, st, "SELECT month, "+keys+", sum(pageviews), sum(events), sum(seconds) FROM monthly GROUP BY month, "+keys+" ORDER BY ALL")
	want := query(t, st, "SELECT toStartOfMonth(day) AS month, "+keys+", sum(pageviews), sum(events), sum(seconds) FROM daily GROUP BY month, "+keys+" ORDER BY ALL")
	if got != want {
		t.Errorf("monthly has\n%s\nand daily\n%s", got, want)
	}
}

// dies is a server whose answers end at the change with a number, before or after the engine has
// carried it out, and at all later ones. Locks are released, or the test would wait until they are
// stale.
type dies struct {
	http.Handler
	at    int64
	after bool
	n     atomic.Int64
}

func (d *dies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	statement := strings.TrimSpace(string(body))
	if strings.Contains(statement, "sipHash64Keyed") && !strings.HasPrefix(statement, "SELECT") ||
		strings.HasPrefix(statement, "INSERT INTO monthly") || strings.HasPrefix(statement, "OPTIMIZE") {
		n := d.n.Add(1)
		if n == d.at && d.after {
			d.Handler.ServeHTTP(httptest.NewRecorder(), r)
		}
		if n >= d.at {
			panic(http.ErrAbortHandler)
		}
	}
	d.Handler.ServeHTTP(w, r)
}

// everyDeath, set to anything, makes TestKilledErasure try every change, not one in seventeen.
const everyDeath = "FOTSPOR_EVERY_DEATH"

// TestKilledErasure: wherever an erasure ends, the next one takes out what is left, and no sum has
// changed.
func TestKilledErasure(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	step := int64(17)
	if os.Getenv(everyDeath) != "" {
		step = 1
	}
	for at := int64(1); killedErasure(t, at, false); at += step {
	}
	for at := 1 + step/2; killedErasure(t, at, true); at += step {
	}
}

// killedErasure ends an erasure before or after a change, and tries another one. It reports
// whether the erasure has so many changes.
func killedErasure(t *testing.T, at int64, after bool) bool {
	d := &dies{Handler: storetest.Engine(t), at: math.MaxInt64, after: after}
	server := httptest.NewServer(d)
	defer server.Close()
	database := storetest.Database()
	st, err := store.Open(t.Context(), store.Config{DSN: server.URL + "/" + database, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(st.Exec(t.Context(), "DROP DATABASE "+database+" SYNC"), st.Close()); err != nil { // all tests share the memory
			t.Error(err)
		}
	}()
	if err := st.Insert(t.Context(), manyKinds("kari"), "a"); err != nil {
		t.Fatal(err)
	}
	before := sumsOf(t, st)
	d.at = at
	_, err = chooseAndErase(t.Context(), st, checked(t, privacy.Selection{Text: "kari"}), noNote)
	if d.at = math.MaxInt64; err == nil {
		if at < 8 {
			t.Errorf("an erasure is only %d changes", at-1)
		}
		return false
	}
	erase(t, st, privacy.Selection{Text: "kari"})
	if left := texts(t, st, "kari"); len(left) > 0 {
		t.Errorf("died at %d (after it: %t): left %v", at, after, left)
	}
	if got := sumsOf(t, st); got != before {
		t.Errorf("died at %d (after it: %t): sums were\n%s\nand are\n%s", at, after, before, got)
	}
	sameFromRows(t, st)
	return true
}
