package dashboard

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// parallelQueries bounds the queries that one page runs at a time.
const parallelQueries = 4

// shortTable is how many lines a table shows beside others, longTable alone.
const (
	shortTable = 10
	longTable  = 1000
)

// figures are what the store says of a site over a period.
type figures struct {
	site   site.Site
	period period
	now    time.Time // in the time zone of the site

	sums, before          store.Sums
	points, pointsBefore  []store.Point
	lines, details        map[store.Dimension][]store.Line
	excluded              []store.Exclusion
	objections            int64 // page views
	empty, everHadTraffic bool
}

// ask fetches the figures of a site over a period that the page needs which shows one
// table, or all of it if show is empty: at most limit lines for each table.
func (d *Dashboard) ask(ctx context.Context, site site.Site, p period, now time.Time, show string, tables []tableSpec, limit int) (*figures, error) {
	f := &figures{site: site, period: p, now: now}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelQueries)
	group.Go(func() (err error) {
		f.sums, f.before, err = d.totals(ctx, site, p, now)
		if err != nil || f.sums != (store.Sums{}) {
			return err
		}
		f.empty = true
		ever, err := d.store.Totals(ctx, site.ID, calendar.Range{From: 0, To: p.today + 1})
		f.everHadTraffic = ever != (store.Sums{})
		return err
	})
	if show == "" {
		group.Go(func() (err error) {
			f.points, err = d.store.Series(ctx, site, p.span, p.step())
			return err
		})
		group.Go(func() (err error) {
			f.pointsBefore, err = d.store.Series(ctx, site, p.before, p.step())
			return err
		})
	}
	if show == "" {
		group.Go(func() (err error) {
			f.objections, err = d.store.Objections(ctx, site.ID, p.span)
			return err
		})
	}
	if show == "" || show == excluded {
		group.Go(func() (err error) {
			f.excluded, err = d.store.Excluded(ctx, site.ID, p.span, limit)
			return err
		})
	}
	lines := make([][]store.Line, len(tables))
	details := make([][]store.Line, len(tables))
	for i, table := range tables {
		ask := store.Ask{Dimension: table.dimension, Detail: table.flat, Limit: limit}
		group.Go(func() (err error) {
			lines[i], err = d.store.Top(ctx, site.ID, p.span, ask)
			return err
		})
		if table.nested {
			group.Go(func() (err error) {
				details[i], err = d.store.Top(ctx, site.ID, p.span, store.Ask{Dimension: table.dimension, Detail: true, Limit: longTable})
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	f.lines, f.details = map[store.Dimension][]store.Line{}, map[store.Dimension][]store.Line{}
	for i, table := range tables {
		f.lines[table.dimension], f.details[table.dimension] = lines[i], details[i]
	}
	return f, nil
}

// totals returns the sums of a period and of the one before. A day that is not
// over is compared with as many hours of the day before as have begun.
func (d *Dashboard) totals(ctx context.Context, site site.Site, p period, now time.Time) (sums, before store.Sums, err error) {
	if sums, err = d.store.Totals(ctx, site.ID, p.span); err != nil {
		return sums, before, err
	}
	if !p.isToday() {
		before, err = d.store.Totals(ctx, site.ID, p.before)
		return sums, before, err
	}
	hours, err := d.store.Series(ctx, site, p.before, store.Hourly)
	if err != nil {
		return sums, before, err
	}
	begun := hoursBegun(p.span.From.In(site.Location), now)
	return sums, add(hours[:min(begun, len(hours))]), nil
}

// hoursBegun returns how many hours of the clock have begun since the day did.
func hoursBegun(start, now time.Time) int {
	return int(now.Truncate(time.Hour).Sub(start.Truncate(time.Hour))/time.Hour) + 1
}

// add returns the sums of points.
func add(points []store.Point) store.Sums {
	var sums store.Sums
	for _, p := range points {
		sums.Visitors += p.Visitors
		sums.Visits += p.Visits
		sums.Pageviews += p.Pageviews
		sums.PageVisitors += p.PageVisitors
		sums.Bounces += p.Bounces
		sums.Seconds += p.Seconds
		sums.Events += p.Events
	}
	return sums
}
