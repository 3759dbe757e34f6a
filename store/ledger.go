package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
)

// sum adds entries up. The same entries give the same lines in the same order.
func sum(entries []hit.LedgerEntry) []hit.LedgerEntry {
	counts := map[hit.LedgerEntry]int64{} // keys have count 0
	for _, e := range entries {
		n := e.Count
		e.Count = 0
		counts[e] += n
	}
	lines := make([]hit.LedgerEntry, 0, len(counts))
	for e, n := range counts {
		e.Count = n
		lines = append(lines, e)
	}
	slices.SortFunc(lines, func(a, b hit.LedgerEntry) int {
		return cmp.Or(
			cmp.Compare(a.Site, b.Site), cmp.Compare(a.Day, b.Day),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Name, b.Name),
		)
	})
	return lines
}

// ledgerColumns are the columns of table ledger in the order of insertLedger.
var ledgerColumns = []clickhouse.ColumnNameAndType{
	{Name: "site", Type: "UInt32"}, {Name: "day", Type: "Date"}, {Name: "reason", Type: lowCardinality},
	{Name: "rule", Type: lowCardinality}, {Name: "name", Type: lowCardinality}, {Name: "hits", Type: "Int64"},
}

func (s *Store) insertLedger(ctx context.Context, entries []hit.LedgerEntry, token string) error {
	lines := sum(entries)
	if len(lines) == 0 {
		return nil
	}
	batch, err := s.conn.PrepareBatch(deduplicated(ctx, token, ledgerColumns), insertInto("ledger", ledgerColumns))
	if err != nil {
		return fmt.Errorf("prepare insert of %d lines of the ledger: %w", len(lines), err)
	}
	defer batch.Close()
	for _, l := range lines {
		if err := batch.Append(l.Site, l.Day.Time(), l.Reason, l.Rule, l.Name, l.Count); err != nil {
			return fmt.Errorf("append to the ledger of site %d: %w", l.Site, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d lines of the ledger: %w", len(lines), err)
	}
	return nil
}

// Excluded returns the excluded hits of a site, added up over a range of days. Objections,
// as far as they reached the collector, come first; the others follow by count, largest
// first. It returns at most limit entries; their Day is the first of the range.
func (s *Store) Excluded(ctx context.Context, site uint32, days calendar.Range, limit int) ([]hit.LedgerEntry, error) {
	query := `
		SELECT t.reason, t.rule, t.name, sum(t.hits) AS n
		FROM ledger AS t
		WHERE t.site = {site:UInt32} AND t.day BETWEEN {from:Date} AND {to:Date}
		GROUP BY t.reason, t.rule, t.name
		ORDER BY t.reason = {objection:String} DESC, n DESC, t.reason, t.rule, t.name
		LIMIT {limit:UInt32}`
	params := clickhouse.Parameters{
		"site": strconv.FormatUint(uint64(site), 10), "from": days.From.String(), "to": days.To.String(),
		"objection": hit.Objection, "limit": strconv.Itoa(limit),
	}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, fmt.Errorf("excluded hits of site %d: %w", site, err)
	}
	defer rows.Close()
	var list []hit.LedgerEntry
	for rows.Next() {
		e := hit.LedgerEntry{Site: site, Day: days.From}
		if err := rows.Scan(&e.Reason, &e.Rule, &e.Name, &e.Count); err != nil {
			return nil, fmt.Errorf("excluded hits of site %d: %w", site, err)
		}
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("excluded hits of site %d: %w", site, err)
	}
	return list, nil
}

// ForeignHosts returns an entry for each host that is not a site's and that the ledgers name
// since a day, without its count: at most 100,000.
func (s *Store) ForeignHosts(ctx context.Context, since calendar.Day) ([]hit.LedgerEntry, error) {
	query := `
		SELECT t.site, t.day, t.name
		FROM ledger AS t
		WHERE t.reason = {reason:String} AND t.day >= {since:Date} AND t.name NOT IN ('', {others:String})
		GROUP BY t.site, t.day, t.name
		LIMIT 100000`
	rows, err := s.conn.Query(bind(ctx, clickhouse.Parameters{"reason": hit.ForeignHost, "since": since.String(), "others": hit.Others}), query)
	if err != nil {
		return nil, fmt.Errorf("foreign hosts since %s: %w", since, err)
	}
	defer rows.Close()
	var list []hit.LedgerEntry
	for rows.Next() {
		e := hit.LedgerEntry{Reason: hit.ForeignHost}
		var day time.Time
		if err := rows.Scan(&e.Site, &day, &e.Name); err != nil {
			return nil, fmt.Errorf("foreign hosts since %s: %w", since, err)
		}
		e.Day = calendar.DayOf(day)
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("foreign hosts since %s: %w", since, err)
	}
	return list, nil
}

// CountedSince returns the first day of each of some sites that was counted, by its ID. Sites
// of which nothing was counted are missing.
func (s *Store) CountedSince(ctx context.Context, sites ...uint32) (map[uint32]calendar.Day, error) {
	if len(sites) != 1 {
		return s.countedSince(ctx, sites)
	}
	of := &scope{tables: ofFigures()}
	day, err := recall(s, &s.recalled.counted, sites[0], of, func() (calendar.Day, error) {
		days, err := s.countedSince(ctx, sites)
		day, counted := days[sites[0]]
		if err == nil && !counted {
			err = site.ErrNotFound
		}
		of.days = []calendar.Range{{From: math.MinInt32, To: day - 1}} // hits of later days do not change it
		return day, err
	})
	if errors.Is(err, site.ErrNotFound) {
		return map[uint32]calendar.Day{}, nil
	}
	return map[uint32]calendar.Day{sites[0]: day}, err
}

func (s *Store) countedSince(ctx context.Context, sites []uint32) (map[uint32]calendar.Day, error) {
	ids := make([]string, len(sites))
	for i, id := range sites {
		ids[i] = strconv.FormatUint(uint64(id), 10)
	}
	ctx = bind(ctx, clickhouse.Parameters{"sites": "[" + strings.Join(ids, ",") + "]"})
	rows, err := s.conn.Query(ctx, "SELECT site, min(day) FROM daily WHERE site IN {sites:Array(UInt32)} AND dimension = 'total' GROUP BY site")
	if err != nil {
		return nil, fmt.Errorf("first days of sites: %w", err)
	}
	defer rows.Close()
	days := map[uint32]calendar.Day{}
	for rows.Next() {
		var site uint32
		var day time.Time
		if err := rows.Scan(&site, &day); err != nil {
			return nil, fmt.Errorf("first days of sites: %w", err)
		}
		days[site] = calendar.DayOf(day)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("first days of sites: %w", err)
	}
	return days, nil
}

// Pulse returns when the last hit of a site was, and how many there were in each of the last
// minutes before now. Hits that wait in a spool are not among them.
func (s *Store) Pulse(ctx context.Context, site uint32, now time.Time) (hit.Pulse, error) {
	query := `
		SELECT least(dateDiff('minute', toStartOfMinute(t.time), toStartOfMinute(toDateTime({now:UInt32}, 'UTC'))), {most:Int64}) AS ago,
			max(t.time), count()
		FROM hits AS t
		WHERE t.site = {site:UInt32} AND t.kind NOT IN ('ping', 'goal') AND t.time <= toDateTime({now:UInt32}, 'UTC')
			AND t.day >= (SELECT max(d.day) FROM daily AS d WHERE d.site = {site:UInt32} AND d.dimension = 'total') - 1
		GROUP BY ago
		ORDER BY ago`
	params := clickhouse.Parameters{
		"site": strconv.FormatUint(uint64(site), 10), "now": strconv.FormatInt(now.Unix(), 10), "most": strconv.Itoa(len(hit.Pulse{}.Minutes)),
	}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return hit.Pulse{}, fmt.Errorf("last hits of site %d: %w", site, err)
	}
	defer rows.Close()
	var p hit.Pulse
	for rows.Next() {
		var ago int64
		var last time.Time
		var hits uint64
		if err := rows.Scan(&ago, &last, &hits); err != nil {
			return hit.Pulse{}, fmt.Errorf("last hits of site %d: %w", site, err)
		}
		if last.After(p.Last) {
			p.Last = last
		}
		if i := len(p.Minutes) - 1 - int(ago); i >= 0 {
			p.Minutes[i] = int64(hits)
		}
	}
	if err := rows.Err(); err != nil {
		return hit.Pulse{}, fmt.Errorf("last hits of site %d: %w", site, err)
	}
	return p, nil
}

// ExcludedSums returns how many hits of a site were excluded over two ranges, of which the
// second may be empty, by reason and rule, and what Excluded returns of the first.
func (s *Store) ExcludedSums(ctx context.Context, site uint32, now, before calendar.Range, limit int) ([]hit.ExcludedSum, []hit.LedgerEntry, error) {
	query := `
		SELECT grouping(t.name) = 1 AS summed, t.reason, t.rule, t.name,
			sumIf(t.hits, t.day BETWEEN {from:Date} AND {to:Date}) AS n, sumIf(t.hits, t.day BETWEEN {from2:Date} AND {to2:Date})
		FROM ledger AS t
		WHERE t.site = {site:UInt32} AND (t.day BETWEEN {from:Date} AND {to:Date} OR t.day BETWEEN {from2:Date} AND {to2:Date})
		GROUP BY GROUPING SETS ((t.reason, t.rule), (t.reason, t.rule, t.name))
		HAVING summed OR n > 0
		ORDER BY summed DESC, (t.reason = {objection:String} AND NOT summed) DESC, n DESC, t.reason, t.rule, t.name
		LIMIT {limit:UInt32} BY if(summed, concat(t.reason, '/', t.rule), '')`
	params := clickhouse.Parameters{
		"site": strconv.FormatUint(uint64(site), 10), "from": now.From.String(), "to": now.To.String(), "from2": before.From.String(), "to2": before.To.String(),
		"objection": hit.Objection, "limit": strconv.Itoa(limit),
	}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, nil, fmt.Errorf("sums of excluded hits of site %d: %w", site, err)
	}
	defer rows.Close()
	var sums []hit.ExcludedSum
	var entries []hit.LedgerEntry
	for rows.Next() {
		var summed uint8
		var e hit.ExcludedSum
		var name string
		if err := rows.Scan(&summed, &e.Reason, &e.Rule, &name, &e.Now, &e.Before); err != nil {
			return nil, nil, fmt.Errorf("sums of excluded hits of site %d: %w", site, err)
		}
		if summed == 1 {
			sums = append(sums, e)
		} else {
			entries = append(entries, hit.LedgerEntry{Site: site, Day: now.From, Reason: e.Reason, Rule: e.Rule, Name: name, Count: e.Now})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("sums of excluded hits of site %d: %w", site, err)
	}
	return sums, entries, nil
}

// Others returns how much of a site's traffic over a range has no line of its own: page views
// of pages, visits by entry page and source, and how often something was done, by the
// dimension of the daily sums.
func (s *Store) Others(ctx context.Context, site uint32, days calendar.Range) (map[string]int64, error) {
	query := `
		SELECT t.dimension, toInt64(sum(multiIf(t.dimension = 'page', t.pageviews, t.dimension IN ('entry', 'source'), t.visits, t.events))) AS n
		FROM daily AS t
		WHERE t.site = {site:UInt32} AND t.day BETWEEN {from:Date} AND {to:Date}
			AND t.dimension IN ('page', 'entry', 'source', 'download', 'outlink', 'event', 'search')
			AND (t.value = {other:String} OR t.detail = {other:String} OR endsWith(t.value, concat('/', {other:String})))
		GROUP BY t.dimension HAVING n > 0`
	params := clickhouse.Parameters{
		"site": strconv.FormatUint(uint64(site), 10), "from": days.From.String(), "to": days.To.String(), "other": hit.Others,
	}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, fmt.Errorf("traffic of site %d without lines: %w", site, err)
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var dimension string
		var n int64
		if err := rows.Scan(&dimension, &n); err != nil {
			return nil, fmt.Errorf("traffic of site %d without lines: %w", site, err)
		}
		all[dimension] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("traffic of site %d without lines: %w", site, err)
	}
	return all, nil
}
