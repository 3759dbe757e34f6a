package dashboard

import (
	"fmt"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// chart is two series beside those before them, point by point.
type chart struct {
	A, B   string // keys of the measures
	Points []chartPoint
	Hourly bool
}

// chartPoint is one step of a chart; a step that has not begun, or has no
// counterpart, has no numbers.
type chartPoint struct {
	Label       string       `json:"label"` // on the axis
	Title       string       `json:"title"` // in full
	BeforeTitle string       `json:"beforeTitle"`
	Now         *chartValues `json:"now"`
	Before      *chartValues `json:"before"`
}

type chartValues struct {
	A int64 `json:"a"`
	B int64 `json:"b"`
}

// chart lays the series side by side.
func (f *figures) chart(l *i18n.Language) chart {
	c := chart{A: f.chartKeys[0], B: f.chartKeys[1], Hourly: f.step == report.Hour}
	values := func(p report.Point) *chartValues { return &chartValues{p.Count(c.A), p.Count(c.B)} }
	for i, point := range f.points {
		var p chartPoint
		p.Label, p.Title = pointNames(l, f.step, f.start(point))
		if !f.start(point).After(f.now) {
			p.Now = values(point)
		}
		if i < len(f.pointsBefore) {
			before := f.pointsBefore[i]
			_, p.BeforeTitle = pointNames(l, f.step, f.start(before))
			p.Before = values(before)
		}
		c.Points = append(c.Points, p)
	}
	return c
}

// start returns the first moment of a point in the time zone of the site.
func (f *figures) start(p report.Point) time.Time {
	if f.step == report.Hour {
		return p.At.In(f.site.Location)
	}
	return calendar.DayOf(p.At).In(f.site.Location)
}

// pointNames returns what a point is called on the axis and in full.
func pointNames(l *i18n.Language, step report.Step, start time.Time) (label, title string) {
	day := calendar.DayOf(start)
	switch step {
	case report.Hour:
		return l.Clock(start), l.ShortDay(day) + " " + l.Clock(start)
	case report.Month:
		return l.ShortMonth(day), l.Month(day)
	default:
		return l.ShortDay(day), l.Weekday(day)
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
const sparkWidth, sparkHeight = 140, 36

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
