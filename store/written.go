package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// The columns under which texts of saved views and notes are found.
const (
	viewColumn = "view"
	noteColumn = "note"
)

// writtenTables are the tables of what users keep about sites.
var writtenTables = []string{"saved_views", "notes"}

// written calls f with each text of the saved views and notes of a site, 0 for all, and the id of
// its line. A path that stands in a text is a text, too. Of a line that was changed, and whose
// earlier state is still stored, it does so with both.
func (s *Store) written(ctx context.Context, id uint32, f func(line uint64, found privacy.FoundText) error) error {
	rows, err := s.conn.Query(ctx, `
		SELECT 'saved_views', site, id, name, page, query, since FROM saved_views WHERE NOT removed
		UNION ALL SELECT 'notes', site, id, text, '', '', since FROM notes WHERE NOT removed`)
	if err != nil {
		return fmt.Errorf("read saved views and notes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var v site.View
		var since time.Time
		found := privacy.FoundText{Column: noteColumn, Lines: 1}
		if err := rows.Scan(&found.Table, &v.Site, &v.ID, &v.Name, &v.Page, &v.Query, &since); err != nil {
			return fmt.Errorf("read saved views and notes: %w", err)
		}
		if id != 0 && v.Site != id {
			continue
		}
		found.Site, found.First, found.Last = v.Site, calendar.DayOf(since), calendar.DayOf(since)
		all := []string{v.Name}
		if found.Table == "saved_views" {
			found.Column, all = viewColumn, v.Texts()
		}
		all = append(all, site.Paths(v.Name)...)
		slices.Sort(all)
		for _, text := range slices.Compact(all) {
			if found.Value = text; text == "" {
				continue
			}
			if err := f(v.ID, found); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// findWritten calls f with the texts of saved views and notes, and of the settings of sites, that a
// selection chooses. The line of those of settings is 0.
//
// A selection by page chooses no rule: that a page is not counted is the other half of its erasure.
func (s *Store) findWritten(ctx context.Context, sel privacy.Selection, match privacy.Matcher, f func(line uint64, found privacy.FoundText) error) error {
	chosen := func(of uint32, text string) bool {
		var field hit.Field
		if strings.HasPrefix(text, "/") {
			field = fieldNamed("path")
		}
		return match(of, field, text)
	}
	err := s.written(ctx, sel.Site, func(line uint64, found privacy.FoundText) error {
		if !chosen(found.Site, found.Value) {
			return nil
		}
		return f(line, found)
	})
	if err != nil {
		return err
	}
	return s.settled(ctx, sel.Site, func(_ uint32, t site.Text, found privacy.FoundText) error {
		// The rules of a site would mark themselves.
		if !chosen(0, t.Text) || t.Kind == site.RuleText && sel.Kind() == "path" {
			return nil
		}
		return f(0, found)
	})
}

// keep adds a line of a table of users to what is taken out.
func (c *choice) keep(table string, line uint64) {
	if c.lines == nil {
		c.lines = map[string][]uint64{}
	}
	if !slices.Contains(c.lines[table], line) {
		c.lines[table] = append(c.lines[table], line)
	}
}

// writtenIn is the condition of the chosen lines of a table of users; "" for none.
func (c *choice) writtenIn(table string) string {
	if len(c.lines[table]) == 0 {
		return ""
	}
	return "id IN (" + strings.Trim(strings.ReplaceAll(fmt.Sprint(c.lines[table]), " ", ","), "[]") + ")"
}

// eraseWritten deletes the chosen saved views and notes, and waits until they have left the disk.
func (s *Store) eraseWritten(ctx context.Context, c *choice) error {
	for _, table := range writtenTables {
		where := c.writtenIn(table)
		if where == "" {
			continue
		}
		if err := s.mutate(ctx, table, where); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		if err := s.awaitWiped(ctx, table, calendar.Range{To: c.Days().To}); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}
