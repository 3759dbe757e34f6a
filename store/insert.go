package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/hit"
)

// columns are the columns of table hits, in the order of Insert, and where their
// values come from.
var columns = []struct {
	name  string
	value func(*hit.Row) any
}{
	{"site", func(r *hit.Row) any { return r.Site }},
	{"time", func(r *hit.Row) any { return r.Time }},
	{"day", func(r *hit.Row) any { return r.Day.Time() }},
	{"kind", func(r *hit.Row) any { return string(r.Kind) }},
	{"path", func(r *hit.Row) any { return r.Path }},
	{"host", func(r *hit.Row) any { return r.Host }},
	{"name", func(r *hit.Row) any { return r.Name }},
	{"value", func(r *hit.Row) any { return r.Value }},
	{"network", func(r *hit.Row) any { return r.Network }},
	{"country", func(r *hit.Row) any { return r.Country }},
	{"region", func(r *hit.Row) any { return r.Region }},
	{"browser", func(r *hit.Row) any { return r.Browser }},
	{"browser_version", func(r *hit.Row) any { return r.BrowserVersion }},
	{"os", func(r *hit.Row) any { return r.OS }},
	{"device", func(r *hit.Row) any { return r.Device }},
	{"channel", func(r *hit.Row) any { return r.Channel }},
	{"source", func(r *hit.Row) any { return r.Source }},
	{"campaign", func(r *hit.Row) any { return r.Campaign }},
	{"campaign_source", func(r *hit.Row) any { return r.CampaignSource }},
	{"campaign_medium", func(r *hit.Row) any { return r.CampaignMedium }},
	{"campaign_term", func(r *hit.Row) any { return r.CampaignTerm }},
	{"campaign_content", func(r *hit.Row) any { return r.CampaignContent }},
	{"language", func(r *hit.Row) any { return r.Language }},
	{"entry_path", func(r *hit.Row) any { return r.EntryPath }},
	{"previous_path", func(r *hit.Row) any { return r.PreviousPath }},
	{"pageviews", func(r *hit.Row) any { return r.Pageviews }},
	{"visits", func(r *hit.Row) any { return r.Visits }},
	{"visitors", func(r *hit.Row) any { return r.Visitors }},
	{"page_visitors", func(r *hit.Row) any { return r.PageVisitors }},
	{"bounces", func(r *hit.Row) any { return r.Bounces }},
	{"seconds", func(r *hit.Row) any { return r.Seconds }},
}

var insertStatement = func() string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return "INSERT INTO hits (" + strings.Join(names, ", ") + ")"
}()

// Insert stores rows under a token: those of kind hit.Bot, added up, in the bot
// ledger, all others in the raw table and in every rollup. Inserting the same rows
// under the same token again does nothing but what was left undone, so a caller that
// does not know whether an insert arrived sends it once more. An insert must stay
// below a million rows: ClickHouse takes more in several blocks.
func (s *Store) Insert(ctx context.Context, rows []hit.Row, token string) error {
	if err := s.insertHits(ctx, rows, token); err != nil {
		return err
	}
	return s.insertBots(ctx, addBots(rows), token+"-bots")
}

// onceUnder makes an insert one that is done once for its token.
func onceUnder(ctx context.Context, token string) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate":                                 1,
		"insert_deduplication_token":                         token,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"async_insert":                                       0,
		// Hits may tell their own time: no number of months makes rows that
		// were acknowledged ones that can never be stored.
		"max_partitions_per_insert_block": 0,
	}))
}

func (s *Store) insertHits(ctx context.Context, rows []hit.Row, token string) error {
	n := 0
	for i := range rows {
		if rows[i].Kind != hit.Bot {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	batch, err := s.conn.PrepareBatch(onceUnder(ctx, token), insertStatement)
	if err != nil {
		return fmt.Errorf("prepare insert of %d rows: %w", n, err)
	}
	defer batch.Close()
	values := make([]any, len(columns))
	for i := range rows {
		if rows[i].Kind == hit.Bot {
			continue
		}
		for j, c := range columns {
			values[j] = c.value(&rows[i])
		}
		if err := batch.Append(values...); err != nil {
			return fmt.Errorf("append row %d of %d: %w", i, len(rows), err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d rows: %w", n, err)
	}
	return nil
}
