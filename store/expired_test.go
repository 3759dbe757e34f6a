package store_test

import (
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestExpired: what the TTL of a server took since the last pass is found, from which days and
// how much; what was erased, what a pass deleted, and rows that are still there are not.
func TestExpired(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the disk")
	}
	st := storetest.Open(t)
	today := calendar.DayOf(time.Now().UTC())
	row := func(site uint32, day calendar.Day, network string) hit.Row {
		return hit.Row{Site: site, Time: day.Time().Add(time.Hour), Day: day, Kind: hit.Pageview, Path: "/", Network: network, Pageviews: 1}
	}
	event := row(1, today-64, "10.0.0.0/16")
	event.Kind, event.Pageviews, event.Name = hit.Event, 0, "a"
	mustInsert(t, st, []hit.Row{
		row(1, today-80, "10.0.0.0/16"), // before the last pass
		row(1, today-70, "10.0.0.0/16"), row(1, today-64, "10.0.0.0/16"), row(2, today-64, "10.0.0.0/16"), event,
		row(1, today-66, "84.212.0.0/16"),                                // erased
		row(1, today-50, "10.0.0.0/16"), row(1, today-10, "10.0.0.0/16"), // past its time, and not
	}, "a")
	until := func(day calendar.Day, want int64, first, last calendar.Day) {
		t.Helper()
		got, err := st.Expired(t.Context(), day.Time())
		if err != nil || got.Rows != want || want > 0 && (calendar.DayOf(got.First) != first || calendar.DayOf(got.Last) != last) {
			t.Errorf("until %s: %+v, %v; want %d from %s to %s", day, got, err, want, first, last)
		}
	}
	if _, err := chooseAndErase(t.Context(), st, ofNetwork("84.212.0.0/16", (today-70).Time(), today.Time()), noNote); err != nil {
		t.Fatal(err)
	}
	if err := st.DeleteBefore(t.Context(), (today - 75).Time()); err != nil {
		t.Fatal(err)
	}
	month := privacy.Period{Days: 30}
	if err := st.ExpireServer(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	if err := st.Exec(t.Context(), "OPTIMIZE TABLE hits FINAL"); err != nil {
		t.Fatal(err)
	}
	if got := query(t, st, "SELECT count() FROM hits"); got != "2" {
		t.Fatalf("after the TTL there are %s rows, want 2", got)
	}
	until(today-30, 0, 0, 0) // no pass before
	if err := st.AddReceipt(t.Context(), 1, receipt.Receipt{Text: []byte(`{"number":1,"kind":"retention","to":"` + (today - 75).String() + `"}`)}); err != nil {
		t.Fatal(err)
	}
	if err := st.AddReceipt(t.Context(), 2, receipt.Receipt{Text: []byte(`{"number":2,"kind":"erasure","to":"` + today.String() + `"}`)}); err != nil {
		t.Fatal(err)
	}
	until(today-30, 4, today-70, today-64)
	until(today-64, 1, today-70, today-70)
	if err := st.AddReceipt(t.Context(), 3, receipt.Receipt{Text: []byte(`{"number":3,"kind":"expiry","to":"` + (today - 63).String() + `"}`)}); err != nil {
		t.Fatal(err)
	}
	until(today-30, 0, 0, 0)
}
