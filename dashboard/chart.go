package dashboard

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// chart is a measure over a period, beside the days before, drawn as SVG. Everything with
// text or round shapes stands in percent across and pixels down, so only lines stretch.
type chart struct {
	Measure    string
	Step       report.Step
	Label      string // what it shows, for those who do not see it
	Name, Was  string // of the period and of the days before; Was is "" without them
	Few        bool   // values stand at the points
	Lines      []gridLine
	Bands      []band
	Points     []point
	Line       string // points of the polyline
	Part       string // the same, of a last point that is not over
	Before     string
	EndY, WasY float64 // of the names at the end of the lines; 0: none
	EndX, WasX float64

	measures []string
	asked    report.Query
	points   []report.Point
	site     string
	guard    int // see site.Site
}

func (*chart) part() string { return "chart" }

// gridLine is a line of the scale.
type gridLine struct {
	Y    float64
	Text string
}

// band is a weekend.
type band struct {
	X, Width float64 // percent
}

// point is a step of the chart.
type point struct {
	X, Left, Width float64 // percent
	Y              float64 // pixels; of a point without a figure, that of nothing
	Value          string  // "–" where it has not begun
	Was            string  // of the days before, "" without them
	WasTitle       string
	Title          string // in full
	Top, Under     string // label, in two lines; "" for none
	Low            bool   // the label goes where there is no room
	Open           bool   // it is not over
	Empty          bool   // it has not begun
	Drawn          bool   // the line has it
	Days           calendar.Range
}

// Hourly reports whether the points are hours, of which no range is chosen.
func (c *chart) Hourly() bool { return c.Step == report.Hour }

// Above is where the value of a point stands.
func (p point) Above() float64 { return p.Y - 12 }

// Geometry of the plot, in pixels: the height of the scale and the space above it.
const (
	plotHeight = 208
	plotTop    = 24
)

// chart asks for the points of some measures, and returns what draws the chosen one. The
// answer is that of the sums, too.
func (q *question) chart(l *i18n.Language, measures []string) (sums *answer, draw func() *chart) {
	asked := q.query(measures...)
	asked.Step = q.period.Step()
	got := q.ask(asked)
	return got, func() *chart { return q.draw(l, got, measures) }
}

func (q *question) draw(l *i18n.Language, got *answer, measures []string) *chart {
	c := &chart{
		Measure: q.measure(measures), Step: got.query.Step, Name: nameOnCurve(l, q.period, q.period.Whole, false),
		measures: measures, asked: got.query, site: q.of.Hosts[0], guard: q.of.Guard,
	}
	c.points = got.query.Points(got.Result, false)
	now := whole(c.points, q.period, c.Step)
	var before []report.Point
	if got.query.Compare != nil {
		days, _ := q.period.Before()
		c.Was = nameOnCurve(l, q.period, days, true)
		before = got.query.Points(got.Result, true)
		if until := got.query.CompareUntil; !until.IsZero() { // of the rest of that day nothing was asked
			before = slices.DeleteFunc(before, func(p report.Point) bool { return p.At.After(until) })
		}
	}
	n := len(now)
	value := func(p report.Point) float64 { return p.Of(c.Measure) }
	top := 0.
	for _, p := range append(now[:n:n], before...) {
		top = max(top, value(p))
	}
	c.Few = n <= 8
	room := 1.02
	if c.Few {
		room = 1.16
	}
	var y func(float64) float64
	c.Lines, y = scale(l, c.Measure, top*room)
	shift := 0
	if c.Step == report.Day {
		shift = q.period.Shift()
	}
	was := make([]*report.Point, n)
	var wasLine []string
	for i := range before {
		if j := i + shift; j >= 0 && j < n {
			if was[j] = &before[i]; before[i].Hidden != report.Shown {
				continue
			}
			wasLine = append(wasLine, xy(j, n, y(value(before[i]))-plotTop))
		}
	}
	c.Before = strings.Join(wasLine, " ")
	var line []string
	for i, p := range now {
		start := q.start(p, c.Step)
		at := point{X: (float64(i) + 0.5) / float64(n) * 100, Left: float64(i) / float64(n) * 100, Width: 100 / float64(n), Y: y(value(p)), Days: p.Days}
		at.Title = pointName(l, c.Step, start)
		at.Top, at.Under, at.Low = axisLabel(l, c.Step, start, i, n)
		at.Empty = start.After(q.now) || c.Step != report.Hour && p.Days.From > q.period.Range.To
		at.Open = !at.Empty && !q.over(p, c.Step)
		at.Value = nothing
		if !at.Empty {
			at.Value = q.shown(l, c.Measure, p.Sums, p.Hidden)
		}
		if was[i] != nil {
			at.Was = q.shown(l, c.Measure, was[i].Sums, was[i].Hidden)
			at.WasTitle = pointName(l, c.Step, q.start(*was[i], c.Step))
		}
		at.Drawn = !at.Empty && p.Hidden == report.Shown
		c.Points = append(c.Points, at)
		switch {
		case !at.Drawn:
		case at.Open:
			if len(line) > 0 {
				c.Part = line[len(line)-1] + " "
			}
			c.Part += xy(i, n, at.Y-plotTop)
		default:
			line = append(line, xy(i, n, at.Y-plotTop))
			c.EndX, c.EndY = at.X, at.Y
		}
	}
	c.Line = strings.Join(line, " ")
	c.Bands = q.bands(now, c.Step)
	if last := lastOf(was); last >= 0 {
		c.WasY, c.WasX = y(value(*was[last])), c.Points[last].X
		if c.EndY != 0 && math.Abs(c.WasX-c.EndX) < 12 && math.Abs(c.WasY-c.EndY) < 16 { // names do not touch
			middle := (c.WasY + c.EndY) / 2
			if c.WasY <= c.EndY {
				c.WasY, c.EndY = middle-8, middle+8
			} else {
				c.WasY, c.EndY = middle+8, middle-8
			}
		}
	}
	c.Label = q.chartLabel(l, c)
	return c
}

// lastOf returns the index of the last point that there is, -1 without any.
func lastOf(points []*report.Point) int {
	for i := len(points) - 1; i >= 0; i-- {
		if points[i] != nil {
			return i
		}
	}
	return -1
}

// whole returns the points of all of a period: those of days that are to come have no
// figures.
func whole(points []report.Point, p report.Period, step report.Step) []report.Point {
	if p.Whole == p.Range || step == report.Hour {
		return points
	}
	all := report.Query{Range: p.Whole, Step: step}
	full := all.Points(report.Result{}, false)
	for i := range full {
		if i < len(points) {
			full[i] = points[i]
		}
	}
	return full
}

// over reports whether all of a point is over, and all of it lies in the period.
func (q *question) over(p report.Point, step report.Step) bool {
	day := calendar.DayOf(p.At)
	switch step {
	case report.Hour:
		return !p.At.Add(time.Hour).After(q.now)
	case report.Week:
		return p.Days == calendar.Week(day)
	case report.Month:
		return p.Days == calendar.Month(day)
	}
	return true
}

// xy writes a point of a polyline in a box of a thousand across.
func xy(i, n int, y float64) string {
	return trim((float64(i)+0.5)/float64(n)*1000) + "," + trim(y)
}

func trim(x float64) string {
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}

// scale returns the lines of a scale from 0 to top, at most five above it, and what places
// a value on it.
func scale(l *i18n.Language, measure string, top float64) ([]gridLine, func(float64) float64) {
	unit := report.UnitOf(measure)
	least := 1.
	if unit == report.Share || unit == report.Mean {
		least = 0.01
	}
	step := least
	for k := least; ; k *= 10 {
		for _, m := range []float64{1, 2, 2.5, 5} {
			if step = k * m; (unit != report.Count || step == math.Trunc(step)) && top/step <= 4.999 {
				k = math.Inf(1)
				break
			}
		}
		if math.IsInf(k, 1) {
			break
		}
	}
	count := max(1, math.Ceil(top/step))
	high := count * step
	y := func(v float64) float64 { return plotTop + plotHeight - plotHeight*max(v, 0)/high }
	var lines []gridLine
	for i := 0.; i <= count; i++ {
		text := ""
		switch v := i * step; unit {
		case report.Share:
			text = l.WholePercent(v)
		case report.Seconds:
			text = l.Duration(time.Duration(v) * time.Second)
		case report.Mean:
			text = l.Decimal(v)
		default:
			text = l.Number(int64(v))
		}
		lines = append(lines, gridLine{y(i * step), text})
	}
	return lines, y
}

// axisLabel returns what stands under a point, in two lines, and whether that goes where
// there is no room.
func axisLabel(l *i18n.Language, step report.Step, start time.Time, i, n int) (top, under string, low bool) {
	day := calendar.DayOf(start)
	monday := start.Weekday() == time.Monday
	switch {
	case step == report.Hour:
		if h := start.Hour(); h%3 == 0 && start.Minute() < 30 {
			return l.Clock(start), "", h%6 != 0
		}
	case step == report.Day && n <= 8:
		return l.ShortWeekday(day), l.DayNumber(day), false
	case step == report.Day && n <= 14:
		return l.DayNumber(day), monthOf(l, day, i, 1), i%2 == 1
	case step == report.Day && monday:
		return l.DayNumber(day), monthOf(l, day, i, 7), n > 40 && i/7%2 == 1
	case step == report.Week:
		_, week := start.ISOWeek()
		every := max(1, (n+11)/12)
		if i%every == 0 {
			return l.Say("period.name.week.short", strconv.Itoa(week)), monthOf(l, day, i, every*7), i/every%2 == 1
		}
	case step == report.Month:
		every := max(1, (n+11)/12)
		if i%every == 0 {
			year := ""
			if start.Month() == time.January || i == 0 {
				year = strconv.Itoa(start.Year())
			}
			return l.ShortMonthName(day), year, i/every%2 == 1
		}
	}
	return "", "", false
}

// monthOf returns the name of the month under the first label, and where it changes.
func monthOf(l *i18n.Language, day calendar.Day, i, every int) string {
	if i < every || (day-calendar.Day(every)).Time().Month() != day.Time().Month() {
		return l.ShortMonthName(day)
	}
	return ""
}

// bands are the weekends of a chart by days.
func (q *question) bands(points []report.Point, step report.Step) []band {
	if step != report.Day || len(points) > 100 {
		return nil
	}
	n := float64(len(points))
	var all []band
	for i, p := range points {
		weekday := p.At.Weekday()
		if weekday != time.Saturday && weekday != time.Sunday {
			continue
		}
		if weekday == time.Sunday && len(all) > 0 && i > 0 {
			all[len(all)-1].Width = 2 / n * 100
			continue
		}
		all = append(all, band{X: float64(i) / n * 100, Width: 100 / n})
	}
	return all
}

// chartLabel says in a sentence what the chart shows.
func (q *question) chartLabel(l *i18n.Language, c *chart) string {
	high, low := -1, -1
	for i, p := range c.Points {
		if p.Empty || p.Open {
			continue
		}
		if high < 0 || p.Y < c.Points[high].Y {
			high = i
		}
		if low < 0 || p.Y > c.Points[low].Y {
			low = i
		}
	}
	what := l.Say("chart.per."+string(c.Step), l.Say("measure."+c.Measure), nameOfPeriod(l, q.period))
	if high < 0 || high == low {
		return what
	}
	return what + " " + l.Say("chart.extremes", c.Points[high].Title, c.Points[high].Value, c.Points[low].Title, c.Points[low].Value)
}

// start returns the first moment of a point in the time zone of the site.
func (q *question) start(p report.Point, step report.Step) time.Time {
	if step == report.Hour {
		return p.At.In(q.now.Location())
	}
	return calendar.DayOf(p.At).In(q.now.Location())
}

// pointName returns what a point is called in full.
func pointName(l *i18n.Language, step report.Step, start time.Time) string {
	day := calendar.DayOf(start)
	switch step {
	case report.Hour:
		return l.ShortDay(day) + " " + l.Clock(start)
	case report.Week:
		_, week := start.ISOWeek()
		return l.Say("period.name.week", strconv.Itoa(week)) + ", " + l.Range(calendar.Week(day))
	case report.Month:
		return l.Month(day)
	default:
		return l.Weekday(day)
	}
}

// pointCell writes the start of a point for a spreadsheet.
func pointCell(step report.Step, start time.Time) string {
	switch step {
	case report.Hour:
		return start.Format("2006-01-02 15:04")
	case report.Month:
		return start.Format("2006-01")
	default:
		return start.Format(time.DateOnly)
	}
}

// The box that a spark line is drawn in.
const sparkWidth, sparkHeight = 128, 32

// spark returns the points of a polyline through values, from left to right.
func spark(values []int64) string {
	var top int64 = 1
	for _, v := range values {
		top = max(top, v)
	}
	var points []string
	for i, v := range values {
		x := 2 + float64(i)*(sparkWidth-4)/float64(max(len(values)-1, 1))
		y := sparkHeight - 2 - float64(max(v, 0))*(sparkHeight-4)/float64(top)
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
	}
	return strings.Join(points, " ")
}
