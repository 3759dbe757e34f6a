package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/privacy"
)

// watchBackups tells in metrics of the backups that commands have noted in the store.
func (p *program) watchBackups() {
	f := promauto.With(p.registry)
	newest := f.NewGauge(prometheus.GaugeOpts{
		Name: "fotspor_backup_newest_timestamp_seconds",
		Help: "When the newest backup was made that a command has noted in the store, in Unix time; 0 if there is none.",
	})
	overdue := f.NewGauge(prometheus.GaugeOpts{
		Name: "fotspor_backup_overdue_directories",
		Help: "Directories with a backup that is older than the policy allows (backups).",
	})
	p.background("backups", p.afterStore(p.afterPolicy(periodic.Task{
		Every: p.paces.backups,
		Do: func(ctx context.Context) error {
			all, err := p.store.Backups(ctx)
			if err != nil {
				return err
			}
			var last time.Time
			late := 0
			for _, b := range all {
				if b.Newest.After(last) {
					last = b.Newest
				}
				if backupOverdue(p.policyNow().Backups, b.Oldest, p.Now()) {
					late++
				}
			}
			newest.Set(0)
			if !last.IsZero() {
				newest.Set(float64(last.Unix()))
			}
			overdue.Set(float64(late))
			return nil
		},
		Trouble: &periodic.Trouble{Logger: p.component("backups"), Failed: "what is known of backups could not be read", Over: "what is known of backups is read again"},
	}.Run)))
}

// backupOverdue reports whether a backup is older than a period allows; zero allows none.
func backupOverdue(keep privacy.Period, made, now time.Time) bool {
	return keep == (privacy.Period{}) || made.Before(keep.Cutoff(now))
}
