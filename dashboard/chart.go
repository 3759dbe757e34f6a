package dashboard

import (
	"fmt"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/store"
)

// chart is a series beside the one before it, point by point.
type chart struct {
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
	Visitors  int64 `json:"visitors"`
	Pageviews int64 `json:"pageviews"`
}

// chart lays the two series side by side.
func (f *figures) chart(l *i18n.Language) chart {
	step := f.period.step()
	c := chart{Hourly: step == store.Hourly}
	for i, point := range f.points {
		var p chartPoint
		p.Label, p.Title = pointNames(l, step, point)
		if !point.Time.After(f.now) {
			p.Now = &chartValues{point.Visitors, point.Pageviews}
		}
		if i < len(f.pointsBefore) {
			before := f.pointsBefore[i]
			_, p.BeforeTitle = pointNames(l, step, before)
			p.Before = &chartValues{before.Visitors, before.Pageviews}
		}
		c.Points = append(c.Points, p)
	}
	return c
}

// pointNames returns what a point is called on the axis and in full.
func pointNames(l *i18n.Language, step store.Step, p store.Point) (label, title string) {
	day := calendar.DayOf(p.Time)
	switch step {
	case store.Hourly:
		return l.Clock(p.Time), l.ShortDay(day) + " " + l.Clock(p.Time)
	case store.Monthly:
		return l.ShortMonth(day), l.Month(day)
	default:
		return l.ShortDay(day), l.Weekday(day)
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
