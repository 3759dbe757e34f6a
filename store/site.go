package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Site is a website whose traffic is counted.
type Site struct {
	ID       uint32
	Name     string
	Hosts    []string // the first is the main one
	Location *time.Location
}

// Validate returns an error that names the first unusable field.
func (s Site) Validate() error {
	switch {
	case s.Name == "":
		return errors.New("site without a name")
	case len(s.Hosts) == 0:
		return errors.New("site without a host")
	case s.Location == nil:
		return errors.New("site without a time zone")
	}
	for _, host := range s.Hosts {
		if host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "/: \t\n@?#") {
			return fmt.Errorf("host %q: want a name such as example.org", host)
		}
	}
	return nil
}

// Sites returns all sites in order of id.
func (s *Store) Sites(ctx context.Context) ([]Site, error) {
	rows, err := s.conn.Query(ctx, "SELECT id, name, hosts, timezone FROM sites FINAL ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	defer rows.Close()
	var sites []Site
	for rows.Next() {
		var site Site
		var zone string
		if err := rows.Scan(&site.ID, &site.Name, &site.Hosts, &zone); err != nil {
			return nil, fmt.Errorf("list sites: %w", err)
		}
		if site.Location, err = time.LoadLocation(zone); err != nil {
			return nil, fmt.Errorf("time zone of site %d: %w", site.ID, err)
		}
		sites = append(sites, site)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	return sites, nil
}

// Site returns one site; an unknown id is ErrNotFound.
func (s *Store) Site(ctx context.Context, id uint32) (Site, error) {
	sites, err := s.Sites(ctx)
	if err != nil {
		return Site{}, err
	}
	i := slices.IndexFunc(sites, func(site Site) bool { return site.ID == id })
	if i < 0 {
		return Site{}, fmt.Errorf("site %d: %w", id, ErrNotFound)
	}
	return sites[i], nil
}

// AddSite stores a new site. With id 0 it gets the next free id; another id must
// be free: that is how a site keeps its number when it moves here.
func (s *Store) AddSite(ctx context.Context, site Site) (Site, error) {
	if err := site.Validate(); err != nil {
		return Site{}, err
	}
	sites, err := s.Sites(ctx)
	if err != nil {
		return Site{}, err
	}
	var last uint32
	for _, other := range sites {
		if other.ID == site.ID {
			return Site{}, fmt.Errorf("site %d exists: %s", other.ID, other.Name)
		}
		last = max(last, other.ID)
	}
	if site.ID == 0 {
		site.ID = last + 1
	}
	err = s.conn.Exec(ctx, "INSERT INTO sites (id, name, hosts, timezone, updated) VALUES (?, ?, ?, ?, now64(6))",
		site.ID, site.Name, site.Hosts, site.Location.String())
	if err != nil {
		return Site{}, fmt.Errorf("add site %q: %w", site.Name, err)
	}
	return site, nil
}

// Owns reports whether host is one of the site's, with or without www.
func (s Site) Owns(host string) bool {
	host = strings.TrimPrefix(host, "www.")
	return slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.TrimPrefix(h, "www.") == host })
}
