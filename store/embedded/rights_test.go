package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// leastRights makes a store, and then reads it with the right to SELECT from it alone.
func leastRights(dir string) error {
	ctx := context.Background()
	open := func(create bool, f func(*store.Store) error) error {
		st, err := store.Open(ctx, store.Config{Dir: dir, Create: create})
		if err != nil {
			return err
		}
		return errors.Join(f(st), st.Close())
	}
	site := site.Site{Name: "a", Hosts: []string{"example.org"}, Location: time.UTC}
	err := open(true, func(st *store.Store) error {
		_, err := st.AddSite(ctx, site)
		return err
	})
	if err != nil {
		return err
	}
	embedded.LetRead(store.DefaultDatabase)
	err = open(false, func(st *store.Store) error {
		now := time.Now()
		day := calendar.DayOf(now)
		span := calendar.One(day)
		read := map[string]error{}
		sites, err := st.Sites(ctx)
		if read["Sites"] = err; len(sites) != 1 {
			fmt.Println("sites:", sites)
		}
		_, read["Tokens"] = st.Credentials(ctx)
		_, read["Users"] = st.Users(ctx)
		_, read["Audit"] = st.Audit(ctx, now, time.Time{}, 10)
		figures := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
		_, read["Reports.Ask"] = figures.Ask(ctx, []report.Query{{Sites: []uint32{1}, Range: span, Measures: []string{"visits"}, Step: report.Hour}})
		_, read["Excluded"] = st.Excluded(ctx, 1, span, 10)
		_, read["Before"] = st.Before(ctx, now)
		_, read["AuditLog.Before"] = st.AuditLog().Before(ctx, now)
		_, read["ClockNote"] = st.ClockNote(ctx)
		_, read["Held"] = st.Held(ctx, privacy.Selection{Network: "84.212.0.0/16", To: now})
		read["FindTexts"] = st.FindTexts(ctx, privacy.Selection{Text: "kari", To: now}, func(privacy.FoundText) error { return nil })
		rights, err := st.Rights(ctx)
		read["Rights"] = err
		for _, r := range rights {
			if r.Given != (r.Name == "SELECT") {
				fmt.Printf("right to %s: %v\n", r.Name, r.Given)
			}
		}
		read["Query"] = st.Query(ctx, "SELECT count() FROM hits", "", io.Discard)
		for what, err := range read {
			if err != nil {
				fmt.Println(what, err)
			}
		}
		if _, err := st.AddSite(ctx, site); err == nil {
			fmt.Println("a site was added: this engine lets all do everything")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	// Who may make a store needs no right to when others have made it.
	if err := open(true, func(*store.Store) error { return nil }); err != nil {
		return fmt.Errorf("what is there already: %w", err)
	}
	return nil
}

// TestReadingTakesTheRightToSelect: commands that read need no other right than SELECT
// on the database, be it to open the store.
func TestReadingTakesTheRightToSelect(t *testing.T) {
	needLibrary(t)
	out, err := runChild(t, "least rights", t.TempDir())
	if err != nil || strings.TrimSpace(out) != "" {
		t.Errorf("%v: %s", err, out)
	}
}
