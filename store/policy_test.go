package store_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestPolicy: of several first starts one sets the policy, each change is a line that stays,
// with who made it, and a change of what has changed meanwhile is none.
func TestPolicy(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	if _, err := st.Policy(ctx); !errors.Is(err, privacy.ErrNoPolicy) {
		t.Errorf("the policy of a new store: %v", err)
	}
	var starts sync.WaitGroup
	firsts := make([]privacy.Policy, 3)
	for i := range firsts {
		starts.Go(func() {
			p := privacy.Default()
			p.Retention = privacy.Period{Years: i + 1}
			all, err := st.StartPolicy(ctx, p)
			if err != nil || len(all) != 1 {
				t.Errorf("start: %v, %v", all, err)
				return
			}
			firsts[i] = all.Current().Policy
		})
	}
	starts.Wait()
	if firsts[0] != firsts[1] || firsts[0] != firsts[2] {
		t.Errorf("three starts found the policies %v", firsts)
	}

	after := firsts[0]
	after.Retention, after.Bits4 = privacy.Period{Months: 25}, 8
	kari := audit.As(ctx, audit.Actor{Via: audit.Page, Name: "kari"})
	if err := st.ChangePolicy(kari, 1, after); err != nil {
		t.Fatal(err)
	}
	if err := st.ChangePolicy(ctx, 1, firsts[0]); !errors.Is(err, privacy.ErrPolicyChanged) {
		t.Errorf("a change of version 1, made to version 2: %v", err)
	}
	bad := after
	bad.Bits4 = 32
	if err := st.ChangePolicy(ctx, 2, bad); err == nil || !strings.Contains(err.Error(), "IPv4") {
		t.Errorf("a policy that is not valid: %v", err)
	}
	all, err := st.Policies(ctx)
	if err != nil || len(all) != 2 || all[0].Policy != firsts[0] || all[0].Who != "" || all.Current().Number != 2 ||
		all.Current().Policy != after || all.Current().Who != "kari" || all.Current().Via != "page" || all.Current().Since.Before(all[0].Since) {
		t.Errorf("versions %+v, %v", all, err)
	}
	if got := query(t, st, "SELECT who, about FROM audit WHERE action = 'policy changed' AND who != ''"); got != "kari\t"+after.String() {
		t.Errorf("the audit log has %q", got)
	}
}

// TestPolicyOfNewerProgram: a value that this program does not know is no policy for it.
func TestPolicyOfNewerProgram(t *testing.T) {
	st := storetest.Open(t)
	if err := st.Exec(t.Context(), `INSERT INTO policy SELECT 1, '{"record":"standard","sampling":"10"}', now64(6), 'command', 'x'`); err != nil {
		t.Fatal(err)
	}
	if _, err := st.StartPolicy(t.Context(), privacy.Default()); !errors.Is(err, privacy.ErrUnknownPolicy) {
		t.Errorf("error = %v, want ErrUnknownPolicy", err)
	}
}

// TestPreviewPolicy: a preview counts what the next pass deletes, and names the processes
// that were started with other values last.
func TestPreviewPolicy(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	one, err := st.AddSite(ctx, site.Site{Name: "One", Hosts: []string{"one.example"}, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	today := calendar.DayOf(now)
	var rows []hit.Row
	for age := range calendar.Day(10) {
		day := today - 10*age
		rows = append(rows, hit.Row{Site: one.ID, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: "/a", Network: "203.0.0.0/16", Pageviews: 1})
	}
	mustInsert(t, st, hit.Batch{Rows: rows, Titles: []hit.PageTitle{{Site: one.ID, Path: "/a", Title: "A", Day: today, Visitors: 5}}}, "a")
	for _, p := range []privacy.Process{
		{Name: "agrees", Told: map[string]string{"retention": "30d", "titles": "5"}},
		{Name: "differed", Told: map[string]string{"retention": "3y"}},
		{Name: "differed", Told: nil},
		{Name: "differs", Told: map[string]string{"retention": "3y", "record": "standard"}},
		{Name: "newer", Told: map[string]string{"sampling": "10"}},
		{Name: "silent", Told: nil},
	} {
		if err := st.NoteProcess(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	after := privacy.Default()
	after.Retention = privacy.Period{Days: 30}
	got, err := st.PreviewPolicy(ctx, after, now)
	if err != nil || got.Rows.Rows != 6 || got.Titles.Rows != 0 {
		t.Errorf("preview %+v, %v, want 6 rows and no title", got, err)
	}
	var names []string
	for _, p := range got.Contradicting {
		names = append(names, p.Name)
	}
	if strings.Join(names, " ") != "differs newer" {
		t.Errorf("processes that contradict: %v", got.Contradicting)
	}
	after.Retention, after.TitleVisitors = privacy.Period{Years: 3}, 0
	if got, err := st.PreviewPolicy(ctx, after, now); err != nil || got.Rows.Rows != 0 || got.Titles.Rows != 1 {
		t.Errorf("preview %+v, %v, want no row and one title", got, err)
	}
}
