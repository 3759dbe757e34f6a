package report

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// Kind is a kind of period.
type Kind string

// The kinds, in the order in which they are offered.
const (
	Today      Kind = "today"
	OneDay     Kind = "day"
	SevenDays  Kind = "7d"
	FourWeeks  Kind = "28d"
	OneWeek    Kind = "week" // of ISO 8601: from Monday
	OneMonth   Kind = "month"
	Quarter    Kind = "quarter"
	Tertial    Kind = "tertial" // four months, as Norwegian public bodies report by
	Year       Kind = "year"
	DaysFromTo Kind = "range"
)

// Kinds are all kinds.
var Kinds = []Kind{Today, OneDay, SevenDays, FourWeeks, OneWeek, OneMonth, Quarter, Tertial, Year, DaysFromTo}

// DefaultKind is that of a period of which nothing is said: the last whole week.
const DefaultKind = OneWeek

// Against says what a period is compared with.
type Against string

// What a period is compared with.
const (
	PeriodBefore  Against = "before"
	YearBefore    Against = "year"
	NothingBefore Against = "none"
)

// Align says which days of two periods are laid side by side.
type Align string

// The alignments. By weekday a Monday is beside a Monday: periods of days are moved by
// whole weeks.
const (
	ByWeekday Align = "weekday"
	ByDate    Align = "date"
)

// Period is the days that a reader looks at, and those before that they are compared with.
// A calendar period that is not over has the days that are, and is compared with as many of
// the one before.
type Period struct {
	Kind    Kind
	Range   calendar.Range // days that are over; of Today, the day that is not
	Whole   calendar.Range // all days of the period: more than Range if it is not over
	Against Against
	Align   Align

	now time.Time // in the time zone of the site
}

// maxPeriodDays bounds a range from a day to another.
const maxPeriodDays = 10 * 366

// ParsePeriod reads a period from the parameters of an address: period, at, from, to,
// compare and align. Those that are missing have their defaults: the last whole period
// of the kind, compared with the one before by weekday. now is in the time zone of the
// site, which decides which day is today. The error is an InvalidError that names the
// parameter. What is read is a period too, the nearest one, so that a page can be shown
// beside the error.
func ParsePeriod(values url.Values, now time.Time) (Period, error) {
	p := Period{Kind: Kind(values.Get("period")), Against: PeriodBefore, Align: ByWeekday, now: now}
	var wrong error
	refuse := func(field, value, want string) {
		if wrong == nil {
			wrong = InvalidError{Field: field, Value: value, Want: want}
		}
	}
	if p.Kind == "" {
		p.Kind = DefaultKind
	}
	if !slices.Contains(Kinds, p.Kind) {
		refuse("period", string(p.Kind), "one of "+join(Kinds))
		p.Kind = DefaultKind
	}
	switch a := Against(values.Get("compare")); a {
	case "", PeriodBefore:
	case YearBefore, NothingBefore:
		p.Against = a
	default:
		refuse("compare", string(a), "before, year or none")
	}
	switch a := Align(values.Get("align")); a {
	case "", ByWeekday:
	case ByDate:
		p.Align = a
	default:
		refuse("align", string(a), "weekday or date")
	}
	if p.Kind == DaysFromTo {
		if err := p.between(values.Get("from"), values.Get("to")); err != nil && wrong == nil {
			wrong = err
		}
		return p, wrong
	}
	at := values.Get("at")
	day, err := p.Kind.parseAt(at)
	if at != "" && err != nil {
		refuse("at", at, p.Kind.wantAt())
	}
	if at == "" || err != nil {
		p.at(p.last())
		return p, wrong
	}
	p.at(day)
	if p.Range.Empty() || p.Range.From < 0 {
		if wrong == nil {
			wrong = InvalidError{Field: "at", Value: at, Want: "a period of which a day is over", Early: p.Whole.To >= p.today()}
		}
		p.at(p.last())
	}
	return p, wrong
}

func join[T ~string](list []T) string {
	var texts []string
	for _, x := range list {
		texts = append(texts, string(x))
	}
	return strings.Join(texts, ", ")
}

// today is the day of the site on which the period was read.
func (p Period) today() calendar.Day { return calendar.DayOf(p.now) }

// unit returns the period of the kind that a day lies in. Of a run of days, the day is
// the last.
func (k Kind) unit(day calendar.Day) calendar.Range {
	months := func(n int) calendar.Range {
		first := day.FirstOfMonth()
		first = first.AddMonths(-((int(first.Time().Month()) - 1) % n))
		return calendar.Range{From: first, To: first.AddMonths(n) - 1}
	}
	switch k {
	case SevenDays:
		return calendar.Range{From: day - 6, To: day}
	case FourWeeks:
		return calendar.Range{From: day - 27, To: day}
	case OneWeek:
		return calendar.Week(day)
	case OneMonth:
		return months(1)
	case Quarter:
		return months(3)
	case Tertial:
		return months(4)
	case Year:
		return months(12)
	default:
		return calendar.One(day)
	}
}

// last returns a day of the last period of the kind that is over.
func (p Period) last() calendar.Day {
	today := p.today()
	if p.Kind == Today {
		return today
	}
	if unit := p.Kind.unit(today); p.Kind.named() && unit.To >= today {
		return unit.From - 1
	}
	return today - 1
}

// named reports whether periods of the kind have names in the calendar, and so lie side
// by side without a day between them.
func (k Kind) named() bool {
	return slices.Contains([]Kind{OneWeek, OneMonth, Quarter, Tertial, Year}, k)
}

// at makes p the period that a day lies in.
func (p *Period) at(day calendar.Day) {
	p.Whole = p.Kind.unit(day)
	p.Range = p.Whole
	if p.Kind != Today {
		p.Range.To = min(p.Range.To, p.today()-1)
	}
	if !p.Kind.named() && p.Range != p.Whole || p.Kind == Today && day != p.today() {
		p.Range = calendar.Range{From: 0, To: -1} // no period: it ends on a day that is not over
	}
}

// between makes p the days from one to another. Days that are not over are left out.
func (p *Period) between(from, to string) error {
	first, err := calendar.ParseDay(from)
	last, errTo := calendar.ParseDay(to)
	wrong := func(field, value, want string) error {
		p.Whole = calendar.Range{From: p.today() - 7, To: p.today() - 1}
		p.Range = p.Whole
		return InvalidError{Field: field, Value: value, Want: want}
	}
	switch {
	case err != nil || first < 0:
		return wrong("from", from, "a day such as 2026-11-24")
	case errTo != nil:
		return wrong("to", to, "a day such as 2026-11-24")
	case first > last:
		return wrong("to", to, "a day that is not before "+from)
	case first >= p.today():
		return wrong("from", from, "a day that is over")
	case calendar.Range{From: first, To: min(last, p.today()-1)}.Days() > maxPeriodDays:
		return wrong("from", from, "at most ten years")
	}
	p.Whole = calendar.Range{From: first, To: min(last, p.today()-1)}
	p.Range = p.Whole
	return nil
}

// parseAt reads what names a period of the kind, and returns a day of it.
func (k Kind) parseAt(s string) (calendar.Day, error) {
	var year, n int
	numbers := func(form string, least, most int) error {
		if _, err := fmt.Sscanf(s, form, &year, &n); err != nil {
			return err
		}
		if fmt.Sprintf(strings.ReplaceAll(form, "%4d", "%04d"), year, n) != s || n < least || n > most {
			return fmt.Errorf("no such period: %q", s)
		}
		return nil
	}
	month := func(m int) calendar.Day {
		return calendar.DayOf(time.Date(year, time.Month(m), 1, 0, 0, 0, 0, time.UTC))
	}
	switch k {
	case OneWeek:
		if err := numbers("%4d-W%02d", 1, 53); err != nil {
			return 0, err
		}
		day := calendar.WeekOf(year, n)
		if y, w := day.Time().ISOWeek(); y != year || w != n {
			return 0, fmt.Errorf("no such week: %q", s)
		}
		return day, nil
	case OneMonth:
		err := numbers("%4d-%02d", 1, 12)
		return month(n), err
	case Quarter:
		err := numbers("%4d-Q%d", 1, 4)
		return month(3*n - 2), err
	case Tertial:
		err := numbers("%4d-T%d", 1, 3)
		return month(4*n - 3), err
	case Year:
		var err error
		if year, err = strconv.Atoi(s); err == nil && fmt.Sprintf("%04d", year) != s {
			err = fmt.Errorf("no such year: %q", s)
		}
		return month(1), err
	default:
		return calendar.ParseDay(s)
	}
}

// wantAt says what names a period of the kind.
func (k Kind) wantAt() string {
	example := map[Kind]string{
		OneWeek: "a week such as 2026-W47", OneMonth: "a month such as 2026-10", Quarter: "a quarter such as 2026-Q4",
		Tertial: "a tertial such as 2026-T2", Year: "a year such as 2026",
	}[k]
	if example == "" {
		example = "a day such as 2026-11-24"
	}
	return example
}

// At names the period as the parameter at does: "2026-W47", "2026-10", "2026-Q4",
// "2026-T2", "2026", or its last day.
func (p Period) At() string {
	t := p.Whole.From.Time()
	switch p.Kind {
	case OneWeek:
		year, week := t.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case OneMonth:
		return t.Format("2006-01")
	case Quarter:
		return fmt.Sprintf("%04d-Q%d", t.Year(), (int(t.Month())+2)/3)
	case Tertial:
		return fmt.Sprintf("%04d-T%d", t.Year(), (int(t.Month())+3)/4)
	case Year:
		return t.Format("2006")
	default:
		return p.Whole.To.String()
	}
}

// Values are the parameters that ParsePeriod reads the period from. They name its days,
// so that an address that was sent to somebody keeps its meaning; only today stays today.
func (p Period) Values() url.Values {
	values := url.Values{"period": {string(p.Kind)}}
	switch p.Kind {
	case Today:
	case DaysFromTo:
		values.Set("from", p.Whole.From.String())
		values.Set("to", p.Whole.To.String())
	default:
		values.Set("at", p.At())
	}
	if p.Against != PeriodBefore {
		values.Set("compare", string(p.Against))
	}
	if p.Align != ByWeekday {
		values.Set("align", string(p.Align))
	}
	return values
}

// Of returns the period of another kind that is offered in place of this one: the last of
// its kind that is over, or the days of this one as a range.
func (p Period) Of(k Kind) Period {
	other := p
	other.Kind = k
	if k == DaysFromTo {
		other.Range.To = min(p.Range.To, p.today()-1)
		other.Range.From = min(p.Range.From, other.Range.To)
		other.Whole = other.Range
		return other
	}
	other.at(other.last())
	return other
}

// Latest reports whether the period is the one that its kind alone names: of today, or the last
// that is over. Days from one to another are not.
func (p Period) Latest() bool { return p.Kind != DaysFromTo && p.Of(p.Kind).Whole == p.Whole }

// With returns the period with something else to compare with.
func (p Period) With(a Against, by Align) Period {
	p.Against, p.Align = a, by
	return p
}

// Earlier returns the period before this one. Later of it is this one.
func (p Period) Earlier() Period { return p.moved(-1) }

// Later returns the period after this one, and false if no day of it is over: after the
// last day comes today.
func (p Period) Later() (Period, bool) {
	if p.Kind == Today {
		return p, false
	}
	if p.Kind == OneDay && p.Range.To == p.today()-1 {
		return p.Of(Today), true
	}
	later := p.moved(1)
	return later, !later.Range.Empty() && later.Range.To < p.today()
}

func (p Period) moved(by calendar.Day) Period {
	if p.Kind == Today {
		p.Kind = OneDay
	}
	days := p.Whole
	switch {
	case p.Kind.named() && by < 0:
		p.at(days.From - 1)
	case p.Kind.named():
		p.at(days.To + 1)
	case p.Kind == DaysFromTo:
		width := calendar.Day(days.Days()) * by
		p.Whole = calendar.Range{From: days.From + width, To: days.To + width}
		p.Range = p.Whole
	default:
		p.at(days.To + by*calendar.Day(days.Days()))
	}
	return p
}

// Unfinished reports whether days of the period are still to come.
func (p Period) Unfinished() bool { return p.Kind == Today || p.Range != p.Whole }

// Before returns the days that the period is compared with, and false if it is compared
// with nothing.
//
// Calendar periods from a month on are compared with the one before, or the same one of
// the year before: their lengths may differ, and then what is compared is the mean of a
// day (see PerDay). Others are moved by whole weeks, and by ByDate to the days just before
// or to the same dates. A week of the year before is the one of the same number; of more
// than a year it is as many years before as they do not overlap.
func (p Period) Before() (calendar.Range, bool) {
	days := p.Range
	n := calendar.Day(days.Days())
	move := func(by calendar.Day) calendar.Range { return calendar.Range{From: days.From - by, To: days.To - by} }
	weeks := func(n calendar.Day) calendar.Day { return (n + 6) / 7 * 7 }
	var before calendar.Range
	switch {
	case p.Against == NothingBefore:
		return calendar.Range{}, false
	case p.Kind.named() && p.Kind != OneWeek:
		unit := p.Kind.unit(p.Whole.From - 1)
		if p.Against == YearBefore {
			unit = p.Kind.unit(p.Whole.From.AddMonths(-12))
		}
		before = unit
		if p.Unfinished() {
			before.To = min(unit.To, unit.From+n-1)
		}
	case p.Against == PeriodBefore && p.Align == ByDate:
		before = move(n)
		if p.Kind == OneWeek { // one that is not over has the days of the week before
			before = move(7)
		}
	case p.Against == PeriodBefore:
		before = move(weeks(n))
	case p.Align == ByDate:
		for before = days.AddMonths(-12); before.To >= days.From; {
			before = before.AddMonths(-12)
		}
	case p.Kind == OneWeek:
		year, week := days.From.Time().ISOWeek()
		first := calendar.WeekOf(year-1, week)
		if y, _ := first.Time().ISOWeek(); y != year-1 { // there is no week 53
			first = days.From - 52*7
		}
		before = calendar.Range{From: first, To: first + n - 1}
	default:
		before = move((n + 363) / 364 * 364)
	}
	if before.Empty() || before.From < 0 {
		return calendar.Range{}, false
	}
	return before, true
}

// PerDay reports whether the period and the days before are not of the same number, so
// that only the means of their days can be compared.
func (p Period) PerDay() bool {
	before, ok := p.Before()
	return ok && before.Days() != p.Range.Days()
}

// Shift returns by how many points the line of the days before is moved to the right, to
// have weekdays above each other: 0 where they are already, or are not asked for. It is
// -3 to 3.
func (p Period) Shift() int {
	before, ok := p.Before()
	if !ok || p.Align == ByDate || p.Step() != Day {
		return 0
	}
	shift := (int(before.From-p.Range.From)%7 + 7) % 7
	if shift > 3 {
		shift -= 7
	}
	return shift
}

// Until returns the moments at which today and the day that it is compared with end: now,
// and the same time of the clock. Both are zero for all other periods.
func (p Period) Until() (now, before time.Time) {
	if p.Kind != Today {
		return time.Time{}, time.Time{}
	}
	if days, ok := p.Before(); ok {
		y, m, d := days.To.Time().Date()
		before = time.Date(y, m, d, p.now.Hour(), p.now.Minute(), p.now.Second(), 0, p.now.Location())
	}
	return p.now.Truncate(time.Second), before
}

// Step is the width of the points of its curve: whole weeks and months are drawn of more
// than 92 days.
func (p Period) Step() Step {
	switch days := p.Whole.Days(); {
	case days == 1:
		return Hour
	case days <= 92:
		return Day
	case p.Kind == Year || days > 2*366:
		return Month
	default:
		return Week
	}
}

// Query returns the question for measures of a site over the period, and over the days
// before where since, the first day that was counted, allows it; see Comparable.
func (p Period) Query(site uint32, since calendar.Day, measures ...string) Query {
	q := Query{Sites: []uint32{site}, Zone: p.now.Location(), Range: p.Range, Measures: measures}
	until, untilBefore := p.Until()
	q.Until = until
	if before, ok := p.Comparable(since); ok {
		q.Compare, q.CompareUntil = &before, untilBefore
	}
	return q
}

// Counted returns those days of the period on which the site was counted: since is the first
// day that it was. There may be none.
func (p Period) Counted(since calendar.Day) calendar.Range {
	return calendar.Range{From: max(p.Range.From, since), To: p.Range.To}
}

// Comparable returns the days to compare with, and false if there are none, or the site
// was not counted on all of them: since is the first day that it was.
func (p Period) Comparable(since calendar.Day) (calendar.Range, bool) {
	before, ok := p.Before()
	return before, ok && before.From >= since
}
