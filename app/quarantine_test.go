package app

import (
	"testing"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// TestTakeExpired: of a quarantined segment go the rows and titles that are past the time of their
// site, and no others.
func TestTakeExpired(t *testing.T) {
	b := hit.Batch{
		Rows:   []hit.Row{{Site: 1, Day: 99}, {Site: 1, Day: 100}, {Site: 2, Day: 1}},
		Titles: []hit.PageTitle{{Site: 1, Day: 99}, {Site: 2, Day: 1}},
		Ledger: []hit.LedgerEntry{{Site: 1, Day: 1}},
	}
	if n := takeExpired(&b, map[uint32]calendar.Day{1: 100}); n != 2 || len(b.Rows) != 2 || b.Rows[0].Day != 100 || len(b.Titles) != 1 || b.Titles[0].Site != 2 || len(b.Ledger) != 1 {
		t.Errorf("took %d, left %+v", n, b)
	}
}
