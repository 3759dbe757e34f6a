package dashboard

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// Parameters of the page of goals: what was typed of a new one.
const (
	byGoalKind    = "kind" // one of goalKinds
	byGoalPattern = "pattern"
	byGoalName    = "goal"
)

// goalSection is a page with any address below another one.
const goalSection = "section"

type goalKind struct {
	key       string
	kind      hit.Kind
	dimension string
	measure   string
}

// goalKinds are what a goal may be, in the order they are offered: the kind of hits, and the
// dimension that names them.
var goalKinds = []goalKind{
	{"page", hit.Pageview, "page", "pageviews"},
	{goalSection, hit.Pageview, "page", "pageviews"},
	{"event", hit.Event, "event", "events"},
	{"download", hit.Download, "download", "events"},
	{"outlink", hit.Outlink, "outlink", "events"},
}

// goalForm names a goal: as it was typed, with what it would have matched.
type goalForm struct {
	Action, Try         string // URLs
	Hidden              []hidden
	Kinds               []string // keys
	Kind, Pattern, Name string
	PatternProblem      string // key; "": none
	NameProblem         string
	PatternSeen         string // what scrubbing makes of the text, where that is the problem
	NameSeen            string
	Minimal             bool     // no goal of the site counts
	Preview             []string // sentences; nil: nothing was typed
	Lines               []previewLine
}

func (*goalForm) part() string { return "goal-form" }

// namedGoals are the goals of a site.
type namedGoals struct {
	Rows   []namedGoal
	Remove string // URL; "": the reader may not
}

func (*namedGoals) part() string { return "named-goals" }

type namedGoal struct{ Name, URL, What, Since string }

// goals are the page of all goals, or the card of one.
func goals(q *question) (func() doc, error) {
	if name := q.own.Get("name"); name != "" {
		return goalCard(q, name)
	}
	l := q.lang
	show := q.table(l, list{key: "goal", dimension: "goal", measures: []string{"conversions"}}.alone())
	var form func() *goalForm
	if q.admin && !q.all {
		form = q.goalForm()
	}
	return func() doc {
		d := doc{Title: q.title("table.goal")}
		d.Blocks = append(d.Blocks, q.alone(show()))
		named := &namedGoals{}
		for _, g := range q.of.Goals {
			named.Rows = append(named.Rows, namedGoal{
				Name: g.Name, URL: q.to("/goals", "name", g.Name).String(), What: l.Say("goal.is."+string(g.Kind), g.Pattern),
				Since: l.Day(calendar.DayOf(g.Since.In(q.now.Location()))),
			})
		}
		if form != nil {
			named.Remove = settingsURL(q.site) + "/goals/remove"
		}
		if len(named.Rows) > 0 {
			d.Blocks = append(d.Blocks, block{Key: "named", Title: l.Say("goal.named"), Wide: true, Shows: named})
		}
		if form != nil {
			d.Blocks = append(d.Blocks, block{Key: "new-goal", Title: l.Say("goal.new"), Note: spans(l, "goal.new.what"), Wide: true, Shows: form()})
		}
		return d
	}, nil
}

// goalForm reads what was typed of a goal, and asks what it would have matched. The function
// that it returns shows the answer.
func (q *question) goalForm() func() *goalForm {
	l := q.lang
	f := &goalForm{Action: settingsURL(q.site) + "/goals", Try: q.to("/goals").place() + "#new-goal", Hidden: q.hidden(byGoalKind, byGoalPattern, byGoalName, byAfter), Minimal: !q.of.CountsGoals()}
	for _, k := range goalKinds {
		f.Kinds = append(f.Kinds, k.key)
	}
	f.Kind, f.Pattern, f.Name = q.own.Get(byGoalKind), q.own.Get(byGoalPattern), q.own.Get(byGoalName)
	if f.Pattern == "" && f.Name == "" {
		return func() *goalForm { return f }
	}
	g := f.read(q.of, q.now)
	if f.PatternProblem != "" {
		return func() *goalForm { return f }
	}
	of := goalKinds[slices.IndexFunc(goalKinds, func(k goalKind) bool { return k.kind == g.Kind })]
	asked := q.by(of.dimension, report.MaxLimit, of.measure)
	asked.Compare, asked.CompareUntil, asked.Filters = nil, time.Time{}, nil
	got := q.ask(asked)
	return func() *goalForm {
		if got.refused != nil {
			f.Preview = []string{l.Say("refusal." + string(got.refused.Code))}
			return f
		}
		matched, times := int64(0), report.Sums{}
		for _, line := range got.Lines {
			if isOthers(line.Value) || !g.Reached(&hit.Row{Kind: g.Kind, Path: line.Value, Name: line.Value}) {
				continue
			}
			matched++
			times = times.Add(line.Now)
			if len(f.Lines) < previewLines {
				f.Lines = append(f.Lines, previewLine{Views: q.shown(l, of.measure, line.Now, line.Hidden), Path: nameOf(l, of.dimension, line.Value)})
			}
		}
		f.Preview = []string{l.Say("goal.preview", nameOfPeriod(l, q.period), l.Counted("goal.matched", matched), said(l, "count.times", of.measure, times))}
		if more := matched - int64(len(f.Lines)); more > 0 {
			f.Preview = append(f.Preview, l.Counted("preview.more", more))
		}
		return f
	}
}

// read returns the goal that was typed, and finds the problems with it.
func (f *goalForm) read(of site.Site, now time.Time) site.Goal {
	g := site.Goal{}
	for _, k := range goalKinds {
		if k.key != f.Kind {
			continue
		}
		pattern := f.Pattern
		if f.Kind == goalSection {
			pattern = strings.TrimRight(strings.TrimSpace(pattern), "/*") + "/*"
		}
		g = site.NewGoal(f.Name, k.kind, pattern, now)
	}
	trial := g
	trial.Name = "x"
	if err := trial.Validate(); errors.Is(err, site.ErrPersonal) {
		f.PatternProblem, f.PatternSeen = "goal.wrong.personal", site.Scrubbed(g.Pattern)
	} else if err != nil {
		f.PatternProblem = "goal.wrong.pattern"
	}
	trial = site.NewGoal(f.Name, hit.Event, "x", now)
	switch err := trial.Validate(); {
	case f.Name == "": // it has none yet
	case errors.Is(err, site.ErrPersonal):
		f.NameProblem, f.NameSeen = "goal.wrong.personal", site.Scrubbed(trial.Name)
	case err != nil:
		f.NameProblem = "goal.wrong.name"
	case slices.ContainsFunc(of.Goals, func(other site.Goal) bool { return other.Name == g.Name }):
		f.NameProblem = "goal.wrong.taken"
	case len(of.Goals) >= site.MaxGoals:
		f.NameProblem = "goal.wrong.many"
	}
	return g
}

// errWrongGoal says that a goal was not stored: the page says why.
var errWrongGoal = errors.New("the goal is none, or there is no room for it")

// addGoal stores a goal, or shows the form again with what is wrong with it.
func (d *Dashboard) addGoal(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	f := goalForm{Kind: c.r.PostForm.Get(byGoalKind), Pattern: c.r.PostForm.Get(byGoalPattern), Name: c.r.PostForm.Get(byGoalName)}
	_, err := d.store.ChangeSite(c.r.Context(), c.site.ID, func(s *site.Site) error {
		g := f.read(*s, c.now)
		if f.Name == "" || f.NameProblem != "" || f.PatternProblem != "" {
			return errWrongGoal
		}
		return s.AddGoal(g)
	})
	back := address{site: c.site.ID, path: "/goals"}.place()
	if errors.Is(err, errWrongGoal) {
		return c.redirect(back + "?" + c.r.PostForm.Encode() + "#new-goal")
	}
	if err != nil {
		return err
	}
	return c.redirect(back)
}

// removeGoal ends a goal. What was counted stays.
func (d *Dashboard) removeGoal(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	_, err := d.store.ChangeSite(c.r.Context(), c.site.ID, func(s *site.Site) error {
		if err := s.RemoveGoal(c.r.PostForm.Get(byGoalName)); !errors.Is(err, site.ErrNotFound) { // somebody else was faster
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.redirect(address{site: c.site.ID, path: "/goals"}.place())
}

// goalRoutes are those of the forms.
func (d *Dashboard) goalRoutes() []route {
	return []route{
		{pattern: http.MethodPost + " /sites/{id}/settings/goals", answer: d.addGoal},
		{pattern: http.MethodPost + " /sites/{id}/settings/goals/remove", answer: d.removeGoal},
	}
}

// goalCard tells which visits reached a goal.
func goalCard(q *question, name string) (func() doc, error) {
	l := q.lang
	this := report.Filter{Dimension: "goal", Value: name}
	byVisits := map[string]*answer{} // all visits, whether they reached it or not
	var all *answer
	if len(q.exact("", "visits")) > 0 {
		all = q.ask(q.query("visits"))
	}
	for _, dimension := range []string{"source", "campaign", "entry"} {
		if len(q.exact(dimension, "visits")) > 0 {
			asked := q.by(dimension, report.MaxLimit, "visits")
			asked.Compare, asked.CompareUntil = nil, time.Time{}
			byVisits[dimension] = q.ask(asked)
		}
	}
	q.within = append(q.within, this)
	measures := []string{"conversions"}
	sums, draw := q.chart(l, measures)
	reached := map[string]*answer{}
	parts := []string{"source", "campaign", "entry", "previous"}
	for _, dimension := range parts {
		asked := q.by(dimension, report.MaxLimit, "conversions")
		asked.Compare, asked.CompareUntil = nil, time.Time{}
		reached[dimension] = q.ask(asked)
	}
	return func() doc {
		d := doc{Title: name, Over: []span{{l.Say("nav.goals"), q.to("/goals").String()}}, Lead: []span{{Text: q.headlineSentence(l, sums, measures[0]) + "."}}}
		if refused := refusalOf(sums); refused != "" {
			d.Lead, d.Notices, d.Refused = nil, []notice{{Claim: l.Say(refused)}}, string(sums.refused.Code)
			return d
		}
		for _, g := range q.of.Goals {
			if g.Name == name {
				d.Remark = []span{{Text: l.Say("goal.is."+string(g.Kind), g.Pattern) + " · " + l.Say("goal.since", l.Day(calendar.DayOf(g.Since.In(q.now.Location()))))}}
			}
		}
		d.Figures = q.figures(l, sums, measures)
		now, before := sums.Total()
		if all != nil && all.refused == nil {
			of, ofBefore := all.Total()
			hidden, hiddenBefore := sums.why("conversions")
			hiddenAll, hiddenAllBefore := all.why("visits")
			share := figure{
				Key: "goal_share", Value: nothing, hidden: max(hidden, hiddenAll), hiddenBefore: max(hiddenBefore, hiddenAllBefore),
				PerDay: l.Say("goal.ofVisits", q.shown(l, "visits", of, hiddenAll)),
				now:    part(now.Count("conversions"), of.Count("visits")), before: part(before.Count("conversions"), ofBefore.Count("visits")),
			}
			if share.hidden != report.Shown {
				share.Value = coverOf(l, share.hidden, q.below())
			} else if share.now != nil {
				share.Value = l.Percent(*share.now)
			}
			d.Figures = append(d.Figures, share)
		}
		d.Blocks = append(d.Blocks, q.curve(l, draw()))
		for _, dimension := range parts {
			t := q.rates(l, dimension, reached[dimension], byVisits[dimension])
			if dimension != "campaign" || len(t.Rows) > 0 {
				d.Blocks = append(d.Blocks, block{Key: dimension, Title: l.Say("goal.by." + dimension), Shows: t})
			}
		}
		return d
	}, nil
}

// rates are how many visits reached a goal by the values of a dimension, beside all visits
// with each.
type rates struct {
	Name    string // key of what the rows are
	Visits  bool   // all visits are known
	Rows    []rate
	Refused string
	Guarded string

	dimension string
	lines     []rateLine
	guard     int
	withheld  withheld
}

func (*rates) part() string { return "rates" }

type rate struct {
	Label                label
	Reached, Of, ShareOf string
	Width                float64
}

type rateLine struct {
	line   report.Line // of the goal
	of     int64       // visits
	hidden report.Hiding
}

func (q *question) rates(l *i18n.Language, dimension string, got, visits *answer) *rates {
	t := &rates{Name: "table." + dimension + ".label", Refused: refusalOf(got), dimension: dimension, guard: q.below(), Visits: visits != nil && visits.refused == nil}
	if t.Refused != "" {
		return t
	}
	if got.Withheld {
		t.Guarded, t.withheld = q.guardNote(l), q.withheld(l)
	}
	all := map[[2]string]report.Line{}
	if t.Visits {
		for _, line := range visits.Lines {
			all[[2]string{line.Value, line.Detail}] = line
		}
	}
	most := int64(1)
	for _, line := range got.Lines {
		of, known := all[[2]string{line.Value, line.Detail}]
		one := rateLine{line, of.Now.Count("visits"), of.Hidden}
		if !known || line.Folded { // its visits are hidden among others
			one.hidden = report.Beside
		}
		t.lines = append(t.lines, one)
		most = max(most, line.Now.Count("conversions"))
	}
	for _, one := range t.lines[:min(len(t.lines), longTable)] {
		n := one.line.Now.Count("conversions")
		r := rate{Label: q.label(l, dimension, one.line), Reached: q.shown(l, "conversions", one.line.Now, one.line.Hidden), Of: nothing, ShareOf: nothing, Width: float64(n) / float64(most) * 100}
		if one.line.Hidden != report.Shown || one.hidden == report.Below {
			t.Guarded = q.guardNote(l)
		}
		if one.hidden == report.Shown {
			r.Of = l.Number(one.of)
			if one.line.Hidden == report.Shown && one.of > 0 {
				r.ShareOf = l.WholePercent(float64(n) / float64(one.of))
			}
		}
		if len(t.Rows) < 2*shortTable {
			t.Rows = append(t.Rows, r)
		}
	}
	return t
}

func (t *rates) json() any {
	lines := []apiValues{}
	for _, one := range t.lines {
		v := newAPIValues([]string{"conversions"}, one.line.Now, one.line.Hidden).of("value", one.line.Value)
		if one.line.Detail != "" {
			v = v.of("detail", one.line.Detail)
		}
		if t.Visits && one.hidden == report.Shown {
			v = v.of("visits", one.of)
		}
		lines = append(lines, v)
	}
	return t.withheld.json(map[string]any{"by": t.dimension, "lines": lines})
}

func (t *rates) csv(s *sheet) {
	d, _ := report.FindDimension(t.dimension)
	labels := []string{"table." + t.dimension + ".label"}
	if d.Detail != "" {
		labels = []string{"table." + outer(t.dimension) + ".label", labels[0]}
	}
	s.heading(labels, []string{"conversions", "visits"})
	for _, one := range t.lines {
		value, detail := namesOf(s.lang, t.dimension, one.line)
		cells := []string{safeCell(value)}
		if len(labels) > 1 {
			cells = append(cells, safeCell(detail))
		}
		reached, of := s.lang.Plain(one.line.Now.Of("conversions")), ""
		if one.line.Hidden != report.Shown {
			reached = coverOf(s.lang, one.line.Hidden, t.guard)
		}
		if t.Visits && one.hidden == report.Shown {
			of = strconv.FormatInt(one.of, 10)
		}
		s.cells(append(cells, reached, of)...)
	}
	t.withheld.csv(s)
}
