package dashboard

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// chart is a measure over a period, beside the days before, drawn as SVG. Everything with
// text or round shapes stands in percent across and pixels down, so only lines stretch.
type chart struct {
	Measure    string
	Step       report.Step
	Label      string // what it shows, for those who do not see it
	Says       string // and what can be read off it
	Name, Was  string // of the period and of the days before; Was is "" without them
	Few        bool   // values stand at the points
	Nothing    bool   // no point has more than nothing
	Refused    string // key of the text why there is no point; "": it was answered
	Lines      []gridLine
	Bands      []band
	Names      []bandName
	Days       []namedDays // what the bands are, under the chart
	Notes      []chartNote
	Pins       []pin
	Points     []point
	Whole      []string // points of polylines
	Parts      []string // the same, to and from points that are not over
	Before     []string // the same, of the days before
	EndY, WasY float64  // of the names at the end of the lines; 0: none
	EndX, WasX float64

	measures []string
	asked    report.Query
	of       report.Result
	points   []report.Point
	events   []calendar.Event // of the period, all of them
	notes    []site.Note
	site     string
	guard    int // see site.Site
}

func (*chart) part() string { return "chart" }

// What has room beside the plot, in characters: a name in the half step behind the last of few
// points, and a number of the scale in the usual space.
const (
	nameFits  = 7
	scaleFits = 7
)

// Class says what space the plot needs beside it: none for the names of the lines, and more
// than usual for the numbers of the scale.
func (c *chart) Class() (class string) {
	if c.Few && max(utf8.RuneCountInString(c.Name), utf8.RuneCountInString(c.Was)) <= nameFits {
		class = " few"
	}
	if slices.ContainsFunc(c.Lines, func(line gridLine) bool { return utf8.RuneCountInString(line.Text) > scaleFits }) {
		class += " long"
	}
	return class
}

// Hourly reports whether the points are hours, of which no range is chosen.
func (c *chart) Hourly() bool { return c.Step == report.Hour }

// gridLine is a line of the scale.
type gridLine struct {
	Y    float64
	Text string
}

// point is a step of the chart.
type point struct {
	X, Left, Width float64 // percent
	Y              float64 // pixels; of a point without a figure, that of nothing
	Value          string  // "–" where it has not begun, or was not counted
	Was            string  // of the days before, "" without them
	WasTitle       string
	Title          string   // in full
	Marks          []string // what its days are known for
	Top, Under     string   // label, in two lines; "" for none
	Narrow         string   // the second line where labels that are Low are not shown
	Low            bool     // the label goes where there is no room
	LowValue       bool     // the same, of the value at the point
	Open           bool     // it is not over, or only a part of it lies in the period
	Empty          bool     // it has not begun, or was not counted
	Drawn          bool     // a line, or a dot, has it
	Dot            bool
	Days           calendar.Range // those of the period that it has
}

// Full is the title with what the days are known for.
func (p point) Full() string {
	if len(p.Marks) == 0 {
		return p.Title
	}
	return p.Title + " (" + strings.Join(p.Marks, ", ") + ")"
}

// Above is where the value of a point stands.
func (p point) Above() float64 { return p.Y - 12 }

// Geometry of the plot, in pixels: the height of the scale and the space above it.
const (
	plotHeight = 208
	plotTop    = 24
)

// chart asks for the points of some measures, and returns what draws the chosen one, and the
// answer of the sums. That is the same one, unless some of them can't be told by hour.
func (q *question) chart(l *i18n.Language, measures []string) (sums *answer, draw func() *chart) {
	asked := q.query(measures...)
	asked.Step = q.period.Step()
	points := exactOf(asked, measures)
	q.marked = true
	if len(points) == len(measures) {
		sums = q.ask(asked)
		return sums, func() *chart { return q.draw(l, sums, measures) }
	}
	sums = q.ask(q.query(measures...))
	asked.Measures = points
	got := q.ask(asked)
	return sums, func() *chart { return q.draw(l, got, measures) }
}

func (q *question) draw(l *i18n.Language, got *answer, measures []string) *chart {
	c := &chart{
		Measure: q.measure(measures), Step: got.query.Step, Name: nameOnCurve(l, q.period, q.period.Whole, false),
		measures: got.query.Measures, events: q.of.Events(q.period.Whole), notes: q.notes, asked: got.query, of: got.Result, site: q.of.Hosts[0], guard: q.below(),
	}
	if c.Refused = refusalOf(got); c.Refused != "" {
		return c
	}
	if !slices.Contains(c.measures, c.Measure) {
		c.Refused = "refusal." + string(report.Unlinked)
		return c
	}
	c.points = got.query.Points(got.Result, false)
	now := whole(c.points, q.period, c.Step)
	if cover(got.Result, c.Measure, now) == len(c.points) && len(c.points) > 0 {
		c.Refused = "refusal." + string(report.Unknown)
		return c
	}
	was := q.pointsBefore(l, c, got, now)
	value := func(p report.Point) float64 { return p.Of(c.Measure) }
	top := 0.
	for _, p := range now {
		top = max(top, value(p))
	}
	for _, p := range was {
		if p != nil {
			top = max(top, value(*p))
		}
	}
	c.Few = len(now) <= 8
	room := 1.02
	if c.Few {
		room = 1.16
	}
	var y func(float64) float64
	c.Lines, y = scale(l, c.Measure, top*room)
	hidden := slices.ContainsFunc(now, func(p report.Point) bool { return isSmall(p.Hidden) })
	c.Nothing = top == 0 && !hidden
	for i, p := range now {
		c.Points = append(c.Points, q.point(l, c, p, was[i], place{i, len(now)}, y(value(p))))
	}
	q.markTwice(l, c, now)
	q.labelPoints(l, c.Step, now, c.Points)
	q.mark(l, c, now)
	c.join(func(i int) bool { return was[i] != nil && was[i].Hidden == report.Shown }, func(i int) float64 { return y(value(*was[i])) })
	c.lowValues()
	c.nameLines(was, func(p report.Point) float64 { return y(value(p)) })
	c.Label = l.Say("chart.per."+string(c.Step), l.Say("measure."+c.Measure), nameOfPeriod(l, q.period))
	c.Says = q.says(l, c, now, was)
	return c
}

// isSmall reports whether a figure is hidden since it is small, or beside one that is.
func isSmall(h report.Hiding) bool { return h == report.Below || h == report.Beside }

// cover hides the points on whose days a measure is not known, and returns how many these are.
func cover(of report.Result, measure string, points []report.Point) (n int) {
	for i, p := range points {
		if of.Lacks(measure, p.Days) {
			points[i].Sums, points[i].Hidden = report.Sums{}, report.Refused
			n++
		}
	}
	return n
}

// pointsBefore returns the points of the days before, each at the place of the one that it
// is drawn beside, and nil where there is none. Hours are beside those of the same time of
// the clock.
func (q *question) pointsBefore(l *i18n.Language, c *chart, got *answer, now []report.Point) []*report.Point {
	was := make([]*report.Point, len(now))
	if got.query.Compare == nil {
		return was
	}
	days, _ := q.period.Before()
	c.Was = nameOnCurve(l, q.period, days, true)
	before := got.query.Points(got.Result, true)
	cover(got.Result, c.Measure, before)
	if until := got.query.CompareUntil; !until.IsZero() { // of the rest of that day nothing was asked
		before = slices.DeleteFunc(before, func(p report.Point) bool { return p.At.After(until) })
	}
	if c.Step == report.Hour {
		for i, hour := range q.hours(now) {
			if j := slices.Index(q.hours(before), hour); j >= 0 {
				was[i] = &before[j]
			}
		}
		return was
	}
	shift := 0
	if c.Step == report.Day {
		shift = q.period.Shift()
	}
	for i := range before {
		if j := i + shift; j >= 0 && j < len(now) {
			was[j] = &before[i]
		}
	}
	return was
}

// clockHour is an hour that the clock shows, for the nth time on its day: twice where it is put
// back.
type clockHour struct{ hour, nth int }

// hours returns the hours of the clock of points of a day.
func (q *question) hours(points []report.Point) []clockHour {
	all := make([]clockHour, len(points))
	seen := map[int]int{}
	for i, p := range points {
		hour := q.start(p, report.Hour).Hour()
		all[i] = clockHour{hour, seen[hour]}
		seen[hour]++
	}
	return all
}

// place is that of a point among all.
type place struct{ i, n int }

// point returns what of a point does not depend on those beside it.
func (q *question) point(l *i18n.Language, c *chart, p report.Point, was *report.Point, at place, y float64) point {
	i, n := float64(at.i), float64(at.n)
	start := q.start(p, c.Step)
	shown := point{X: (i + 0.5) / n * 100, Left: i / n * 100, Width: 100 / n, Y: y, Days: p.Days, Value: nothing}
	shown.Title = pointName(l, c.Step, start)
	shown.Empty = start.After(q.now) || c.Step != report.Hour && (p.Days.From > q.period.Range.To || p.Days.To < q.since)
	if !shown.Empty {
		shown.Open = !over(q.now, p, c.Step)
		shown.Value = q.shown(l, c.Measure, p.Sums, p.Hidden)
		shown.Drawn = p.Hidden == report.Shown
	}
	if was != nil {
		shown.Was = q.shown(l, c.Measure, was.Sums, was.Hidden)
		shown.WasTitle = pointName(l, c.Step, q.start(*was, c.Step))
	}
	return shown
}

// markTwice tells two hours apart that the clock shows twice on a day, when it is put back.
func (q *question) markTwice(l *i18n.Language, c *chart, points []report.Point) {
	if c.Step != report.Hour {
		return
	}
	for i := 1; i < len(points); i++ {
		if c.Points[i].Title == c.Points[i-1].Title {
			c.Points[i-1].Title += " " + l.Say("chart.first")
			c.Points[i].Title += " " + l.Say("chart.second")
		}
	}
}

// join draws the lines: from each point to the next, where both have a figure. To and from
// a point that is not over, the line is that of a part. A point without a line is a dot.
func (c *chart) join(before func(int) bool, beforeY func(int) float64) {
	n := len(c.Points)
	drawn := func(i int) bool { return c.Points[i].Drawn }
	part := func(i int) bool { return c.Points[i].Open || c.Points[i+1].Open }
	y := func(i int) float64 { return c.Points[i].Y }
	c.Whole = lines(n, func(i int) bool { return drawn(i) && drawn(i+1) && !part(i) }, y)
	c.Parts = lines(n, func(i int) bool { return drawn(i) && drawn(i+1) && part(i) }, y)
	c.Before = lines(n, func(i int) bool { return before(i) && before(i+1) }, beforeY)
	for i := range c.Points {
		alone := (i == 0 || !drawn(i-1)) && (i == n-1 || !drawn(i+1))
		c.Points[i].Dot = drawn(i) && (c.Few || alone || c.Points[i].Open)
	}
}

// lines returns polylines through those of n points that are joined to the next.
func lines(n int, joined func(int) bool, y func(int) float64) []string {
	var all, line []string
	for i := range n {
		on := i+1 < n && joined(i)
		if on || len(line) > 0 {
			line = append(line, xy(i, n, y(i)-plotTop))
		}
		if !on && len(line) > 0 {
			all, line = append(all, strings.Join(line, " ")), nil
		}
	}
	return all
}

// What a value takes of the width of a narrow chart, in pixels.
const (
	narrowPlot = 252
	digitWidth = 7
)

// lowValues leaves out values at points where a narrow chart has no room for all.
func (c *chart) lowValues() {
	longest := 0
	for _, p := range c.Points {
		longest = max(longest, utf8.RuneCountInString(p.Value))
	}
	every := max(1, (longest*digitWidth*len(c.Points)+narrowPlot-1)/narrowPlot)
	for i := range c.Points {
		c.Points[i].LowValue = i%every != 0
	}
}

// nameLines puts the names of the two lines at their last points, 16 pixels apart at least.
func (c *chart) nameLines(was []*report.Point, y func(report.Point) float64) {
	for _, p := range c.Points {
		if p.Drawn {
			c.EndX, c.EndY = p.X, p.Y
		}
	}
	for i, p := range was {
		if p != nil && p.Hidden == report.Shown {
			c.WasX, c.WasY = c.Points[i].X, y(*p)
		}
	}
	if c.EndY == 0 || c.WasY == 0 || math.Abs(c.WasX-c.EndX) >= 12 || math.Abs(c.WasY-c.EndY) >= 16 {
		return
	}
	middle := min((c.WasY+c.EndY)/2, plotTop+plotHeight-8) // both above the base
	if c.WasY <= c.EndY {
		c.WasY, c.EndY = middle-8, middle+8
	} else {
		c.WasY, c.EndY = middle+8, middle-8
	}
}

// whole returns the points of all of a period: those of days that are to come have no
// figures.
func whole(points []report.Point, p report.Period, step report.Step) []report.Point {
	if p.Whole == p.Range || step == report.Hour {
		return slices.Clone(points)
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
func over(now time.Time, p report.Point, step report.Step) bool {
	if step == report.Hour {
		return !p.At.Add(time.Hour).After(now)
	}
	return p.Days == unitOf(calendar.DayOf(p.At), step)
}

// unitOf returns the days of the whole step that a day lies in.
func unitOf(day calendar.Day, step report.Step) calendar.Range {
	switch step {
	case report.Week:
		return calendar.Week(day)
	case report.Month:
		return calendar.Month(day)
	}
	return calendar.One(day)
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
	if unit == report.Share {
		top = min(top, 1)
	}
	step := roundStep(unit, top)
	count := max(1, math.Ceil(top/step-1e-9))
	high := count * step
	y := func(v float64) float64 { return plotTop + plotHeight - plotHeight*max(v, 0)/high }
	var lines []gridLine
	for i := 0.; i <= count; i++ {
		lines = append(lines, gridLine{y(i * step), scaleText(l, unit, i*step, step, high)})
	}
	return lines, y
}

// roundStep returns the least round step that divides a scale to top into five at most. Of
// times it is round by the clock.
func roundStep(unit report.Unit, top float64) float64 {
	if unit == report.Seconds {
		for _, step := range []float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800} {
			if top <= 5*step {
				return step
			}
		}
		return 3600 * roundStep(report.Count, top/3600)
	}
	least := 1.
	if unit == report.Share || unit == report.Mean {
		least = 0.01
	}
	for k := least; ; k *= 10 {
		for _, m := range []float64{1, 2, 2.5, 5} {
			if step := k * m; (unit != report.Count || step == math.Trunc(step)) && top <= 5*step {
				return step
			}
		}
	}
}

// From where on the numbers of a scale are in millions, and in thousand millions.
const million, milliard = 1e6, 1e9

// scaleText writes a number of a scale to high.
func scaleText(l *i18n.Language, unit report.Unit, v, step, high float64) string {
	short := func(of float64, key string) string {
		if v == 0 {
			return l.Number(0)
		}
		text := l.Decimal(v / of)
		if math.Mod(v, of) == 0 {
			text = l.Number(int64(v / of))
		}
		return l.Say(key, text)
	}
	switch {
	case unit == report.Share:
		return l.WholePercent(v)
	case unit == report.Seconds:
		return timeText(l, v, step)
	case unit == report.Mean:
		return l.Decimal(v)
	case high >= milliard:
		return short(milliard, "chart.milliard")
	case high >= million:
		return short(million, "chart.million")
	}
	return l.Number(int64(v))
}

// timeText writes a time on a scale with steps of a length, in the unit of the steps.
func timeText(l *i18n.Language, seconds, step float64) string {
	unit := time.Second
	switch {
	case step >= 1800:
		unit = time.Hour
	case step >= 30:
		unit = time.Minute
	}
	v := seconds / unit.Seconds()
	if v == 0 {
		return l.Number(0)
	}
	number := l.Decimal(v)
	if v == math.Trunc(v) {
		number = l.Number(int64(v))
	}
	one, _, _ := strings.Cut(l.Duration(unit), " ")
	return number + strings.TrimPrefix(one, "1")
}

// Of more weeks than these it is said which year they are of.
const maxWeeks = 53

// labelPoints puts labels under the points: what they are called, and under that the month
// or year where it changes. Where there is no room every second one is left out.
func (q *question) labelPoints(l *i18n.Language, step report.Step, points []report.Point, labelled []point) {
	n := len(points)
	every := max(1, (n+11)/12) // of weeks and months
	count, last, lastNarrow := 0, "", ""
	for i, p := range points {
		start := q.start(p, step)
		day := calendar.DayOf(start)
		at := &labelled[i]
		under, low := "", count%2 == 1
		switch {
		case step == report.Hour:
			h := start.Hour()
			if h%3 != 0 || start.Minute() >= 30 || i > 0 && q.start(points[i-1], step).Hour() == h {
				continue
			}
			at.Top, low = l.Clock(start), h%6 != 0
		case step == report.Day && n <= 8:
			at.Top, at.Under, at.Narrow = l.ShortWeekday(day), l.DayNumber(day), l.DayNumber(day)
			continue
		case step == report.Day:
			if n > 14 && start.Weekday() != time.Monday {
				continue
			}
			at.Top, under, low = l.DayNumber(day), l.ShortMonthName(day), low && (n <= 14 || n > 40)
		case i%every != 0:
			continue
		case step == report.Week:
			year, week := start.ISOWeek()
			at.Top, under = l.Say("period.name.week.short", strconv.Itoa(week)), l.ShortMonthName(day)
			if n > maxWeeks {
				under = strconv.Itoa(year)
			}
		case step == report.Month:
			at.Top, under = l.ShortMonthName(day), strconv.Itoa(start.Year())
		}
		count++
		at.Low = low
		if at.Under = under; under == last {
			at.Under = ""
		}
		last = under
		if !low {
			if at.Narrow = under; under == lastNarrow {
				at.Narrow = ""
			}
			lastNarrow = under
		}
	}
}

// says tells in sentences what can be read off a chart: the most and the least, how it is
// beside the days before, and what is not over.
func (q *question) says(l *i18n.Language, c *chart, now []report.Point, was []*report.Point) string {
	if c.Nothing {
		return l.Say("chart.nothing")
	}
	var all []string
	high, low, above, below, hidden := -1, -1, int64(0), int64(0), int64(0)
	for i, p := range c.Points {
		if h := now[i].Hidden; !p.Empty && isSmall(h) {
			hidden++
		}
		if !p.Drawn || p.Open {
			continue
		}
		if high < 0 || now[i].Of(c.Measure) > now[high].Of(c.Measure) {
			high = i
		}
		if low < 0 || now[i].Of(c.Measure) < now[low].Of(c.Measure) {
			low = i
		}
		if was[i] == nil || was[i].Hidden != report.Shown {
			continue
		}
		switch a, b := now[i].Of(c.Measure), was[i].Of(c.Measure); {
		case a > b:
			above++
		case a < b:
			below++
		}
	}
	switch {
	case high < 0:
	case hidden > 0 && now[high].Of(c.Measure) == now[low].Of(c.Measure): // of the others nothing is known
		all = append(all, l.Say("chart.same.shown", c.Points[high].Value))
	case now[high].Of(c.Measure) == now[low].Of(c.Measure):
		all = append(all, l.Say("chart.same", c.Points[high].Value))
	default:
		a, b := c.Points[high], c.Points[low]
		all = append(all, l.Say("chart.extremes", a.Title, a.Value, b.Title, b.Value))
	}
	if above+below > 0 {
		steps := func(n int64) string { return l.Counted("chart.count."+string(c.Step), n) }
		all = append(all, l.Say("chart.beside", nameOfBefore(l, q.period), steps(above), steps(below)))
	}
	if hidden > 0 {
		all = append(all, l.Say("chart.hidden", l.Counted("chart.count."+string(c.Step), hidden), l.Number(int64(c.guard))))
	}
	for _, p := range c.Points {
		if p.Open && p.Drawn {
			all = append(all, l.Say("chart.part", p.Title, p.Value))
		}
	}
	return strings.Join(all, " ")
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
