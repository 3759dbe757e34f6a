package privacy_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
)

// ledger is a table in memory. Like a real one it stops when its context ends.
type ledger struct {
	rows []ledgerRow
	late []ledgerRow // come in while others are erased
	asks int         // how often it was asked what it holds
	err  error
	from time.Time
	to   time.Time
}

type ledgerRow struct {
	network string
	time    time.Time
}

var _ privacy.Ledger = (*ledger)(nil)

func (l *ledger) Held(ctx context.Context, s privacy.Selection) (privacy.Held, error) {
	if err := errors.Join(ctx.Err(), l.err); err != nil {
		return privacy.Held{}, err
	}
	l.asks++
	l.from, l.to = s.From, s.To
	var held privacy.Held
	for _, row := range l.rows {
		if !row.in(s) {
			continue
		}
		held.Rows++
		if held.First.IsZero() || row.time.Before(held.First) {
			held.First = row.time
		}
		if row.time.After(held.Last) {
			held.Last = row.time
		}
	}
	return held, nil
}

func (l *ledger) Erase(ctx context.Context, s privacy.Selection) (privacy.Erased, error) {
	held, err := l.Held(ctx, s)
	if err != nil {
		return privacy.Erased{}, err
	}
	l.rows = slices.DeleteFunc(l.rows, func(row ledgerRow) bool { return row.in(s) })
	l.rows = append(l.rows, l.late...)
	left, err := l.Held(ctx, s)
	return privacy.Erased{Held: held, Left: left, Receipt: 7}, err
}

func (r ledgerRow) in(s privacy.Selection) bool {
	return (s.Network == "" || r.network == s.Network) && !r.time.Before(s.From) && r.time.Before(s.To)
}

// of is the selection of a network.
func of(network string, from, to time.Time) privacy.Selection {
	return privacy.Selection{Network: network, From: from, To: to}
}

func at(day int) time.Time { return time.Date(2026, time.March, day, 12, 30, 45, 0, time.UTC) }

const oslo, bergen = "203.0.0.0/16", "198.51.0.0/16"

func newLedger() *ledger {
	return &ledger{rows: []ledgerRow{{oslo, at(9)}, {oslo, at(3)}, {bergen, at(5)}, {oslo, at(6)}}}
}

func TestAccess(t *testing.T) {
	r, err := privacy.Access(t.Context(), newLedger(), privacy.Default(), of(oslo, time.Time{}, time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	if want := (privacy.Held{Rows: 3, First: at(3), Last: at(9)}); r.Held != want {
		t.Errorf("held %+v, want %+v", r.Held, want)
	}
	goldens(t, "access", r)

	r, err = privacy.Access(t.Context(), newLedger(), privacy.Default(), of(oslo, at(3).Add(1), at(9)))
	if err != nil {
		t.Fatal(err)
	}
	if want := (privacy.Held{Rows: 1, First: at(6), Last: at(6)}); r.Held != want {
		t.Errorf("in a range: held %+v, want %+v", r.Held, want)
	}

	r, err = privacy.Access(t.Context(), newLedger(), privacy.Default(), of("192.0.0.0/16", at(1), at(31)))
	if err != nil {
		t.Fatal(err)
	}
	goldens(t, "access.none", r)
}

// An answer goes to one person and is about many: no time and no page in it may
// be another one's.
func TestAccessTellsNoTimes(t *testing.T) {
	r, err := privacy.Access(t.Context(), newLedger(), privacy.Default(), of(oslo, time.Time{}, time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, r); strings.Contains(got, "12:30") {
		t.Errorf("the report tells the time of a row:\n%s", got)
	}
}

func TestErase(t *testing.T) {
	l := newLedger()
	r, err := privacy.Erase(t.Context(), l, privacy.Default(), of(oslo, at(1), at(9)))
	if err != nil {
		t.Fatal(err)
	}
	if r.Erased.Rows != 2 || r.Erased.Left.Rows != 0 {
		t.Errorf("erased %d and left %d, want 2 and 0", r.Erased.Rows, r.Erased.Left.Rows)
	}
	if l.asks != 2 {
		t.Errorf("it was counted %d times, want once before and once after", l.asks)
	}
	if want := []ledgerRow{{oslo, at(9)}, {bergen, at(5)}}; !slices.Equal(l.rows, want) {
		t.Errorf("left in the ledger: %v, want %v", l.rows, want)
	}
	goldens(t, "erase", r)
}

func TestEraseTellsWhatIsLeft(t *testing.T) {
	l := newLedger()
	l.late = []ledgerRow{{oslo, at(10)}}
	r, err := privacy.Erase(t.Context(), l, privacy.Default(), of(oslo, time.Time{}, time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	if r.Erased.Rows != 3 || r.Erased.Left.Rows != 1 {
		t.Errorf("erased %d and left %d, want 3 and 1", r.Erased.Rows, r.Erased.Left.Rows)
	}
	if got := text(t, r); !strings.Contains(got, "Run the erasure again") {
		t.Errorf("the report hides what is left:\n%s", got)
	}
}

// The reports follow the policy as the statement does.
func TestReportsFollowThePolicy(t *testing.T) {
	policy := privacy.Policy{Record: privacy.Minimal, Retention: privacy.Period{Months: 25}, Bits4: 8, Bits6: 48}
	access, err := privacy.Access(t.Context(), newLedger(), policy, of("2001:db8:3c4d::/48", time.Time{}, time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	got := text(t, access)
	for _, want := range []string{"after 25 months", "2001:db8:3c4d::/48, shared by 2^80 addresses"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the report:\n%s", want, got)
		}
	}
	if strings.Contains(got, "operating system") {
		t.Errorf("the report tells of more than the policy keeps:\n%s", got)
	}
	erase, err := privacy.Erase(t.Context(), newLedger(), policy, of("203.0.0.0/8", time.Time{}, time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	got = text(t, erase)
	for _, want := range []string{"25 months after their day", "203.0.0.0/8, shared by 16,777,216 addresses"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the report:\n%s", want, got)
		}
	}
}

// TestLettersOfSites: a letter about a site names it, and says how long its own rows live; one about
// all says which live shorter. What is said of totals is what the policy says.
func TestLettersOfSites(t *testing.T) {
	policy := privacy.Default()
	sites := []privacy.AskedSite{
		{1, "Kommunen", "example.org", privacy.Own{}},
		{4, "third.no", "third.no", privacy.Own{Retention: privacy.Period{Days: 90}, Record: privacy.Minimal}},
		{5, "Old", "old.no", privacy.Own{Retention: privacy.Period{Years: 9}}}, // longer than the policy: no effect
	}
	ends := policy
	ends.Totals = privacy.Period{Months: 60}
	path := privacy.Selection{Path: "/kari"}
	for _, c := range []struct {
		tag      string
		policy   privacy.Policy
		of       privacy.Selection
		site     uint32
		erase    bool
		want     []string
		wantNone []string
	}{
		{"en", policy, path, 4, false, []string{"Site       third.no\n", "deleted automatically after 90 days. Totals with the text are kept without limit."}, []string{"3 years", "operating system"}},
		{"nb", policy, path, 1, false, []string{"Nettsted   Kommunen (example.org)\n", "slettes automatisk etter 3 år. Summer med teksten beholdes uten tidsgrense."}, []string{"90 dager"}},
		{"nn", ends, path, 5, false, []string{"Nettstad   Old (old.no)\n", "automatisk etter 3 år. Summar med teksten tek vi vare på i 60 månader."}, []string{"90 dagar", "utan tidsgrense"}},
		{"en", ends, path, 0, false, []string{"after 3 years. Those of third.no are deleted after 90 days. Totals with the text are kept for 60 months."}, []string{"Site ", "old.no"}},
		{"en", policy, path, 99, false, []string{"Site       99\n", "after 3 years."}, []string{"90 days"}},
		{"nb", ends, of(oslo, time.Time{}, time.Time{}), 0, false, []string{"etter 3 år. Radene til third.no slettes etter 90 dager. Summer uten nettverk beholdes i 60 måneder."}, nil},
		{"nn", policy, of(oslo, time.Time{}, time.Time{}), 4, false, []string{"etter 90 dagar. Summar utan nettverk tek vi\nvare på utan tidsgrense."}, []string{"3 år"}},
		{"en", policy, of(oslo, time.Time{}, time.Time{}), 4, true, []string{"Site       third.no\n", "90 days after their day."}, []string{"3 years"}},
		{"nn", policy, of(oslo, time.Time{}, time.Time{}), 0, true, []string{"3 år etter dagen dei\nblei til. Radene til third.no blir sletta etter 90 dagar."}, nil},
	} {
		c.of.Site = c.site
		var letter interface {
			Letter(*i18n.Language) (string, error)
		}
		if c.erase {
			r, err := privacy.Erase(t.Context(), newLedger(), c.policy, c.of)
			if r.Sites = sites; err != nil {
				t.Fatal(err)
			}
			letter = r
		} else {
			r, err := privacy.Access(t.Context(), newLedger(), c.policy, c.of)
			if r.Sites = sites; err != nil {
				t.Fatal(err)
			}
			letter = r
		}
		got, err := letter.Letter(i18n.Find(c.tag))
		if err == nil {
			got, err = privacy.FormatLetter(i18n.Find(c.tag), got, privacy.PlainText)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s, site %d: no %q in\n%s", c.tag, c.site, want, got)
			}
		}
		for _, none := range c.wantNone {
			if strings.Contains(got, none) {
				t.Errorf("%s, site %d: %q in\n%s", c.tag, c.site, none, got)
			}
		}
	}
}

// A ledger can bind the times it is given, and not those that the caller asks for.
func TestTimesReachTheLedgerWithinBounds(t *testing.T) {
	for name, c := range map[string]struct{ from, to, wantFrom, wantTo time.Time }{
		"no limits":   {time.Time{}, time.Time{}, time.Unix(0, 0), time.Unix(1<<32-1, 0)},
		"far limits":  {at(1).AddDate(-500, 0, 0), at(1).AddDate(500, 0, 0), time.Unix(0, 0), time.Unix(1<<32-1, 0)},
		"both limits": {at(1), at(2), at(1), at(2)},
		"other zone":  {at(1).In(time.FixedZone("", 3600)), time.Time{}, at(1), time.Unix(1<<32-1, 0)},
	} {
		l := newLedger()
		if _, err := privacy.Access(t.Context(), l, privacy.Default(), of(oslo, c.from, c.to)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !l.from.Equal(c.wantFrom) || !l.to.Equal(c.wantTo) || l.from.Location() != time.UTC {
			t.Errorf("%s: the ledger is asked from %s to %s, want %s to %s", name, l.from, l.to, c.wantFrom, c.wantTo)
		}
	}
}

// TestReportsTellOfTheSpool: what could not be looked at is told.
func TestReportsTellOfTheSpool(t *testing.T) {
	access := privacy.AccessReport{Asked: privacy.Asked{Policy: privacy.Default(), Selection: of(oslo, time.Unix(0, 0).UTC(), time.Unix(1<<32-1, 0).UTC())}}
	access.Unread = privacy.Unread{Segments: 2, Elsewhere: true}
	goldens(t, "access.spool", access)
	goldens(t, "erase.spool", privacy.EraseReport{Asked: access.Asked})
}

// What is refused is refused before the ledger is asked, and in words that hold
// no address: somebody may have given one uncut.
func TestRequestsRefused(t *testing.T) {
	nothing := privacy.Default()
	nothing.Bits4 = 0
	for name, c := range map[string]struct {
		policy   privacy.Policy
		network  string
		from, to time.Time
	}{
		"empty":                {privacy.Default(), "", time.Time{}, time.Time{}},
		"address":              {privacy.Default(), "203.0.113.77", time.Time{}, time.Time{}},
		"address as network":   {privacy.Default(), "203.0.113.77/32", time.Time{}, time.Time{}},
		"IPv6 address":         {privacy.Default(), "2001:db8:3c4d:15::1a2f", time.Time{}, time.Time{}},
		"cut less":             {privacy.Default(), "203.0.113.0/24", time.Time{}, time.Time{}},
		"cut less, IPv6":       {privacy.Default(), "2001:db8:3c4d::/48", time.Time{}, time.Time{}},
		"bits left over":       {privacy.Default(), "203.0.113.77/16", time.Time{}, time.Time{}},
		"everybody":            {privacy.Default(), "0.0.0.0/0", time.Time{}, time.Time{}},
		"everybody, IPv6":      {privacy.Default(), "::/0", time.Time{}, time.Time{}},
		"everybody by policy":  {nothing, "0.0.0.0/0", time.Time{}, time.Time{}},
		"SQL":                  {privacy.Default(), "' OR 1=1 --", time.Time{}, time.Time{}},
		"later before earlier": {privacy.Default(), oslo, at(2), at(1)},
		"no time at all":       {privacy.Default(), oslo, at(2), at(2)},
	} {
		l := newLedger()
		l.err = errors.New("the ledger was asked")
		_, accessErr := privacy.Access(t.Context(), l, c.policy, of(c.network, c.from, c.to))
		_, eraseErr := privacy.Erase(t.Context(), l, c.policy, of(c.network, c.from, c.to))
		for _, err := range []error{accessErr, eraseErr} {
			if err == nil || errors.Is(err, l.err) {
				t.Errorf("%s: error %v, want the request to be refused", name, err)
				continue
			}
			if s := err.Error(); strings.Contains(s, "113") || strings.Contains(s, "3c4d") {
				t.Errorf("%s: the error holds the address: %v", name, err)
			}
		}
	}
}

func TestErrorsOfTheLedger(t *testing.T) {
	l := newLedger()
	l.err = errors.New("out of order")
	if _, err := privacy.Access(t.Context(), l, privacy.Default(), of(oslo, time.Time{}, time.Time{})); !errors.Is(err, l.err) {
		t.Errorf("access: %v", err)
	}
	if _, err := privacy.Erase(t.Context(), l, privacy.Default(), of(oslo, time.Time{}, time.Time{})); !errors.Is(err, l.err) {
		t.Errorf("erase: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := privacy.Erase(ctx, newLedger(), privacy.Default(), of(oslo, time.Time{}, time.Time{})); !errors.Is(err, context.Canceled) {
		t.Errorf("erase after the end: %v", err)
	}
}

// report is an answer that can be written in each language.
type report interface {
	Letter(lang *i18n.Language) (string, error)
}

func text(t *testing.T, r report) string { return textIn(t, r, english) }

func textIn(t *testing.T, r report, lang *i18n.Language) string {
	t.Helper()
	return formatted(t, r, lang, privacy.PlainText)
}

func formatted(t *testing.T, r report, lang *i18n.Language, f privacy.Format) string {
	t.Helper()
	letter, err := r.Letter(lang)
	if err != nil {
		t.Fatal(err)
	}
	text, err := privacy.FormatLetter(lang, letter, f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// goldens compares the letter in each language.
func goldens(t *testing.T, name string, r report) {
	t.Helper()
	for _, lang := range languages {
		golden(t, name+"."+lang.Tag+".txt", textIn(t, r, lang))
	}
}

// TestLettersInFormats: a letter is the same in each format, and what was typed does nothing in
// any.
func TestLettersInFormats(t *testing.T) {
	const typed = `<script>x</script> [a](https://b.example) **c** \d_e_ | # 1. f`
	r := privacy.EraseReport{Asked: privacy.Asked{Case: "SAK-2026/1", Policy: privacy.Default(), Selection: privacy.Selection{Text: typed}, Received: day("2026-01-31"), Extended: true}}
	r.Erased = privacy.Erased{Held: privacy.Held{Rows: 2, Lines: 3}, Receipt: 41}
	for _, lang := range languages {
		plain, page := formatted(t, r, lang, privacy.PlainText), formatted(t, r, lang, privacy.Page)
		for _, want := range []string{typed, "SAK-2026/1", "[erased]", "30", "41", "www.datatilsynet.no"} {
			if !strings.Contains(plain, want) {
				t.Errorf("%s: the text lacks %q:\n%s", lang.Tag, want, plain)
			}
			if !strings.Contains(page, strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(want)) {
				t.Errorf("%s: the page lacks %q:\n%s", lang.Tag, want, page)
			}
		}
		if strings.Contains(plain, "**") && !strings.Contains(typed, "**") || strings.Contains(plain, "\n- ") || strings.HasPrefix(plain, "#") {
			t.Errorf("%s: marks of Markdown are in the text:\n%s", lang.Tag, plain)
		}
		for _, active := range []string{"<script", "<a ", "<strong>c", "<em>"} {
			if strings.Contains(page, active) {
				t.Errorf("%s: the page has %q:\n%s", lang.Tag, active, page)
			}
		}
	}
	if _, err := privacy.FormatLetter(english, "# A", "pdf"); err == nil {
		t.Error("a format that there is not")
	}
}

// TestLettersTellOfAgeing: a letter by network says which rows have none any more, where those
// are in its range.
func TestLettersTellOfAgeing(t *testing.T) {
	for _, c := range []struct {
		about string
		s     privacy.Selection
		since string
		tells bool
	}{
		{"all", of(oslo, time.Unix(0, 0), time.Unix(1<<32-1, 0)), "2026-03-05", true},
		{"from before", of(oslo, at(4), at(9)), "2026-03-05", true},
		{"from that day", of(oslo, day("2026-03-05").Time(), at(9)), "2026-03-05", false},
		{"never aged", of(oslo, at(4), at(9)), "", false},
		{"a text", privacy.Selection{Text: "abc"}, "2026-03-05", false},
	} {
		asked := privacy.Asked{Policy: privacy.Default(), Selection: c.s}
		if c.since != "" {
			asked.Networks = day(c.since)
		}
		for _, lang := range languages {
			since := lang.Day(day("2026-03-05"))
			for _, r := range []report{privacy.AccessReport{Asked: asked}, privacy.EraseReport{Asked: asked}} {
				if letter := textIn(t, r, lang); strings.Contains(letter, since+" ha") != c.tells {
					t.Errorf("%s in %s:\n%s", c.about, lang.Tag, letter)
				}
			}
		}
	}
}
