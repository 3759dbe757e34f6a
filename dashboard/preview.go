package dashboard

import (
	"context"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// preview is what settings would have done to the last days.
type preview struct {
	Days  string // "25. oktober–22. november 2026"
	Says  []string
	Lines []previewLine
}

// previewLine is a page that would have been excluded, or have had another path.
type previewLine struct{ Views, Path, Becomes string }

const (
	previewDays  = 28
	previewPages = 30_000 // pages that are tried, those with the most views first
	previewLines = 20
)

// preview tries other settings of the site of a call on its last days. It asks at most four
// statements.
func (d *Dashboard) preview(c *call, after site.Site) (*preview, error) {
	l := c.lang
	today := calendar.DayOf(c.now.In(c.site.Location))
	days := calendar.Range{From: today - previewDays, To: today - 1} // breakdowns of today move in steps
	p := &preview{Days: l.Range(days)}
	source := d.figures.Guarded(c.site.Guard, days.To)
	ask := func(dimension, measure, next string) (report.Result, error) {
		all, err := source.Ask(c.r.Context(), []report.Query{{
			Sites: []uint32{c.site.ID}, Zone: c.site.Location, Range: days, Dimension: dimension, Measures: []string{measure}, Limit: report.MaxLimit, After: next,
		}})
		if err != nil {
			return report.Result{}, err
		}
		return all[0], nil
	}
	outcome, err := after.Trial()
	if err != nil {
		return nil, badRequest.because(err)
	}
	var views, excluded, moved report.Sums
	var excludedPages, movedPages int64
	next := ""
	for tried := 0; tried < previewPages; tried += report.MaxLimit {
		r, err := ask("page", "pageviews", next)
		if err != nil {
			return nil, err
		}
		for _, line := range r.Lines {
			n := line.Now
			views = views.Add(n)
			becomes, ok := outcome(line.Value)
			if ok && becomes == line.Value {
				continue
			}
			if ok {
				moved, movedPages = moved.Add(n), movedPages+1
			} else {
				excluded, excludedPages, becomes = excluded.Add(n), excludedPages+1, ""
			}
			if len(p.Lines) < previewLines {
				p.Lines = append(p.Lines, previewLine{amount(l, "pageviews", n), line.Value, becomes})
			}
		}
		if next = r.Next; next == "" {
			break
		}
	}
	p.Says = append(p.Says,
		l.Say("preview.excluded", amount(l, "pageviews", excluded), amount(l, "pageviews", views), l.Counted("preview.pages", excludedPages)),
		l.Say("preview.moved", amount(l, "pageviews", moved), amount(l, "pageviews", views), l.Counted("preview.pages", movedPages)))
	if more := excludedPages + movedPages - int64(len(p.Lines)); more > 0 {
		p.Says = append(p.Says, l.Counted("preview.more", more))
	}
	if site.FindSetting("ignore-referrers").Get(after) != site.FindSetting("ignore-referrers").Get(c.site) {
		r, err := ask("source", "visits", "")
		if err != nil {
			return nil, err
		}
		var visits report.Sums
		for _, line := range r.Lines {
			if line.Value == "website" && after.Ignores(line.Detail) {
				visits = visits.Add(line.Now)
			}
		}
		p.Says = append(p.Says, said(l, "preview.direct", "visits", visits))
	}
	if after.Retention != c.site.Retention {
		_, says, err := d.counted(c, func(ctx context.Context) (privacy.Preview, error) { return d.store.PreviewSite(ctx, after, c.now) })
		if err != nil {
			return nil, err
		}
		p.Says = append(p.Says, says...)
	}
	return p, nil
}
