package dashboard

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

func TestParsePeriod(t *testing.T) {
	for _, test := range []struct {
		now, query, span, before string
	}{
		{"2026-11-22", "", "2026-11-16 2026-11-22", "2026-11-09 2026-11-15"},
		{"2026-11-22", "period=today", "2026-11-22 2026-11-22", "2026-11-21 2026-11-21"},
		{"2026-11-22", "period=30d", "2026-10-24 2026-11-22", "2026-09-24 2026-10-23"},
		{"2026-11-01", "period=month", "2026-11-01 2026-11-01", "2026-10-01 2026-10-01"},
		{"2026-03-30", "period=month", "2026-03-01 2026-03-30", "2026-02-01 2026-02-28"},
		{"2026-03-31", "period=month", "2026-03-01 2026-03-31", "2026-02-01 2026-02-28"},
		{"2026-02-28", "period=month", "2026-02-01 2026-02-28", "2026-01-01 2026-01-31"},
		{"2026-11-22", "period=month&from=2026-01-31", "2026-01-01 2026-01-31", "2025-12-01 2025-12-31"},
		{"2024-02-29", "period=12m", "2023-03-01 2024-02-29", "2022-03-01 2023-02-28"},
		{"2026-11-22", "period=custom&from=2026-11-20&to=2027-01-01", "2026-11-20 2026-11-22", "2026-11-17 2026-11-19"},
		{"2026-11-22", "period=custom&from=2026-11-22&to=2026-11-22", "2026-11-22 2026-11-22", "2026-11-21 2026-11-21"},
	} {
		now, err := time.Parse(time.DateOnly, test.now)
		if err != nil {
			t.Fatal(err)
		}
		query, _ := url.ParseQuery(test.query)
		p, err := parsePeriod(query, now)
		if err != nil {
			t.Errorf("%s on %s: %v", test.query, test.now, err)
			continue
		}
		if got := p.span.From.String() + " " + p.span.To.String(); got != test.span {
			t.Errorf("%s on %s = %s, want %s", test.query, test.now, got, test.span)
		}
		if got := p.before.From.String() + " " + p.before.To.String(); got != test.before {
			t.Errorf("%s on %s is compared with %s, want %s", test.query, test.now, got, test.before)
		}
		// A link to the period means the same, and so does there and back.
		if again, err := parsePeriod(p.query(), now); err != nil || again != p {
			t.Errorf("%s on %s through its own link = %+v, %v, want %+v", test.query, test.now, again, err, p)
		}
		earlier, err := parsePeriod(p.earlier(), now)
		if err != nil || earlier.span.To >= p.span.From || earlier.later() == nil {
			t.Errorf("before %s on %s comes %+v, %v", test.query, test.now, earlier.span, err)
		}
		if (p.later() == nil) != (p.span.To == p.today) {
			t.Errorf("after %s on %s comes %v", test.query, test.now, p.later())
		}
	}
}

func TestBadPeriod(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"period=week", "period=custom", "period=custom&from=2026-11-01", "period=custom&from=2026-11-02&to=2026-11-01",
		"period=custom&from=2026-11-23&to=2026-11-24", "period=custom&from=1.1.2026&to=2.1.2026",
		"period=custom&from=1969-01-01&to=1969-01-02", "period=custom&from=2001-01-01&to=2026-01-01",
		"period=month&from=2026-12-01", "period=month&from=x",
	} {
		query, _ := url.ParseQuery(text)
		if p, err := parsePeriod(query, now); !errors.Is(err, badPeriod) {
			t.Errorf("%s = %+v, %v, want an error", text, p.span, err)
		}
	}
}

func TestStep(t *testing.T) {
	for days, want := range map[int32]report.Step{1: report.Hour, 2: report.Day, 92: report.Day, 93: report.Month} {
		p := period{span: calendar.Range{From: 100, To: 99 + calendar.Day(days)}}
		if got := p.step(); got != want {
			t.Errorf("step of %d days = %s, want %s", days, got, want)
		}
	}
}

func FuzzParsePeriod(f *testing.F) {
	f.Add("custom", "2026-01-01", "2026-02-01", int64(1795000000))
	f.Add("month", "2024-02-29", "", int64(1795000000))
	f.Fuzz(func(t *testing.T, name, from, to string, unix int64) {
		now := time.Unix(unix%(1<<33), 0).UTC()
		p, err := parsePeriod(url.Values{"period": {name}, "from": {from}, "to": {to}}, now)
		if err != nil {
			return
		}
		if p.span.From > p.span.To || p.span.To > p.today || p.before.To >= p.span.From || p.span.Days() > maxDays+366 {
			t.Errorf("%q from %q to %q on %s: %+v", name, from, to, now, p)
		}
	})
}
