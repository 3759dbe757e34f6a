package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/report"
)

// Lines calls f for each line of a site that was counted since a day. Of each of
// report.LineSets it takes at most limit lines, those with the largest counts first. values
// are valid until f returns; first is the first of these days on which the line was counted.
func (s *Store) Lines(ctx context.Context, site uint32, since calendar.Day, limit int, f func(table, dimension string, values []string, first calendar.Day)) error {
	for _, known := range report.AllKnownLines() {
		if err := s.linesOf(ctx, known, site, since, limit, f); err != nil {
			return fmt.Errorf("read lines of %s: %w", known.Table, err)
		}
	}
	return nil
}

func (s *Store) linesOf(ctx context.Context, known report.KnownLines, site uint32, since calendar.Day, limit int, f func(table, dimension string, values []string, first calendar.Day)) error {
	ctx, cancel := withDeadline(ctx, queryTime)
	defer cancel()
	rows, err := s.conn.Query(bind(ctx, clickhouse.Parameters{
		"site": strconv.FormatUint(uint64(site), 10), "since": since.String(), "limit": strconv.Itoa(limit),
	}), known.SQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	var dimension string
	var values []string
	var first time.Time
	for rows.Next() {
		if err := rows.Scan(&dimension, &values, &first); err != nil {
			return err
		}
		f(known.Table, dimension, values, calendar.DayOf(first))
	}
	return rows.Err()
}
