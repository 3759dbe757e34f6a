package dashboard

import (
	"strconv"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
)

// hours tell when in the week people come.
func hours(q *question) (func() doc, error) {
	l := q.lang
	measure := "visits"
	if q.own.Get(byMeasure) == "pageviews" {
		measure = "pageviews"
	}
	exact := q.exact("hour", measure, "pageviews")
	asked := q.query(exact...)
	asked.Compare = nil
	asked.Dimension, asked.Limit, asked.Measures = "hour", 7*24, exact[:1]
	got := q.ask(asked)
	return func() doc {
		d := doc{Title: q.title("nav.hours")}
		d.Blocks = append(d.Blocks, block{Key: "hours", Title: l.Say("hours.title", l.Say("measure."+exact[0])), Note: spans(l, "hours.what"), Wide: true, Shows: q.week(l, got, exact[0])})
		return d
	}, nil
}

// week is a table of weekdays and hours.
type week struct {
	Measure string
	Hours   []string
	Days    []weekday
	Refused string
	Busiest string
	Guarded string // why figures are hidden; "": none is
}

func (*week) part() string { return "week" }

type weekday struct {
	Name, Short string
	Cells       []hourCell
	Sum         string
}

type hourCell struct {
	Value  string
	Level  int // 0 to 5, of the most
	count  int64
	hidden report.Hiding
}

// levels are how many shades a cell may have besides none.
const levels = 5

func (q *question) week(l *i18n.Language, got *answer, measure string) *week {
	w := &week{Measure: measure}
	if got.refused != nil {
		w.Refused = "refusal." + string(got.refused.Code)
		return w
	}
	var sums [7][24]report.Sums
	var hidden [7][24]report.Hiding
	most := int64(0)
	bestDay, bestHour := 0, 0
	if got.Withheld { // hours without a line may be hidden
		w.Guarded = q.guardNote(l)
		for d := range hidden {
			for h := range hidden[d] {
				hidden[d][h] = report.Beside
			}
		}
	}
	told := func(int) bool { return true } // whether an hour has begun that answers tell of
	if until := got.query.Until; !until.IsZero() {
		if !got.AsOf.IsZero() {
			until = got.AsOf
		}
		year, month, day := q.period.Range.From.Time().Date()
		told = func(hour int) bool { return time.Date(year, month, day, hour, 0, 0, 0, q.now.Location()).Before(until) }
	}
	met := map[int]bool{}
	for day := q.period.Range.From; day <= q.period.Range.To && len(met) < 7; day++ {
		met[(int(day.Time().Weekday())+6)%7] = true
	}
	for d := range hidden {
		for h := range hidden[d] {
			if !met[d] || !told(h) {
				hidden[d][h] = report.Ahead
			}
		}
	}
	for _, line := range got.Lines {
		d, err := strconv.Atoi(line.Value)
		h, errHour := strconv.Atoi(line.Detail)
		if err != nil || errHour != nil || d < 1 || d > 7 || h < 0 || h > 23 {
			continue
		}
		n := line.Now.Count(measure)
		sums[d-1][h], hidden[d-1][h] = line.Now, line.Hidden
		if line.Hidden != report.Shown {
			w.Guarded = q.guardNote(l)
		}
		if n > most {
			most, bestDay, bestHour = n, d-1, h
		}
	}
	for h := range 24 {
		w.Hours = append(w.Hours, strconv.Itoa(h))
	}
	monday := calendar.WeekOf(2026, 1)
	for d := range 7 {
		day := weekday{Name: l.WeekdayName(monday + calendar.Day(d)), Short: l.ShortWeekday(monday + calendar.Day(d))}
		sum, covered := report.Sums{}, false
		for h := range 24 {
			n := sums[d][h].Count(measure)
			sum = sum.Add(sums[d][h])
			level := 0
			if n > 0 && most > 0 {
				level = int((n*levels + most - 1) / most)
			}
			cell := hourCell{l.Number(n), level, n, hidden[d][h]}
			if cell.hidden != report.Shown {
				cell.Value = coverOf(l, cell.hidden, q.below())
				covered = covered || cell.hidden != report.Ahead && sums[d][h] == (report.Sums{}) // else it is few, and counted
			}
			day.Cells = append(day.Cells, cell)
		}
		if day.Sum = amount(l, measure, sum); covered {
			day.Sum = l.Say("guard.beside")
		}
		if !met[d] {
			day.Sum = nothing
		}
		w.Days = append(w.Days, day)
	}
	if most > 0 {
		w.Busiest = l.Say("hours.busiest", w.Days[bestDay].Name, strconv.Itoa(bestHour), strconv.Itoa(bestHour+1), l.Number(most))
	}
	return w
}

func (w *week) json() any {
	days := []map[string]any{}
	for i, d := range w.Days {
		var counts []any
		for _, c := range d.Cells {
			if c.hidden != report.Shown {
				counts = append(counts, nil)
			} else {
				counts = append(counts, c.count)
			}
		}
		days = append(days, map[string]any{"weekday": i + 1, "hours": counts})
	}
	return refusable(w.Refused, map[string]any{"measure": w.Measure, "days": days})
}

func (w *week) csv(s *sheet) {
	s.heading([]string{"dimension.weekday", "dimension.hour"}, []string{w.Measure})
	s.refusal(w.Refused)
	for _, d := range w.Days {
		for h, c := range d.Cells {
			if c.hidden != report.Shown {
				s.cells(d.Name, strconv.Itoa(h), c.Value)
			} else {
				s.cells(d.Name, strconv.Itoa(h), s.lang.Plain(float64(c.count)))
			}
		}
	}
}
