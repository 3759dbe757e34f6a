package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/site"
)

// Sums are the measures of a set of hits. Each is a plain sum over its rows.
type Sums struct {
	Visitors     int64 // per day: somebody who comes on two days counts twice
	Visits       int64
	Pageviews    int64
	PageVisitors int64 // per page and day
	Bounces      int64 // visits of a single page view and nothing more
	Seconds      int64 // time between the hits of visits
	Events       int64 // interactions that are not page views
}

// sumColumns are the measures in the order of Sums.scan, for every rollup.
const sumColumns = `sum(t.visitors), sum(t.visits), sum(t.pageviews), sum(t.page_visitors), sum(t.bounces), sum(t.seconds), sum(t.events)`

func (s *Sums) scan() []any {
	return []any{&s.Visitors, &s.Visits, &s.Pageviews, &s.PageVisitors, &s.Bounces, &s.Seconds, &s.Events}
}

// BounceRate returns the share of visits that bounced, 0 to 1, and 0 for no visit.
func (s Sums) BounceRate() float64 {
	if s.Visits == 0 {
		return 0
	}
	return float64(s.Bounces) / float64(s.Visits)
}

// VisitDuration returns the mean duration of a visit, and 0 for no visit.
func (s Sums) VisitDuration() time.Duration {
	if s.Visits == 0 {
		return 0
	}
	return time.Duration(s.Seconds) * time.Second / time.Duration(s.Visits)
}

// Dimension is a breakdown that the rollups keep.
type Dimension string

// The dimensions, each with what its value and detail hold.
const (
	Pages     Dimension = "page"     // path
	Entries   Dimension = "entry"    // first path of the visit
	Channels  Dimension = "channel"  // channel; source
	Campaigns Dimension = "campaign" // campaign; its source
	Countries Dimension = "country"  // country; region
	Browsers  Dimension = "browser"  // browser; major version
	Systems   Dimension = "os"       // operating system
	Devices   Dimension = "device"   // device class
	Languages Dimension = "language" // language
	Events    Dimension = "event"    // kind; name

	total Dimension = "total"
)

// lines is what the rollups call the lines of a dimension.
var lines = map[Dimension]string{Channels: "source", Countries: "region", Browsers: "version"}

// from returns the table of a dimension's lines and the condition on them.
func (d Dimension) from(table string) (from, where string) {
	switch d {
	case Campaigns: // a visitor counts once a day, so visits stand in their place
		return `(SELECT site, day, day AS month, campaign AS value, campaign_source AS detail, visits AS visitors, visits, pageviews,
			toInt64(0) AS page_visitors, bounces, seconds, events FROM campaigns WHERE campaign != '')`, "1"
	case Events:
		return "(SELECT * EXCEPT (value, detail), if(dimension = 'missing', 'event', toString(dimension)) AS value, " + table + ".value AS detail FROM " + table + ")",
			"t.dimension IN ('event', 'outlink', 'download', 'search', 'missing')"
	}
	if name := lines[d]; name != "" {
		d = Dimension(name)
	}
	return table, "t.dimension = '" + string(d) + "'"
}

// Step is the width of a point of a series.
type Step string

// The steps.
const (
	Hourly  Step = "hour"
	Daily   Step = "day"
	Monthly Step = "month"
)

// Point is a point of a series: the sums of the hour, day or month at Time.
type Point struct {
	Time time.Time // its first moment, in the site's time zone
	Sums
}

// Line is one value of a dimension with its sums.
type Line struct {
	Value  string
	Detail string // empty unless asked for
	Sums
}

// source returns the rollup that answers for a range with the fewest rows, and its
// column of days.
func source(r calendar.Range) (table, column string) {
	if r.WholeMonths() {
		return "monthly", "month"
	}
	return "daily", "day"
}

// params binds what every report query asks for.
func params(site uint32, r calendar.Range, more ...string) clickhouse.Parameters {
	p := clickhouse.Parameters{
		"site": strconv.FormatUint(uint64(site), 10),
		"from": r.From.String(),
		"to":   r.To.String(),
	}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// Totals returns the sums of a site over a span.
func (s *Store) Totals(ctx context.Context, site uint32, span calendar.Range) (Sums, error) {
	table, day := source(span)
	query := `
		SELECT ` + sumColumns + `
		FROM ` + table + ` AS t
		WHERE t.site = {site:UInt32} AND t.dimension = {dimension:String}
			AND t.` + day + ` BETWEEN {from:Date} AND {to:Date}`
	var sums Sums
	ctx = bind(ctx, params(site, span, "dimension", string(total)))
	if err := s.conn.QueryRow(ctx, query).Scan(sums.scan()...); err != nil {
		return Sums{}, fmt.Errorf("totals of site %d: %w", site, err)
	}
	return sums, nil
}

// Series returns the sums of a site over a span, one point per step in order of
// time; steps without traffic are there too, with zeroes. The site's own time
// zone says where hours and days begin.
func (s *Store) Series(ctx context.Context, site site.Site, span calendar.Range, step Step) ([]Point, error) {
	var key, from string
	switch step {
	case Hourly:
		key, from = "t.time", "hourly AS t WHERE 1"
	case Daily:
		key, from = "toDateTime(t.day, 'UTC')", "daily AS t WHERE t.dimension = {dimension:String}"
	case Monthly:
		key, from = "toDateTime(toStartOfMonth(t.day), 'UTC')", "daily AS t WHERE t.dimension = {dimension:String}"
	default:
		return nil, fmt.Errorf("series of site %d: unknown step %q", site.ID, step)
	}
	query := `
		SELECT ` + key + ` AS at, ` + sumColumns + `
		FROM ` + from + ` AND t.site = {site:UInt32} AND t.day BETWEEN {from:Date} AND {to:Date}
		GROUP BY at ORDER BY at`
	rows, err := s.conn.Query(bind(ctx, params(site.ID, span, "dimension", string(total))), query)
	if err != nil {
		return nil, fmt.Errorf("series of site %d: %w", site.ID, err)
	}
	defer rows.Close()
	found := map[time.Time]Sums{}
	for rows.Next() {
		var at time.Time
		var sums Sums
		if err := rows.Scan(append([]any{&at}, sums.scan()...)...); err != nil {
			return nil, fmt.Errorf("series of site %d: %w", site.ID, err)
		}
		found[at.UTC()] = sums
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("series of site %d: %w", site.ID, err)
	}
	var points []Point
	for at, local := range steps(span, step, site.Location) {
		points = append(points, Point{Time: local, Sums: found[at]})
	}
	return points, nil
}

// steps yields the key of each step as the rollup holds it, and its first moment
// in loc.
func steps(r calendar.Range, step Step, loc *time.Location) func(yield func(key, local time.Time) bool) {
	return func(yield func(key, local time.Time) bool) {
		switch step {
		case Hourly:
			end := (r.To + 1).In(loc)
			for at := r.From.In(loc).UTC().Truncate(time.Hour); at.Before(end); at = at.Add(time.Hour) {
				if !yield(at, at.In(loc)) {
					return
				}
			}
		case Daily:
			for day := r.From; day <= r.To; day++ {
				if !yield(day.Time(), day.In(loc)) {
					return
				}
			}
		case Monthly:
			for first := range r.Months() {
				if !yield(first.Time(), first.In(loc)) {
					return
				}
			}
		}
	}
}

// LastDay returns the last day of a site on which a page was viewed, and false if
// there is none.
func (s *Store) LastDay(ctx context.Context, site uint32) (day calendar.Day, ok bool, err error) {
	const query = `
		SELECT max(t.day), count() > 0
		FROM daily AS t
		WHERE t.site = {site:UInt32} AND t.dimension = {dimension:String} AND t.pageviews > 0`
	ctx = bind(ctx, clickhouse.Parameters{"site": strconv.FormatUint(uint64(site), 10), "dimension": string(Pages)})
	var last time.Time
	if err := s.conn.QueryRow(ctx, strings.TrimSpace(query)).Scan(&last, &ok); err != nil {
		return 0, false, fmt.Errorf("last day of site %d: %w", site, err)
	}
	return calendar.DayOf(last), ok, nil
}

// defaultLimit bounds the lines of an answer that was asked for without a limit.
const defaultLimit = 1000

// limited returns the limit of a query as its parameter.
func limited(limit int) string {
	if limit <= 0 {
		limit = defaultLimit
	}
	return strconv.Itoa(limit)
}

// Ask says which lines of a dimension are wanted.
type Ask struct {
	Dimension Dimension
	Detail    bool   // one line per value and detail, instead of per value
	Value     string // only this value, if not empty
	Limit     int    // at most so many lines; 0: 1,000
}

// ranking says by which measures the lines of a dimension are put in order.
var ranking = map[Dimension]string{
	Pages:   "sum(t.pageviews) DESC, sum(t.page_visitors) DESC",
	Entries: "sum(t.visits) DESC, sum(t.bounces) DESC",
	Events:  "sum(t.events) DESC, sum(t.visitors) DESC",
}

const defaultRanking = "sum(t.visitors) DESC, sum(t.visits) DESC"

// Top returns the lines of a dimension of a site over a span, largest first:
// pages by page views, entries by visits, events by number, the rest by visitors.
func (s *Store) Top(ctx context.Context, site uint32, span calendar.Range, ask Ask) ([]Line, error) {
	table, day := source(span)
	table, where := ask.Dimension.from(table)
	by, detail := "t.value", "''"
	if ask.Detail {
		by, detail = "t.value, t.detail", "t.detail"
	}
	rank, ok := ranking[ask.Dimension]
	if !ok {
		rank = defaultRanking
	}
	filter := ""
	if ask.Value != "" {
		filter = "AND t.value = {value:String}"
	}
	query := `
		SELECT t.value, ` + detail + ` AS detail, ` + sumColumns + `
		FROM ` + table + ` AS t
		WHERE t.site = {site:UInt32} AND ` + where + `
			AND t.` + day + ` BETWEEN {from:Date} AND {to:Date} ` + filter + `
		GROUP BY ` + by + `
		-- corrections and pings leave lines without a visit or a view of their own
		HAVING sum(t.pageviews) > 0 OR {dimension:String} != 'page' AND (sum(t.visits) > 0 OR sum(t.events) > 0)
		ORDER BY ` + rank + `, ` + by + `
		LIMIT {limit:UInt32}`
	bound := params(site, span, "dimension", string(ask.Dimension), "value", ask.Value, "limit", limited(ask.Limit))
	rows, err := s.conn.Query(bind(ctx, bound), strings.TrimSpace(query))
	if err != nil {
		return nil, fmt.Errorf("top %s of site %d: %w", ask.Dimension, site, err)
	}
	defer rows.Close()
	var lines []Line
	for rows.Next() {
		var line Line
		if err := rows.Scan(append([]any{&line.Value, &line.Detail}, line.scan()...)...); err != nil {
			return nil, fmt.Errorf("top %s of site %d: %w", ask.Dimension, site, err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("top %s of site %d: %w", ask.Dimension, site, err)
	}
	return lines, nil
}
