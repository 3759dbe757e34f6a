package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// botLine is a line of table bots.
type botLine struct {
	botKey
	hits int64
}

type botKey struct {
	site       uint32
	day        calendar.Day
	rule, name string
}

// addBots adds up the rows of kind hit.Bot. The same rows give the same lines in
// the same order.
func addBots(rows []hit.Row) []botLine {
	hits := map[botKey]int64{}
	for i := range rows {
		if r := &rows[i]; r.Kind == hit.Bot {
			hits[botKey{r.Site, r.Day, r.Name, r.Browser}]++
		}
	}
	lines := make([]botLine, 0, len(hits))
	for key, n := range hits {
		lines = append(lines, botLine{key, n})
	}
	slices.SortFunc(lines, func(a, b botLine) int {
		return cmp.Or(
			cmp.Compare(a.site, b.site), cmp.Compare(a.day, b.day),
			cmp.Compare(a.rule, b.rule), cmp.Compare(a.name, b.name),
		)
	})
	return lines
}

// botColumns are the columns of table bots in the order of insertBots.
var botColumns = []clickhouse.ColumnNameAndType{
	{Name: "site", Type: "UInt32"}, {Name: "day", Type: "Date"}, {Name: "rule", Type: few}, {Name: "name", Type: "String"}, {Name: "hits", Type: "Int64"},
}

func (s *Store) insertBots(ctx context.Context, lines []botLine, token string) error {
	if len(lines) == 0 {
		return nil
	}
	batch, err := s.conn.PrepareBatch(once(ctx, token, botColumns), insertInto("bots", botColumns))
	if err != nil {
		return fmt.Errorf("prepare insert of %d bots: %w", len(lines), err)
	}
	defer batch.Close()
	for _, l := range lines {
		if err := batch.Append(l.site, l.day.Time(), l.rule, l.name, l.hits); err != nil {
			return fmt.Errorf("append bot of site %d: %w", l.site, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d bots: %w", len(lines), err)
	}
	return nil
}

// BotCount is how often a bot came.
type BotCount struct {
	Rule string // what told it
	Name string // of the table of package browser, or "Other", "unnamed" or "none"; "" if the rule asks for no name
	Hits int64
}

// Objections returns how many page views of a site over a span were left out because the
// visitor objected, as far as their objections reached the collector.
func (s *Store) Objections(ctx context.Context, site uint32, span calendar.Range) (n int64, err error) {
	query := `
		SELECT sum(t.hits)
		FROM bots AS t
		WHERE t.site = {site:UInt32} AND t.day BETWEEN {from:Date} AND {to:Date} AND t.rule = {rule:String}`
	if err := s.conn.QueryRow(bind(ctx, params(site, span, "rule", hit.ObjectionRule)), query).Scan(&n); err != nil {
		return 0, fmt.Errorf("objections at site %d: %w", site, err)
	}
	return n, nil
}

// Bots returns the bots of a site over a span, most hits first: at most limit, or
// 1,000 if that is 0.
func (s *Store) Bots(ctx context.Context, site uint32, span calendar.Range, limit int) ([]BotCount, error) {
	query := `
		SELECT t.rule, t.name, sum(t.hits) AS n
		FROM bots AS t
		WHERE t.site = {site:UInt32} AND t.day BETWEEN {from:Date} AND {to:Date} AND t.rule != {objection:String}
		GROUP BY t.rule, t.name
		ORDER BY n DESC, t.rule, t.name
		LIMIT {limit:UInt32}`
	rows, err := s.conn.Query(bind(ctx, params(site, span, "limit", limited(limit), "objection", hit.ObjectionRule)), query)
	if err != nil {
		return nil, fmt.Errorf("bots of site %d: %w", site, err)
	}
	defer rows.Close()
	var bots []BotCount
	for rows.Next() {
		var b BotCount
		if err := rows.Scan(&b.Rule, &b.Name, &b.Hits); err != nil {
			return nil, fmt.Errorf("bots of site %d: %w", site, err)
		}
		bots = append(bots, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("bots of site %d: %w", site, err)
	}
	return bots, nil
}
