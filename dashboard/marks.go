package dashboard

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// band is a run of days with its own ground: a weekend, or days with a name.
type band struct {
	X, Width float64 // percent
	Named    bool
}

// bandName is the name of a band, where a wide chart has room for it.
type bandName struct {
	X    float64 // percent
	Text string
}

// namedDays are the days of a band, under the chart.
type namedDays struct {
	When, Name string
	days       calendar.Range
	names      []string
}

// chartNote is a note of people, with the number that it has in the chart.
type chartNote struct {
	Number     int
	When, Text string
	X          float64 // percent, of the day, or the first day
	Left, Span float64 // percent, of its days; Span is 0 for a single day
}

// pin is the head of one note, or of several that lie close together.
type pin struct {
	X    float64 // percent
	Text string  // "1", or "1–3"
	Wide bool    // of several
	Last bool    // its room is to the left
}

// At most so many notes are drawn in a chart, the newest.
const maxChartNotes = 20

// How close pins may come, in percent of the width, so that they do not touch on a phone.
const pinRoom, widePinRoom = 8.5, 16

// mark puts bands, names and notes into a chart.
func (q *question) mark(l *i18n.Language, c *chart, points []report.Point) {
	at := placeOf(points, c.Step)
	events := eventsOf(c.events, c.Step, len(points))
	c.Bands = weekends(points, c.Step)
	for _, e := range apart(events) {
		left, right := at(e.Days)
		c.Bands = append(c.Bands, band{left, right - left, true})
		name := l.Say("event." + e.Name)
		c.nameBand(left, name)
		if last := len(c.Days) - 1; last >= 0 && c.Days[last].days == e.Days {
			c.Days[last].names = append(c.Days[last].names, name)
		} else {
			c.Days = append(c.Days, namedDays{capitalised(q.daysText(l, e.Days)), "", e.Days, []string{name}})
		}
	}
	for i, d := range c.Days {
		c.Days[i].Name = l.List(d.names)
	}
	for i := range c.Points {
		c.Points[i].Marks = q.marksOf(l, c.Step, events, points[i])
	}
	for i, n := range c.notes[max(0, len(c.notes)-maxChartNotes):] {
		left, right := at(n.Days)
		note := chartNote{Number: i + 1, When: capitalised(q.daysText(l, n.Days)), Text: n.Text, Left: left}
		if n.Days.Days() > 1 {
			note.Span = right - left
		}
		from, to := at(calendar.One(max(n.Days.From, q.period.Whole.From)))
		note.X = (from + to) / 2
		c.Notes = append(c.Notes, note)
	}
	c.Pins = pins(c.Notes)
}

// placeOf returns what finds the place of days in a chart, in percent from the left. Days
// that are not in the chart are cut off.
func placeOf(points []report.Point, step report.Step) func(calendar.Range) (left, right float64) {
	n := float64(len(points))
	if step == report.Hour || n == 0 {
		return func(calendar.Range) (float64, float64) { return 0, 100 }
	}
	edge := func(day calendar.Day) float64 { // of the beginning of a day
		for i, p := range points {
			if unit := unitOf(calendar.DayOf(p.At), step); day < unit.From {
				return float64(i) / n * 100
			} else if day <= unit.To {
				return (float64(i) + float64(day-unit.From)/float64(unit.Days())) / n * 100
			}
		}
		return 100
	}
	return func(days calendar.Range) (left, right float64) { return edge(days.From), edge(days.To + 1) }
}

// How many points a chart may have at most to show weekends, and days with names.
const maxWeekendPoints, maxEventWeeks, maxEventMonths = 100, 53, 14

// weekends are the bands of the weekends in a chart by days.
func weekends(points []report.Point, step report.Step) []band {
	if step != report.Day || len(points) > maxWeekendPoints {
		return nil
	}
	n := float64(len(points))
	var all []band
	for i, p := range points {
		switch weekday := p.At.Weekday(); {
		case weekday == time.Sunday && len(all) > 0:
			all[len(all)-1].Width = 2 / n * 100
		case weekday == time.Saturday || weekday == time.Sunday:
			all = append(all, band{X: float64(i) / n * 100, Width: 100 / n})
		}
	}
	return all
}

// eventsOf returns those of the events of a period that a chart shows: of weeks and months
// only breaks and elections, and of many of those none.
func eventsOf(events []calendar.Event, step report.Step, points int) []calendar.Event {
	switch {
	case step == report.Hour || step == report.Day:
		return events
	case step == report.Week && points > maxEventWeeks, step == report.Month && points > maxEventMonths:
		return nil
	}
	return slices.DeleteFunc(slices.Clone(events), func(e calendar.Event) bool { return e.Kind == calendar.Holiday })
}

// apart returns the events that lie in no longer one, as Good Friday lies in the Easter
// break.
func apart(events []calendar.Event) []calendar.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e calendar.Event) bool {
		return slices.ContainsFunc(events, func(other calendar.Event) bool {
			return other.Days != e.Days && other.Days.Contains(e.Days.From) && other.Days.Contains(e.Days.To)
		})
	})
}

// What the name of a band takes of the width of a chart that has room for names, in pixels.
const (
	widePlot    = 504
	letterWidth = 6.6
)

// nameBand writes the name of a band into the chart if there is room before its end, and
// behind the name before.
func (c *chart) nameBand(left float64, name string) {
	width := float64(len([]rune(name)))*letterWidth/widePlot*100 + 2
	if left+width > 100 {
		return
	}
	if last := len(c.Names) - 1; last >= 0 && c.Names[last].X+float64(len([]rune(c.Names[last].Text)))*letterWidth/widePlot*100+2 > left {
		return
	}
	c.Names = append(c.Names, bandName{left, capitalised(name)})
}

// marksOf says what the days of a point are known for: a holiday by its own name, other days
// by that of the break.
func (q *question) marksOf(l *i18n.Language, step report.Step, events []calendar.Event, p report.Point) []string {
	if step == report.Hour {
		return nil
	}
	var holidays, others []string
	for _, e := range events {
		if e.Days.From > p.Days.To || e.Days.To < p.Days.From {
			continue
		}
		if name := l.Say("event." + e.Name); e.Kind == calendar.School {
			others = append(others, name)
		} else {
			holidays = append(holidays, name)
		}
	}
	if len(holidays) > 0 && step == report.Day {
		return holidays
	}
	return append(others, holidays...)
}

// daysText writes days without their year, where that is the year of the period.
func (q *question) daysText(l *i18n.Language, days calendar.Range) string {
	text := l.Range(days)
	from, to := q.period.Whole.From.Time().Year(), q.period.Whole.To.Time().Year()
	if year := days.To.Time().Year(); from == to && to == year && days.From.Time().Year() == year {
		text = strings.TrimSuffix(text, " "+strconv.Itoa(year))
	}
	return text
}

// notesOn returns the texts of the notes about some of days.
func (c *chart) notesOn(days calendar.Range) []string {
	var texts []string
	for _, n := range c.notes {
		if n.Days.From <= days.To && n.Days.To >= days.From {
			texts = append(texts, n.Text)
		}
	}
	return texts
}

// pins are the heads of notes. Those that would touch are one.
func pins(notes []chartNote) []pin {
	sorted := slices.Clone(notes)
	slices.SortStableFunc(sorted, func(a, b chartNote) int {
		switch {
		case a.X < b.X:
			return -1
		case a.X > b.X:
			return 1
		}
		return 0
	})
	var all []pin
	first := 0
	for _, n := range sorted {
		last := len(all) - 1
		if last >= 0 && (n.X-all[last].X < pinRoom || all[last].Wide && n.X-all[last].X < widePinRoom) {
			all[last].Text, all[last].Wide = strconv.Itoa(first)+"–"+strconv.Itoa(n.Number), true
			continue
		}
		first = n.Number
		all = append(all, pin{X: n.X, Text: strconv.Itoa(n.Number), Last: n.X > 100-widePinRoom})
	}
	return all
}

// calendarRemark says which days with names lie in the period and not in the days before, or
// the other way round: such a difference is no change of the website. It is "" without one.
func (q *question) calendarRemark(l *i18n.Language) string {
	before, ok := q.period.Comparable(q.since)
	if !ok {
		return ""
	}
	now := q.period.Range
	events, eventsBefore := q.of.Events(now), q.of.Events(before)
	if now.Days() > 1 || before.Days() > 1 {
		return compareEvents(l, nameOfPeriod(l, q.period), nameOfBefore(l, q.period), now, before, apart(events), apart(eventsBefore))
	}
	var all []string
	say := func(day calendar.Day, name string, events []calendar.Event) {
		if names := q.marksOf(l, report.Day, events, report.Point{Days: calendar.One(day)}); len(names) > 0 {
			all = append(all, l.Say("calendar.day", capitalised(name), l.List(names)))
		}
	}
	name := nameOfUnit(l, report.OneDay, now)
	if q.period.Kind == report.Today {
		name = l.Say("period.today")
	}
	say(now.From, name, events)
	say(before.From, weekdayOf(l, before.To, q.period), eventsBefore)
	return strings.Join(all, " ")
}

// maxRemarks bounds the events that a remark names of one period. Of longer periods than
// maxWeekdays days it matters little on which weekday a day was.
const maxRemarks, maxWeekdays = 6, 92

// compareEvents is calendarRemark for two ranges with their names and events.
func compareEvents(l *i18n.Language, name, nameBefore string, now, before calendar.Range, events, eventsBefore []calendar.Event) string {
	var all, onlyNow, onlyBefore []string
	var seen []string
	for _, e := range events {
		if slices.Contains(seen, e.Name) {
			continue // twice in a year, as the turn of the year
		}
		seen = append(seen, e.Name)
		a, b := daysOf(e.Name, events, now), daysOf(e.Name, eventsBefore, before)
		switch i := indexOf(e.Name, eventsBefore); {
		case i < 0:
			onlyNow = append(onlyNow, eventText(l, e))
		case a != b:
			all = append(all, l.Say("calendar.days", capitalised(l.Say("event."+e.Name)), name, l.Counted("days", a), nameBefore, l.Counted("days", b)))
		case e.Days.Days() == 1 && now.Days() <= maxWeekdays && onWeekend(e) != onWeekend(eventsBefore[i]):
			all = append(all, l.Say("calendar.weekday", capitalised(l.Say("event."+e.Name)), l.WeekdayName(e.Days.From), name, l.WeekdayName(eventsBefore[i].Days.From), nameBefore))
		}
	}
	for _, e := range eventsBefore {
		if text := eventText(l, e); indexOf(e.Name, events) < 0 && !slices.Contains(onlyBefore, text) {
			onlyBefore = append(onlyBefore, text)
		}
	}
	only := func(texts []string, in, notIn string) {
		if more := len(texts) - maxRemarks; more > 0 {
			texts = append(texts[:maxRemarks:maxRemarks], l.Counted("calendar.more", int64(more)))
		}
		if len(texts) > 0 {
			all = append(all, l.Say("calendar.only", capitalised(in), l.List(texts), notIn))
		}
	}
	only(onlyNow, name, nameBefore)
	only(onlyBefore, nameBefore, name)
	return strings.Join(all, " ")
}

// indexOf returns the index of the first event with a name, -1 without one.
func indexOf(name string, events []calendar.Event) int {
	return slices.IndexFunc(events, func(e calendar.Event) bool { return e.Name == name })
}

// daysOf returns how many days of a range belong to the events with a name.
func daysOf(name string, events []calendar.Event, r calendar.Range) (days int64) {
	for _, e := range events {
		if e.Name == name {
			days += int64(calendar.Range{From: max(e.Days.From, r.From), To: min(e.Days.To, r.To)}.Days())
		}
	}
	return days
}

func onWeekend(e calendar.Event) bool {
	weekday := e.Days.From.Time().Weekday()
	return weekday == time.Saturday || weekday == time.Sunday
}

// eventText names an event with its days.
func eventText(l *i18n.Language, e calendar.Event) string {
	when := l.Range(e.Days)
	if e.Days.Days() == 1 {
		when = l.WeekdayName(e.Days.From) + " " + l.LongDay(e.Days.From)
	} else if year := e.Days.To.Time().Year(); e.Days.From.Time().Year() == year {
		when = strings.TrimSuffix(when, " "+strconv.Itoa(year))
	}
	return l.Say("calendar.event", l.Say("event."+e.Name), when)
}
