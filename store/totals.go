package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
)

// Totals returns the sums that outlive the rows, for the retention worker: the lines of the
// rollups, and the ledger.
func (s *Store) Totals() *Totals { return &Totals{s} }

// Totals finds and deletes sums that are past their time.
type Totals struct{ store *Store }

// Before counts the lines of sums by day from before the day of a time, with their first and
// last days.
func (t *Totals) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	var h privacy.Held
	var n uint64
	query := "SELECT count(), toDateTime(min(day), 'UTC'), toDateTime(max(day), 'UTC') FROM daily WHERE day < {day:Date}"
	ctx = bind(ctx, clickhouse.Parameters{"day": calendar.DayOf(cutoff.UTC()).String()})
	if err := t.store.conn.QueryRow(ctx, query).Scan(&n, &h.First, &h.Last); err != nil {
		return privacy.Held{}, fmt.Errorf("count totals: %w", err)
	}
	if n == 0 {
		return privacy.Held{}, nil
	}
	h.Rows = int64(n)
	return h, nil
}

// DeleteBefore deletes the sums of days before that of a time. The sums of a month go whole
// with its first day: what is left of it is known by day. Replaced parts leave the disk within
// minutes.
func (t *Totals) DeleteBefore(ctx context.Context, cutoff time.Time) error {
	day := calendar.DayOf(cutoff.UTC())
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	err := t.store.schema.Rows(ctx, func(ctx context.Context, _ []string) error {
		// By day last: Before still finds lines after a failure, so the worker tries again.
		tables := []string{"ledger"}
		for _, r := range report.Rollups {
			if !r.Mortal && r.Name != "daily" {
				tables = append(tables, r.Name)
			}
		}
		for _, table := range append(tables, "daily") {
			column := "day"
			if table == "monthly" {
				column = "month"
			}
			if err := t.store.mutate(ctx, table, column+" < toDate('"+day.String()+"')"); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete totals before %s: %w", day, err)
	}
	return nil
}
