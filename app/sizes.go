package app

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/internal/periodic"
)

// watchSizes tells in metrics what the store has: rows, bytes, parts, and receipts of deletions.
func (p *program) watchSizes() {
	f := promauto.With(p.registry)
	gauge := func(name, help string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"table"})
	}
	rows := gauge("fotspor_store_rows", "Rows of a table of the store, looked at once a minute.")
	bytes := gauge("fotspor_store_bytes", "Bytes that a table of the store takes on disk, looked at once a minute.")
	parts := gauge("fotspor_store_parts", "Parts of a table of the store, which ClickHouse merges, looked at once a minute.")
	receipts := f.NewGauge(prometheus.GaugeOpts{
		Name: "fotspor_receipts",
		Help: "Receipts of deletions in the store.",
	})
	newest := f.NewGauge(prometheus.GaugeOpts{
		Name: "fotspor_receipt_newest_timestamp_seconds",
		Help: "When the newest receipt of a deletion was signed, in Unix time; 0 if there is none.",
	})
	p.background("sizes", p.afterStore(periodic.Task{
		Every: p.paces.backups,
		Do: func(ctx context.Context) error {
			sizes, err := p.store.Sizes(ctx)
			if err != nil {
				return err
			}
			for _, s := range sizes {
				rows.WithLabelValues(s.Table).Set(float64(s.Rows))
				bytes.WithLabelValues(s.Table).Set(float64(s.Bytes))
				parts.WithLabelValues(s.Table).Set(float64(s.Parts))
			}
			last, err := p.store.LastReceipt(ctx)
			if err != nil || last == nil {
				return err
			}
			text, err := last.Read()
			if err != nil {
				return err
			}
			receipts.Set(float64(text.Number))
			newest.Set(float64(text.StoreTime.Unix()))
			return nil
		},
		Trouble: &periodic.Trouble{Logger: p.component("store"), Failed: "the sizes of tables could not be read", Over: "the sizes of tables are read again"},
	}.Run))
}
