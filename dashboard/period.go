package dashboard

import (
	"net/url"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// The named periods, in the order they are offered.
const (
	today        = "today"
	sevenDays    = "7d"
	thirtyDays   = "30d"
	month        = "month"
	twelveMonths = "12m"
	custom       = "custom"
)

const defaultPeriod = sevenDays

// maxDays bounds a custom period.
const maxDays = 10 * 366

// period is a run of days to report, beside an earlier one to compare with.
type period struct {
	name   string
	span   calendar.Range
	before calendar.Range
	today  calendar.Day // of the site, when the period was read
}

// parsePeriod reads the period of a query: period, and from and to where it
// needs them. now is in the time zone of the site, which decides what today is.
func parsePeriod(query url.Values, now time.Time) (period, error) {
	p := period{name: query.Get("period"), today: calendar.DayOf(now)}
	if p.name == "" {
		p.name = defaultPeriod
	}
	var err error
	switch p.name {
	case today:
		p.span = calendar.One(p.today)
		p.before = p.span.Before()
	case sevenDays:
		p.span = calendar.Range{From: p.today - 6, To: p.today}
		p.before = p.span.Before()
	case thirtyDays:
		p.span = calendar.Range{From: p.today - 29, To: p.today}
		p.before = p.span.Before()
	case month:
		err = p.month(query.Get("from"))
	case twelveMonths:
		p.span = calendar.Range{From: p.today.FirstOfMonth().AddMonths(-11), To: p.today}
		p.before = p.span.AddMonths(-12)
	case custom:
		err = p.custom(query.Get("from"), query.Get("to"))
	default:
		err = badPeriod
	}
	return p, err
}

// month makes p the calendar month that from lies in, or this month; a month that
// is not over ends today and is compared with the same days of the month before.
func (p *period) month(from string) error {
	day := p.today
	if from != "" {
		var err error
		if day, err = calendar.ParseDay(from); err != nil || day > p.today {
			return badPeriod
		}
	}
	p.span = calendar.Month(day)
	p.before = calendar.Month(p.span.From - 1)
	if p.span.To > p.today {
		p.span.To = p.today
		p.before.To = min(p.before.To, p.before.From+calendar.Day(p.span.Days()-1))
	}
	return nil
}

// custom makes p the days from one to another; days to come are left out.
func (p *period) custom(from, to string) error {
	first, err1 := calendar.ParseDay(from)
	last, err2 := calendar.ParseDay(to)
	p.span = calendar.Range{From: first, To: min(last, p.today)}
	if err1 != nil || err2 != nil || first < 0 || first > last || first > p.today || p.span.Days() > maxDays {
		return badPeriod
	}
	p.before = p.span.Before()
	return nil
}

// isToday reports whether the period is a day that is not over: then only the
// hours that have begun are compared.
func (p period) isToday() bool { return p.span.From == p.today }

// step is the width of the points of its chart.
func (p period) step() report.Step {
	switch days := p.span.Days(); {
	case days == 1:
		return report.Hour
	case days <= 92:
		return report.Day
	default:
		return report.Month
	}
}

// query returns the period as parsePeriod reads it, so that a link keeps its
// meaning: periods that end today keep doing so.
func (p period) query() url.Values {
	q := url.Values{"period": {p.name}}
	switch {
	case p.name == custom:
		q.Set("from", p.span.From.String())
		q.Set("to", p.span.To.String())
	case p.name == month && p.today.FirstOfMonth() != p.span.From:
		q.Set("from", p.span.From.String())
	}
	return q
}

// earlier returns the query of the period before this one.
func (p period) earlier() url.Values {
	if p.name == month {
		return url.Values{"period": {month}, "from": {p.span.From.AddMonths(-1).String()}}
	}
	return customQuery(p.span.Before())
}

// later returns the query of the period after this one, or nil if it is to come.
func (p period) later() url.Values {
	if p.span.To >= p.today {
		return nil
	}
	if p.name == month {
		return url.Values{"period": {month}, "from": {p.span.From.AddMonths(1).String()}}
	}
	return customQuery(p.span.After())
}

func customQuery(s calendar.Range) url.Values {
	return url.Values{"period": {custom}, "from": {s.From.String()}, "to": {s.To.String()}}
}
