package dashboard

import (
	"context"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/i18n"
)

// Route is what a test sees of a route.
type Route struct {
	Pattern string
	Open    bool
	Own     bool
}

// AllRoutes are the routes of the dashboard.
func (d *Dashboard) AllRoutes() []Route {
	var all []Route
	for _, r := range d.routes() {
		all = append(all, Route{r.pattern, r.open, r.own})
	}
	return all
}

// Guarded panics as Routes does for a route that says too little.
func (d *Dashboard) Guarded(r Route) { d.guard(route{pattern: r.Pattern, open: r.Open}) }

// Refuse counts a refused log-in.
func (d *Dashboard) Refuse(now time.Time, who string) { d.refusals.add(now, audit.LoginRefused, who) }

// WriteRefusals does what Run does at once.
func (d *Dashboard) WriteRefusals(ctx context.Context) error { return d.refusals.write(ctx) }

// FlushRefusals does what Run does each minute, and at the end.
func (d *Dashboard) FlushRefusals(ctx context.Context, now time.Time, end bool) error {
	return d.refusals.flush(ctx, now, end)
}

// CountSessions does what Run does each minute.
func (d *Dashboard) CountSessions(ctx context.Context) error { return d.countSessions(ctx) }

// Throttle slows log-ins without a dashboard.
type Throttle struct{ t *throttle }

// NewThrottle returns a Throttle.
func NewThrottle() Throttle { return Throttle{newThrottle()} }

// Attempt counts a failed log-in, or returns for how long to wait.
func (t Throttle) Attempt(now time.Time, name, network string) time.Duration {
	return t.t.attempt(now, loginWays(name, network)...)
}

// Said writes a count, rounded to a multiple, in a text that counts it.
func Said(l *i18n.Language, to int64, text string, n int64) string { return tally(to).said(l, text, n) }
