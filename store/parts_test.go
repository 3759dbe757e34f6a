package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestInsertOfManyTexts: a large segment with ten texts in each row that no other row has is
// stored by an engine of the default memory, and once: also if it is sent again in other pieces.
func TestInsertOfManyTexts(t *testing.T) {
	const n = 110_000
	st := storetest.Open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	rows := someRows(rng, n, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), 1, oslo)
	for i := range rows {
		r := &rows[i]
		for k, text := range []*string{&r.Path, &r.EntryPath, &r.PreviousPath, &r.Name, &r.Campaign, &r.CampaignSource, &r.CampaignMedium, &r.CampaignTerm, &r.CampaignContent, &r.Source} {
			*text = fmt.Sprintf("%d-%d", k, i)
		}
	}
	views, seconds, _ := count(rows)
	for _, piece := range []int{n, 1000} {
		in := st.Begin()
		for at := 0; at < n; at += piece {
			in.Add(rows[at : at+piece])
		}
		if err := in.Insert(t.Context(), hit.Batch{Again: piece < n}, "a"); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"hits", "hourly", "cube"} {
			var out strings.Builder
			sql := "SELECT sum(pageviews), sum(seconds) FROM " + table
			if err := st.Query(t.Context(), sql, "", &out); err != nil || out.String() != fmt.Sprintf("%d\t%d\n", views, seconds) {
				t.Errorf("pieces of %d: %s has %q, %v, want %d page views and %d seconds", piece, table, out.String(), err, views, seconds)
			}
		}
	}
}
