package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestRequests: the register holds what was noted last, open requests first, and the retention
// worker deletes each a year after its end, also by a pass that comes late.
func TestRequests(t *testing.T) {
	st := storetest.Open(t)
	ctx := audit.As(t.Context(), audit.Actor{Via: audit.Page, Name: "kari"})
	day := func(text string) calendar.Day {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return calendar.DayOf(at)
	}
	today := day("2026-11-28")
	add := func(number, received string, kind privacy.RequestKind) error {
		return st.AddRequest(ctx, privacy.Request{Case: number, Kind: kind, Received: day(received)}, today)
	}
	change := func(number string, f func(*privacy.Request) error) error {
		return st.ChangeRequest(ctx, number, today, audit.RequestAnswered, f)
	}
	extend := func(r *privacy.Request) error { return r.Extend(r.Received) }
	register := func() string {
		t.Helper()
		all, err := st.Requests(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, r := range all {
			lines = append(lines, fmt.Sprintf("%s %s %s-%s %d %s", r.Case, r.Kind, r.Received, r.AnswerBy(), max(0, r.Answered-r.Received), r.By))
		}
		return strings.Join(lines, "; ")
	}
	for _, err := range []error{
		add("2026/1", "2026-11-20", privacy.AskedAccess), add("2026/2", "2026-01-31", privacy.AskedErasure), add("2026/3", "2025-03-05", privacy.AskedObjection), add("2026/4", "2025-03-05", privacy.AskedAccess),
		change("2026/3", func(r *privacy.Request) error { return r.Answer(r.Received + 9) }),
		change("2026/4", extend), change("2026/4", func(r *privacy.Request) error { return r.Answer(day("2025-06-05")) }),
		change("2026/2", extend),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const all = "2026/2 erasure 2026-01-31-2026-04-30 0 kari; 2026/1 access 2026-11-20-2026-12-20 0 kari; 2026/4 access 2025-03-05-2025-06-05 92 kari; 2026/3 objection 2025-03-05-2025-04-05 9 kari"
	if got := register(); got != all {
		t.Errorf("the register has\n%s, want\n%s", got, all)
	}
	for what, c := range map[string]struct{ err, want error }{
		"a case that is known":    {add("2026/1", "2026-11-21", privacy.AskedErasure), privacy.ErrKnown},
		"a name":                  {add("Kari Nordmann", "2026-11-21", privacy.AskedErasure), privacy.ErrCase},
		"a case that is not":      {change("2026/9", extend), privacy.ErrNoRequest},
		"another extension":       {change("2026/2", extend), privacy.ErrExtended},
		"an answer before":        {change("2026/1", func(r *privacy.Request) error { return r.Answer(r.Received - 1) }), privacy.ErrRequestDay},
		"removal of none":         {st.RemoveRequest(ctx, "2026/9' OR 1 --"), privacy.ErrNoRequest},
		"a change into something": {change("2026/1", func(r *privacy.Request) error { r.Case = "kari@example.org"; return nil }), privacy.ErrCase},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", what, c.err, c.want)
		}
	}
	if got := register(); got != all {
		t.Errorf("after what was refused the register has\n%s", got)
	}

	pass := func(text string) {
		t.Helper()
		at := day(text).Time().Add(10 * time.Hour)
		cutoff, old := privacy.RequestKeep.Cutoff(at), st.OldRequests()
		held, err := old.Before(t.Context(), cutoff)
		before := strings.Count(register(), "26/")
		if err == nil && held.Rows > 0 {
			err = old.DeleteBefore(t.Context(), cutoff)
		}
		if err != nil {
			t.Fatal(err)
		}
		if after := strings.Count(register(), "26/"); int64(before-after) != held.Rows {
			t.Errorf("on %s %d were found, and %d deleted", text, held.Rows, before-after)
		}
	}
	for _, c := range []struct{ day, want string }{
		{"2026-03-14", "2026/2 2026/1 2026/4 2026/3"}, {"2026-03-15", "2026/2 2026/1 2026/4"}, // a year after the answer
		{"2026-06-05", "2026/2 2026/1 2026/4"}, {"2026-06-06", "2026/2 2026/1"},
		{"2027-04-30", "2026/2 2026/1"}, {"2027-05-01", "2026/1"}, // never answered: after the last day for it
		{"2029-01-01", ""},
	} {
		pass(c.day)
		var left []string
		for part := range strings.SplitSeq(register(), "; ") {
			number, _, _ := strings.Cut(part, " ")
			left = append(left, number)
		}
		if got := strings.Join(left, " "); got != c.want {
			t.Errorf("after the pass of %s there are %q, want %q", c.day, got, c.want)
		}
	}
	if n := query(t, st, "SELECT count() FROM requests"); n != "0" {
		t.Errorf("%s rows are left", n)
	}

	if err := add("2026/5", "2026-11-20", privacy.AskedAccess); err != nil {
		t.Fatal(err)
	}
	if err := st.RemoveRequest(ctx, "2026/5"); err != nil || query(t, st, "SELECT count() FROM requests") != "0" {
		t.Errorf("removed: %v", err)
	}
	if n := query(t, st, "SELECT count() FROM audit WHERE action LIKE 'request %' AND who = 'kari'"); n != "10" {
		t.Errorf("the audit log has %s lines", n)
	}
	if err := st.Exec(t.Context(), fmt.Sprintf("INSERT INTO requests (number, kind, received) SELECT toString(number), 'access', '2026-11-01' FROM numbers(%d)", privacy.MaxRequests)); err != nil {
		t.Fatal(err)
	}
	if err := add("2026/6", "2026-11-20", privacy.AskedAccess); !errors.Is(err, privacy.ErrManyRequest) {
		t.Errorf("a full register: %v", err)
	}
}
