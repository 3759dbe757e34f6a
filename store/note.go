package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/site"
)

// Notes returns the notes about a site of which a day is in days, in order of their first
// day, then their last.
func (s *Store) Notes(ctx context.Context, id uint32, days calendar.Range) ([]site.Note, error) {
	all, err := recall(s, &s.recalled.notes, id, &scope{tables: []string{"notes"}}, func() ([]site.Note, error) { return s.notes(ctx, id) })
	if err != nil {
		return nil, fmt.Errorf("notes of site %d: %w", id, err)
	}
	var some []site.Note
	for _, n := range all {
		if n.Days.From <= days.To && n.Days.To >= days.From {
			some = append(some, n)
		}
	}
	return some, nil
}

// notes returns all notes about a site, of which there are at most site.MaxNotes.
func (s *Store) notes(ctx context.Context, id uint32) ([]site.Note, error) {
	query := "SELECT id, first, last, text, who, since FROM notes FINAL WHERE site = {site:UInt32} AND NOT removed ORDER BY first, last, id"
	rows, err := s.conn.Query(bind(ctx, clickhouse.Parameters{"site": strconv.FormatUint(uint64(id), 10)}), query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []site.Note
	for rows.Next() {
		var n site.Note
		var first, last time.Time
		if err := rows.Scan(&n.ID, &first, &last, &n.Text, &n.Who, &n.Since); err != nil {
			return nil, err
		}
		n.Days = calendar.Range{From: calendar.DayOf(first), To: calendar.DayOf(last)}
		all = append(all, n)
	}
	return all, rows.Err()
}

// PutNote adds a note about a site, or replaces the one with its ID, for the actor of ctx. If
// there is none with that ID, its error wraps site.ErrNotFound; if the site has site.MaxNotes
// notes, that of a new one wraps site.ErrManyNotes.
func (s *Store) PutNote(ctx context.Context, id uint32, n site.Note) error {
	if err := n.Validate(); err != nil {
		return err
	}
	action := audit.NoteChanged
	count, known, err := s.countNotes(ctx, id, n.ID)
	switch {
	case err != nil:
		return err
	case n.ID == 0 && count >= site.MaxNotes:
		return fmt.Errorf("notes of site %d: %w", id, site.ErrManyNotes)
	case n.ID == 0:
		action, n.ID = audit.NoteAdded, rand.Uint64()>>11|1
	case !known:
		return fmt.Errorf("note %d of site %d: %w", n.ID, id, site.ErrNotFound)
	}
	return s.writeNote(ctx, action, id, n, false)
}

// RemoveNote removes a note about a site, for the actor of ctx. If there is none with that
// ID, its error wraps site.ErrNotFound.
func (s *Store) RemoveNote(ctx context.Context, id uint32, note uint64) error {
	_, known, err := s.countNotes(ctx, id, note)
	if err == nil && !known {
		err = fmt.Errorf("note %d of site %d: %w", note, id, site.ErrNotFound)
	}
	if err != nil {
		return err
	}
	return s.writeNote(ctx, audit.NoteRemoved, id, site.Note{ID: note}, true)
}

// countNotes returns the number of notes about a site, and whether one of them has an ID.
func (s *Store) countNotes(ctx context.Context, id uint32, note uint64) (count int, known bool, err error) {
	params := clickhouse.Parameters{"site": strconv.FormatUint(uint64(id), 10), "note": strconv.FormatUint(note, 10)}
	var all, of uint64
	err = s.conn.QueryRow(bind(ctx, params), "SELECT count(), countIf(id = {note:UInt64}) FROM notes FINAL WHERE site = {site:UInt32} AND NOT removed").Scan(&all, &of)
	if err != nil {
		return 0, false, fmt.Errorf("count notes of site %d: %w", id, err)
	}
	return int(all), of > 0, nil
}

// writeNote stores a note with a higher version than its current row, even if the clock was
// set back.
func (s *Store) writeNote(ctx context.Context, action audit.Action, id uint32, n site.Note, removed bool) error {
	about := fmt.Sprintf("site %d: note %d", id, n.ID)
	if !removed {
		about += ", " + n.Days.String()
	}
	if err := s.note(ctx, action, about); err != nil {
		return err
	}
	err := s.conn.Exec(ctx, `
		INSERT INTO notes (site, id, first, last, text, who, since, removed, updated)
		SELECT ?, ?, ?, ?, ?, ?, now(), ?, greatest(now64(6), max(updated) + toIntervalMicrosecond(1))
		FROM notes WHERE site = ? AND id = ?`,
		id, n.ID, n.Days.From.String(), n.Days.To.String(), n.Text, audit.ActorOf(ctx).Name, removed, id, n.ID)
	if err != nil {
		return fmt.Errorf("write note of site %d: %w", id, err)
	}
	s.dropReplaced(ctx, "notes")
	return nil
}
