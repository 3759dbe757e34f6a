package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/dchest/siphash"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
)

// titleColumns are the columns of table titles in the order of insertTitles.
var titleColumns = []clickhouse.ColumnNameAndType{
	{Name: "site", Type: "UInt32"}, {Name: "path", Type: "String"}, {Name: "title", Type: "String"},
	{Name: "day", Type: "Date"}, {Name: "visitors", Type: "UInt8"},
}

func (s *Store) insertTitles(ctx context.Context, titles []hit.PageTitle, token string) error {
	if len(titles) == 0 {
		return nil
	}
	batch, err := s.conn.PrepareBatch(deduplicated(ctx, token, titleColumns), insertInto("titles", titleColumns))
	if err != nil {
		return fmt.Errorf("prepare insert of %d titles: %w", len(titles), err)
	}
	defer batch.Close()
	for _, t := range titles {
		if err := batch.Append(t.Site, t.Path, t.Title, t.Day.Time(), t.Visitors); err != nil {
			return fmt.Errorf("append to the titles of site %d: %w", t.Site, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d titles: %w", len(titles), err)
	}
	return nil
}

// titlesKey names what PageTitles returns: paths is a hash of them.
type titlesKey struct {
	site  uint32
	paths [sha256.Size]byte
}

// manyTitles is up to how many titles PageTitles keeps what it returned: those of a page.
const manyTitles = 500

// PageTitles returns the titles of pages of a site, by path: of those that have one. The map is
// shared: nobody changes it.
func (s *Store) PageTitles(ctx context.Context, site uint32, paths []string) (map[string]string, error) {
	if len(paths) == 0 || len(paths) > manyTitles {
		return s.pageTitles(ctx, site, paths)
	}
	hash := sha256.New()
	for _, path := range paths {
		fmt.Fprintf(hash, "%d %s", len(path), path)
	}
	return recall(s, &s.recalled.titles, titlesKey{site, [sha256.Size]byte(hash.Sum(nil))}, &scope{tables: []string{"titles"}}, func() (map[string]string, error) {
		return s.pageTitles(ctx, site, paths)
	})
}

func (s *Store) pageTitles(ctx context.Context, site uint32, paths []string) (map[string]string, error) {
	titles := map[string]string{}
	if len(paths) == 0 {
		return titles, nil
	}
	// By hash, since a parameter is a part of an address over HTTP, where a thousand long
	// paths find no room. The answer has the path.
	hashes := make([]string, len(paths))
	for i, path := range paths {
		hashes[i] = strconv.FormatUint(siphash.Hash(0, 0, []byte(path)), 10)
	}
	query := `
		SELECT path, argMax(title, version) FROM titles
		WHERE site = {site:UInt32} AND sipHash64(path) IN {paths:Array(UInt64)}
		GROUP BY path`
	params := clickhouse.Parameters{"site": strconv.FormatUint(uint64(site), 10), "paths": "[" + strings.Join(hashes, ",") + "]"}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, fmt.Errorf("titles of site %d: %w", site, err)
	}
	defer rows.Close()
	for rows.Next() {
		var path, title string
		if err := rows.Scan(&path, &title); err != nil {
			return nil, fmt.Errorf("titles of site %d: %w", site, err)
		}
		titles[path] = title
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("titles of site %d: %w", site, err)
	}
	return titles, nil
}

// Titles returns the titles as the retention worker sees them.
func (s *Store) Titles() *Titles { return s.TitlesOf(nil) }

// TitlesOf is Titles of some sites, nil for all.
func (s *Store) TitlesOf(sites []uint32) *Titles { return &Titles{s, s.Policy, sites} }

// TitlesUnder is Titles under another policy than the one in force.
func (s *Store) TitlesUnder(p privacy.Policy) *Titles {
	return &Titles{s, func(context.Context) (privacy.Policy, error) { return p, nil }, nil}
}

// Titles finds and deletes the titles that the policy in force does not keep: those that were last
// seen too long ago, or by too few visitors, and those of sites that keep none.
type Titles struct {
	store  *Store
	policy func(context.Context) (privacy.Policy, error)
	of     []uint32 // nil: all
}

// where is the condition of titles that are not kept. A mutation takes no parameters, so it
// is text, made of numbers.
func (t *Titles) where(ctx context.Context, cutoff time.Time) (string, error) {
	policy, err := t.policy(ctx)
	if err != nil {
		return "", err
	}
	sites, err := t.store.Sites(ctx)
	if err != nil {
		return "", err
	}
	ids := []string{"0"} // no site
	for _, site := range sites {
		if policy.Of(site.Own()).KeepsTitles() {
			ids = append(ids, strconv.FormatUint(uint64(site.ID), 10))
		}
	}
	return fmt.Sprintf("%s(day < toDate('%s') OR visitors < %d OR site NOT IN (%s))",
		ofSites(t.of), calendar.DayOf(cutoff.UTC()), policy.TitleVisitors, strings.Join(ids, ", ")), nil
}

// Before returns what is held of titles that were last seen before the day of a time, or
// that the policy does not keep.
func (t *Titles) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	where, err := t.where(ctx, cutoff)
	if err != nil {
		return privacy.Held{}, fmt.Errorf("count titles: %w", err)
	}
	var h privacy.Held
	var n uint64
	query := "SELECT count(), toDateTime(min(day), 'UTC'), toDateTime(max(day), 'UTC') FROM titles WHERE " + where
	if err := t.store.conn.QueryRow(ctx, query).Scan(&n, &h.First, &h.Last); err != nil {
		return privacy.Held{}, fmt.Errorf("count titles: %w", err)
	}
	if n == 0 {
		return privacy.Held{}, nil
	}
	h.Rows = int64(n)
	return h, nil
}

// DeleteBefore deletes what Before finds, and returns when it is off the disk.
func (t *Titles) DeleteBefore(ctx context.Context, cutoff time.Time) error {
	where, err := t.where(ctx, cutoff)
	if err == nil {
		err = t.store.schema.Rows(ctx, func(ctx context.Context, _ []string) error { return t.store.mutate(ctx, "titles", where) })
	}
	if err == nil {
		err = t.store.awaitWiped(ctx, "titles", calendar.Range{To: calendar.DayOf(cutoff.UTC())})
	}
	if err != nil {
		return fmt.Errorf("delete titles: %w", err)
	}
	return nil
}
