package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
)

// Aging is a part of raw rows that is removed before the rows are deleted, for the retention
// worker: Before counts the rows that still have it.
type Aging struct {
	store *Store
	part  string
}

// Aging returns a part by its name in privacy.Ageing.
func (s *Store) Aging(part string) *Aging { return &Aging{s, part} }

// aged are the columns of the parts, and the SQL of what is left of them. None is in a sorting
// key: see docs/decisions/0051-ageing.md.
var aged = map[string][2]string{
	"network": {"network", "''"},
	"hour":    {"time", "toStartOfHour(time)"},
	"version": {"browser_version", "''"},
	"region":  {"region", "''"},
}

func (a *Aging) where(cutoff time.Time) string {
	column := aged[a.part]
	return "day < toDate('" + calendar.DayOf(cutoff.UTC()).String() + "') AND " + column[0] + " != " + column[1]
}

// Before counts the rows of days before that of a time that still have the part.
func (a *Aging) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	held, err := a.store.held(ctx, a.where(cutoff), nil)
	if err != nil {
		return privacy.Held{}, fmt.Errorf("count rows with %s: %w", a.part, err)
	}
	return held, nil
}

// DeleteBefore removes the part from these rows, and returns when it has left the disk. All
// measures stay.
func (a *Aging) DeleteBefore(ctx context.Context, cutoff time.Time) error {
	column := aged[a.part]
	err := a.store.deleteRows(ctx, calendar.Range{To: calendar.DayOf(cutoff.UTC()) - 1}, func(ctx context.Context, tables []string) error {
		for _, table := range tables {
			if err := a.store.conn.Exec(ctx, "ALTER TABLE "+table+" UPDATE "+column[0]+" = "+column[1]+" WHERE "+a.where(cutoff)+" SETTINGS mutations_sync = 2"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove %s from rows: %w", a.part, err)
	}
	return nil
}

// AgedBefore returns the first day whose rows of a site still have a part that ageing removes, by
// its name in privacy.Ageing; of site 0, those of all sites. All receipts are looked at. 0: it was
// removed from none.
func (s *Store) AgedBefore(ctx context.Context, part string, site uint32) (calendar.Day, error) {
	query := `
		SELECT max(toDateOrZero(JSONExtractString(text, 'to'))) FROM receipts
		WHERE JSONExtractString(text, 'kind') = 'ageing' AND JSONExtractString(text, 'by') = {part:String}
			AND ({site:UInt32} = 0 OR NOT JSONHas(text, 'sites') OR has(JSONExtract(text, 'sites', 'Array(UInt32)'), {site:UInt32}))`
	var day time.Time
	if err := s.conn.QueryRow(bind(ctx, clickhouse.Parameters{"part": part, "site": fmt.Sprint(site)}), query).Scan(&day); err != nil {
		return 0, fmt.Errorf("look up to when rows lack %s: %w", part, err)
	}
	return calendar.DayOf(day), nil
}
