package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/site"
)

// Views returns the saved views of a site, or with 0 of the list of sites, that a user sees, the user's own and the shared
// ones, in order of their names.
func (s *Store) Views(ctx context.Context, id uint32, user string) ([]site.View, error) {
	all, err := s.views(ctx, id, user)
	return slices.DeleteFunc(all, func(v site.View) bool { return v.Site != id }), err
}

// views returns the views of a user, of all sites, and the shared ones of a site.
func (s *Store) views(ctx context.Context, id uint32, user string) ([]site.View, error) {
	query := `
		SELECT id, site, name, owner, shared, page, query, since FROM saved_views FINAL
		WHERE NOT removed AND (site = {site:UInt32} AND shared OR owner = {user:String})
		ORDER BY lowerUTF8(name), id`
	params := clickhouse.Parameters{"site": strconv.FormatUint(uint64(id), 10), "user": user}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, fmt.Errorf("saved views of site %d: %w", id, err)
	}
	defer rows.Close()
	var all []site.View
	for rows.Next() {
		var v site.View
		if err := rows.Scan(&v.ID, &v.Site, &v.Name, &v.Owner, &v.Shared, &v.Page, &v.Query, &v.Since); err != nil {
			return nil, fmt.Errorf("saved views of site %d: %w", id, err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("saved views of site %d: %w", id, err)
	}
	return all, nil
}

// PutView adds a view, or replaces the one with its ID, for the actor of ctx. If its owner does
// not see one with that ID, the error wraps site.ErrNotFound. If the owner or the site has no
// room for it, the error wraps site.ErrManyViews, and site.ErrSameView if another view of the
// owner, or another shared one, has its name.
func (s *Store) PutView(ctx context.Context, v site.View) error {
	if err := v.Validate(); err != nil {
		return err
	}
	return s.edit(ctx, func(ctx context.Context) error {
		all, err := s.views(ctx, v.Site, v.Owner)
		if err != nil {
			return err
		}
		same := func(w site.View) bool { return w.ID == v.ID && w.Site == v.Site }
		action := audit.ViewChanged
		if v.ID == 0 {
			action, v.ID = audit.ViewAdded, rand.Uint64()>>11|1
		} else if !slices.ContainsFunc(all, same) {
			return fmt.Errorf("saved view %d of site %d: %w", v.ID, v.Site, site.ErrNotFound)
		}
		own, shared := 0, 0
		for _, w := range slices.DeleteFunc(all, same) {
			if w.Site == v.Site && w.Shared == v.Shared && w.Name == v.Name {
				return fmt.Errorf("saved view of site %d: %w", v.Site, site.ErrSameView)
			}
			if !w.Shared {
				own++
			} else if w.Site == v.Site {
				shared++
			}
		}
		if v.Shared && shared >= site.MaxSharedViews || !v.Shared && own >= site.MaxOwnViews {
			return fmt.Errorf("saved view of site %d: %w", v.Site, site.ErrManyViews)
		}
		return s.writeView(ctx, action, v, false)
	})
}

// RemoveView removes a view of a site, for the actor of ctx.
func (s *Store) RemoveView(ctx context.Context, id uint32, view uint64) error {
	return s.writeView(ctx, audit.ViewRemoved, site.View{Site: id, ID: view}, true)
}

// writeView stores a view with a higher version than its current row, even if the clock was set
// back.
func (s *Store) writeView(ctx context.Context, action audit.Action, v site.View, removed bool) error {
	about := fmt.Sprintf("site %d: saved view %d", v.Site, v.ID)
	if v.Site == 0 {
		about = fmt.Sprintf("saved view %d of the list of sites", v.ID)
	}
	if v.Shared {
		about += ", shared"
	}
	if err := s.note(ctx, action, about); err != nil {
		return err
	}
	err := s.conn.Exec(ctx, `
		INSERT INTO saved_views (site, id, name, owner, shared, page, query, since, removed, updated)
		SELECT ?, ?, ?, ?, ?, ?, ?, now(), ?, greatest(now64(6), max(updated) + toIntervalMicrosecond(1))
		FROM saved_views WHERE site = ? AND id = ?`,
		v.Site, v.ID, v.Name, v.Owner, v.Shared, v.Page, v.Query, removed, v.Site, v.ID)
	if err != nil {
		return fmt.Errorf("write saved view of site %d: %w", v.Site, err)
	}
	s.dropReplaced(ctx, "saved_views")
	return nil
}

// removeViews removes the views that a user shared with nobody.
func (s *Store) removeViews(ctx context.Context, user string) error {
	err := s.conn.Exec(ctx, `
		INSERT INTO saved_views (site, id, removed, updated)
		SELECT site, id, true, greatest(now64(6), updated + toIntervalMicrosecond(1))
		FROM saved_views FINAL WHERE owner = ? AND NOT shared AND NOT removed`, user)
	if err != nil {
		return fmt.Errorf("remove saved views: %w", err)
	}
	s.dropReplaced(ctx, "saved_views")
	return nil
}
