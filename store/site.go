package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/site"
)

// Sites returns all sites in order of id.
func (s *Store) Sites(ctx context.Context) ([]site.Site, error) { return s.sites(ctx, "1") }

// Site returns one site, or site.ErrNotFound for an unknown id.
func (s *Store) Site(ctx context.Context, id uint32) (site.Site, error) {
	ctx = bind(ctx, clickhouse.Parameters{"id": strconv.FormatUint(uint64(id), 10)})
	found, err := s.sites(ctx, "id = {id:UInt32}")
	if err != nil {
		return site.Site{}, err
	}
	if len(found) == 0 {
		return site.Site{}, fmt.Errorf("site %d: %w", id, site.ErrNotFound)
	}
	return found[0], nil
}

// sites returns the sites for which a condition holds, in order of id.
func (s *Store) sites(ctx context.Context, where string) ([]site.Site, error) {
	rows, err := s.conn.Query(ctx, `
		SELECT id, name, hosts, timezone, parameters, excluded, path_rules, record,
			strip_slash, ignored_referrers, search_parameters, search_categories, search_counts, goals.value, guard.value
		FROM sites FINAL
		LEFT JOIN (
			SELECT site, argMax(value, (number, since)) AS value FROM settings WHERE key = '`+string(goals)+`' GROUP BY site
		) AS goals ON goals.site = id
		LEFT JOIN (
			SELECT site, argMax(value, (number, since)) AS value FROM settings WHERE key = '`+string(guard)+`' GROUP BY site
		) AS guard ON guard.site = id
		WHERE `+where+` ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	defer rows.Close()
	var all []site.Site
	for rows.Next() {
		var one site.Site
		var zone, listed, least string
		err := rows.Scan(&one.ID, &one.Name, &one.Hosts, &zone, &one.Parameters, &one.Excluded, &one.PathRules, (*string)(&one.Record),
			&one.StripSlash, &one.IgnoredReferrers, &one.SearchParameters, &one.SearchCategories, &one.SearchCounts, &listed, &least)
		if err != nil {
			return nil, fmt.Errorf("list sites: %w", err)
		}
		if one.Location, err = time.LoadLocation(zone); err != nil {
			return nil, fmt.Errorf("time zone of site %d: %w", one.ID, err)
		}
		if listed != "" {
			if err := json.Unmarshal([]byte(listed), &one.Goals); err != nil {
				return nil, fmt.Errorf("goals of site %d: %w", one.ID, err)
			}
		}
		one.Guard = site.DefaultGuard
		if least != "" && least != "null" {
			if one.Guard, err = strconv.Atoi(least); err != nil {
				return nil, fmt.Errorf("guard of site %d: %w", one.ID, err)
			}
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	return all, nil
}

// AddSite stores a new site. If its id is 0, it gets the next free id. Any other id must be
// free; with it a site that moves here keeps its number.
func (s *Store) AddSite(ctx context.Context, added site.Site) (site.Site, error) {
	if err := added.Validate(); err != nil {
		return site.Site{}, err
	}
	all, err := s.Sites(ctx)
	if err != nil {
		return site.Site{}, err
	}
	var last uint32
	for _, other := range all {
		if other.ID == added.ID {
			return site.Site{}, fmt.Errorf("site %d exists: %s", other.ID, other.Name)
		}
		last = max(last, other.ID)
	}
	if added.ID == 0 {
		added.ID = last + 1
	}
	if err := s.note(ctx, audit.SiteAdded, fmt.Sprintf("site %d: %s", added.ID, hostname.Display(added.Hosts[0]))); err != nil {
		return site.Site{}, err
	}
	if err := s.writeSite(ctx, added); err != nil {
		return site.Site{}, fmt.Errorf("add site: %w", err)
	}
	return added, nil
}

// PutSite replaces a site. For an unknown id it returns site.ErrNotFound.
func (s *Store) PutSite(ctx context.Context, after site.Site) error {
	if err := after.Validate(); err != nil {
		return err
	}
	before, err := s.Site(ctx, after.ID)
	if err != nil {
		return err
	}
	fields := cmp.Or(strings.Join(site.Changed(before, after), ", "), "nothing")
	if err := s.note(ctx, audit.SiteChanged, fmt.Sprintf("site %d: %s", after.ID, fields)); err != nil {
		return err
	}
	if err := s.writeSite(ctx, after); err != nil {
		return fmt.Errorf("put site %d: %w", after.ID, err)
	}
	return nil
}

// writeSite stores a site with a higher version than its current row, even if the clock was
// set back, and stores its goals and its guard as
// settings.
func (s *Store) writeSite(ctx context.Context, v site.Site) error {
	if err := goals.write(ctx, s, v.ID, append([]site.Goal(nil), v.Goals...)); err != nil {
		return err
	}
	least := &v.Guard
	if v.Guard == site.DefaultGuard {
		least = nil
	}
	if err := guard.write(ctx, s, v.ID, least); err != nil {
		return err
	}
	return s.conn.Exec(ctx, `
		INSERT INTO sites (id, name, hosts, timezone, parameters, excluded, path_rules, record,
			strip_slash, ignored_referrers, search_parameters, search_categories, search_counts, updated)
		SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, greatest(now64(6), max(updated) + toIntervalMicrosecond(1))
		FROM sites WHERE id = ?`,
		v.ID, v.Name, v.Hosts, v.Location.String(), v.Parameters, v.Excluded, v.PathRules, string(v.Record),
		v.StripSlash, v.IgnoredReferrers, v.SearchParameters, v.SearchCategories, v.SearchCounts, v.ID)
}
