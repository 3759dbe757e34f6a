package app

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/periodic"
)

// watchRequests tells in metrics of the requests in the register that have no answer yet.
func (p *program) watchRequests() {
	f := promauto.With(p.registry)
	open := f.NewGauge(prometheus.GaugeOpts{
		Name: "fotspor_requests_open",
		Help: "Requests about rights in the register that have no answer yet.",
	})
	overdue := f.NewGauge(prometheus.GaugeOpts{
		Name: "fotspor_requests_overdue",
		Help: "Those of them whose last day for the answer is over.",
	})
	p.background("requests", p.afterStore(periodic.Task{
		Every: p.paces.backups,
		Do: func(ctx context.Context) error {
			all, err := p.store.Requests(ctx)
			if err != nil {
				return err
			}
			waiting, late := 0, 0
			for _, r := range all {
				if r.Answered == 0 {
					waiting++
				}
				if r.Overdue(calendar.DayOf(p.Now())) {
					late++
				}
			}
			open.Set(float64(waiting))
			overdue.Set(float64(late))
			return nil
		},
		Trouble: &periodic.Trouble{Logger: p.component("requests"), Failed: "the register of requests could not be read", Over: "the register of requests is read again"},
	}.Run))
}
