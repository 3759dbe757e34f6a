package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// Sites returns all sites in order of id.
func (s *Store) Sites(ctx context.Context) ([]site.Site, error) { return s.sites(ctx, "1", "1") }

// Site returns one site, or site.ErrNotFound for an unknown id. Its lists are shared: nobody
// changes them.
func (s *Store) Site(ctx context.Context, id uint32) (site.Site, error) {
	return recall(s, &s.recalled.sites, id, &scope{tables: []string{"sites", "settings"}}, func() (site.Site, error) { return s.site(ctx, id) })
}

// site is Site, and what it returns nobody else has.
func (s *Store) site(ctx context.Context, id uint32) (site.Site, error) {
	ctx = bind(ctx, clickhouse.Parameters{"id": strconv.FormatUint(uint64(id), 10)})
	found, err := s.sites(ctx, "id = {id:UInt32}", "site IN (0, {id:UInt32})")
	if err != nil {
		return site.Site{}, err
	}
	if len(found) == 0 {
		return site.Site{}, fmt.Errorf("site %d: %w", id, site.ErrNotFound)
	}
	return found[0], nil
}

// sites returns the sites for which a condition holds, in order of id. ofSettings is the same
// condition on lines of settings.
func (s *Store) sites(ctx context.Context, where, ofSettings string) ([]site.Site, error) {
	set, err := s.siteSettings(ctx, ofSettings) // a join in one statement would cost twice as much
	if err != nil {
		return nil, fmt.Errorf("settings of sites: %w", err)
	}
	rows, err := s.conn.Query(ctx, `
		SELECT id, name, hosts, timezone, parameters, excluded, networks, path_rules, record,
			strip_slash, ignored_referrers, search_parameters, search_categories, search_counts, tags, school_weeks
		FROM sites FINAL WHERE `+where+` ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	defer rows.Close()
	var all []site.Site
	for rows.Next() {
		var one site.Site
		var zone, school string
		var networks []string
		err := rows.Scan(&one.ID, &one.Name, &one.Hosts, &zone, &one.Parameters, &one.Excluded, &networks, &one.PathRules, (*string)(&one.Record),
			&one.StripSlash, &one.IgnoredReferrers, &one.SearchParameters, &one.SearchCategories, &one.SearchCounts, &one.Tags, &school)
		if err != nil {
			return nil, fmt.Errorf("list sites: %w", err)
		}
		if one.Location, err = time.LoadLocation(zone); err != nil {
			return nil, fmt.Errorf("time zone of site %d: %w", one.ID, err)
		}
		if err := site.FindSetting("exclude-networks").Read(&one, strings.Join(networks, ",")); err != nil {
			return nil, fmt.Errorf("networks of site %d: %w", one.ID, err)
		}
		if err := site.FindSetting("school-weeks").Read(&one, school); err != nil {
			return nil, fmt.Errorf("weeks without school of site %d: %w", one.ID, err)
		}
		one.Erasures = set[siteSetting{one.ID, string(erasures)}].number + set[siteSetting{0, string(erasures)}].number
		if listed := set[siteSetting{one.ID, string(goals)}].value; listed != "" {
			if err := json.Unmarshal([]byte(listed), &one.Goals); err != nil {
				return nil, fmt.Errorf("goals of site %d: %w", one.ID, err)
			}
		}
		one.Guard = site.DefaultGuard
		if least := set[siteSetting{one.ID, string(guard)}].value; least != "" && least != "null" {
			if one.Guard, err = strconv.Atoi(least); err != nil {
				return nil, fmt.Errorf("guard of site %d: %w", one.ID, err)
			}
		}
		if said := set[siteSetting{one.ID, string(own)}].value; said != "" {
			var o ownPolicy
			err := json.Unmarshal([]byte(said), &o)
			if err == nil {
				one.Retention, err = o.period()
			}
			if err != nil {
				return nil, fmt.Errorf("policy of site %d: %w", one.ID, err)
			}
			one.Objections = o.Objections
		}
		if said := set[siteSetting{one.ID, string(declared)}].value; said != "" {
			var texts declarations
			if err := json.Unmarshal([]byte(said), &texts); err != nil {
				return nil, fmt.Errorf("statement of site %d: %w", one.ID, err)
			}
			one.Declared, one.OptOut = texts.Declared, texts.OptOut
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	return all, nil
}

// siteSetting names a setting of a site.
type siteSetting struct {
	id  uint32
	key string
}

// numbered is the current value of a setting, and the number of its line.
type numbered struct {
	value  string
	number uint64
}

// siteSettings returns the current values of what sites has from table settings.
func (s *Store) siteSettings(ctx context.Context, where string) (map[siteSetting]numbered, error) {
	rows, err := s.conn.Query(ctx, `
		SELECT site, key, argMax(value, (number, since)), toUInt64(max(number)) FROM settings
		WHERE key IN ('`+string(goals)+`', '`+string(guard)+`', '`+string(declared)+`', '`+string(own)+`', '`+string(erasures)+`') AND `+where+` GROUP BY site, key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	set := map[siteSetting]numbered{}
	for rows.Next() {
		var of siteSetting
		var now numbered
		if err := rows.Scan(&of.id, &of.key, &now.value, &now.number); err != nil {
			return nil, err
		}
		set[of] = now
	}
	return set, rows.Err()
}

// ForgetVisits lets all collectors forget the visitors of a site, 0 for all sites, with the
// next reading of their sites: see site.Site. kind is that of the erasure.
func (s *Store) ForgetVisits(ctx context.Context, id uint32, kind string) error {
	return erasures.add(ctx, s, id, kind)
}

// AddSite stores a new site. If its id is 0, it gets the next free id. Any other id must be
// free; with it a site that moves here keeps its number.
func (s *Store) AddSite(ctx context.Context, added site.Site) (site.Site, error) {
	if err := added.Validate(); err != nil {
		return site.Site{}, err
	}
	err := s.edit(ctx, func(ctx context.Context) error {
		all, err := s.Sites(ctx)
		if err != nil {
			return err
		}
		var last uint32
		for _, other := range all {
			if other.ID == added.ID {
				return fmt.Errorf("site %d exists: %s", other.ID, other.Name)
			}
			last = max(last, other.ID)
		}
		if added.ID == 0 {
			added.ID = last + 1
		}
		if err := s.checkOwn(ctx, site.Site{}, added); err != nil {
			return err
		}
		if err := s.note(ctx, audit.SiteAdded, fmt.Sprintf("site %d: %s", added.ID, hostname.Display(added.Hosts[0]))); err != nil {
			return err
		}
		if err := s.writeSite(ctx, site.Site{}, added); err != nil {
			return fmt.Errorf("add site: %w", err)
		}
		return nil
	})
	if err != nil {
		return site.Site{}, err
	}
	return added, nil
}

// ChangeSite changes a site by f, and returns it as it is then. f gets the site as it is
// stored, and no other process changes it meanwhile. If f returns an error, or leaves an
// invalid site, nothing is stored. For an unknown id the error wraps site.ErrNotFound.
func (s *Store) ChangeSite(ctx context.Context, id uint32, f func(*site.Site) error) (after site.Site, err error) {
	err = s.edit(ctx, func(ctx context.Context) error {
		before, err := s.site(ctx, id)
		if err != nil {
			return err
		}
		after = before
		if err := f(&after); err != nil {
			return err
		}
		after.ID = id
		if err := after.Validate(); err != nil {
			return err
		}
		if err := s.checkOwn(ctx, before, after); err != nil {
			return err
		}
		fields := cmp.Or(strings.Join(site.Changed(before, after), ", "), "nothing")
		if err := s.note(ctx, audit.SiteChanged, fmt.Sprintf("site %d: %s", id, fields)); err != nil {
			return err
		}
		if err := s.writeSite(ctx, before, after); err != nil {
			return fmt.Errorf("change site %d: %w", id, err)
		}
		return nil
	})
	if err != nil {
		return site.Site{}, err
	}
	return after, nil
}

// AdoptSites gives sites what others of the same numbers have for themselves in place of the policy,
// and their guard, and adds others of unknown numbers as they are. It returns the sites that changed,
// and those that it has added, as they are then.
func (s *Store) AdoptSites(ctx context.Context, others []site.Site) (changed, added []site.Site, err error) {
	err = s.edit(ctx, func(ctx context.Context) error {
		all, err := s.Sites(ctx)
		if err != nil {
			return err
		}
		for _, other := range others {
			var before site.Site
			after, action := other, audit.SiteAdded
			if i := slices.IndexFunc(all, func(s site.Site) bool { return s.ID == other.ID }); i >= 0 {
				before, after, action = all[i], all[i], audit.SiteChanged
				after.Record, after.Retention, after.Objections, after.Guard = other.Record, other.Retention, other.Objections, other.Guard
			}
			fields := site.Changed(before, after)
			if len(fields) == 0 {
				continue
			}
			about := fmt.Sprintf("site %d: %s", after.ID, strings.Join(fields, ", "))
			if before.ID == 0 {
				about = fmt.Sprintf("site %d: %s", after.ID, hostname.Display(after.Hosts[0]))
			}
			if err := s.note(ctx, action, about); err != nil {
				return err
			}
			if err := s.writeSite(ctx, before, after); err != nil {
				return fmt.Errorf("change site %d: %w", after.ID, err)
			}
			if before.ID == 0 {
				added = append(added, after)
			} else {
				changed = append(changed, after)
			}
		}
		return nil
	})
	return changed, added, err
}

// checkOwn returns an error for a retention of a site that is set to one longer than that of the
// policy. One that was set before a shorter policy stays, and has no effect.
func (s *Store) checkOwn(ctx context.Context, before, after site.Site) error {
	if after.Retention == before.Retention {
		return nil
	}
	policy, err := s.Policy(ctx)
	if errors.Is(err, privacy.ErrNoPolicy) {
		return nil // the first start sets one
	}
	if err != nil {
		return err
	}
	return after.ValidateUnder(policy)
}

// Shorter returns the sites whose rows live shorter than the policy says, those of each time
// together.
func (s *Store) Shorter(ctx context.Context, p privacy.Policy) ([]privacy.Shorter, error) {
	sites, err := s.Sites(ctx)
	if err != nil {
		return nil, err
	}
	var all []privacy.Shorter
	for _, one := range sites {
		keep := p.Of(one.Own()).Retention
		if keep == p.Retention {
			continue
		}
		i := slices.IndexFunc(all, func(s privacy.Shorter) bool { return s.Keep == keep })
		if i < 0 {
			i, all = len(all), append(all, privacy.Shorter{Keep: keep})
		}
		all[i].Sites = append(all[i].Sites, one.ID)
	}
	return all, nil
}

// Terms returns how long the rows of sites lived, of those that had their own retention.
func (s *Store) Terms(ctx context.Context) (map[uint32]privacy.Terms, error) {
	rows, err := s.conn.Query(ctx, "SELECT site, value, since FROM settings WHERE key = '"+string(own)+"' ORDER BY site, number, since")
	if err != nil {
		return nil, fmt.Errorf("read the retention of sites: %w", err)
	}
	defer rows.Close()
	all := map[uint32]privacy.Terms{}
	for rows.Next() {
		var id uint32
		var value string
		var term privacy.Term
		if err := rows.Scan(&id, &value, &term.Since); err != nil {
			return nil, fmt.Errorf("read the retention of sites: %w", err)
		}
		var o ownPolicy
		err := json.Unmarshal([]byte(value), &o)
		if err == nil {
			term.Retention, err = o.period()
		}
		if err != nil {
			return nil, fmt.Errorf("read the retention of site %d: %w", id, err)
		}
		all[id] = append(all[id], term)
	}
	return all, rows.Err()
}

// writeSite stores a site with a higher version than its current row, even if the clock was
// set back. Its goals, its guard, its own
// policy and what its statement says are settings, and what else
// differs from before is noted with its day.
func (s *Store) writeSite(ctx context.Context, before, v site.Site) error {
	least := &v.Guard
	if v.Guard == site.DefaultGuard {
		least = nil
	}
	if err := guard.write(ctx, s, v.ID, least); err != nil {
		return err
	}
	if err := own.write(ctx, s, v.ID, ownOf(v)); err != nil {
		return err
	}
	// The audit log has no copy of these texts, which may name people.
	if !slices.Equal(before.Goals, v.Goals) {
		if err := goals.add(ctx, s, v.ID, v.Goals); err != nil {
			return err
		}
	}
	if is := (declarations{v.Declared, v.OptOut}); is != (declarations{before.Declared, before.OptOut}) {
		if err := declared.add(ctx, s, v.ID, is); err != nil {
			return err
		}
	}
	if err := s.noteChanges(ctx, before, v); err != nil {
		return err
	}
	var networks []string
	for _, network := range v.Networks {
		networks = append(networks, network.String())
	}
	err := s.conn.Exec(ctx, `
		INSERT INTO sites (id, name, hosts, timezone, parameters, excluded, networks, path_rules, record,
			strip_slash, ignored_referrers, search_parameters, search_categories, search_counts, tags, school_weeks, updated)
		SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, greatest(now64(6), max(updated) + toIntervalMicrosecond(1))
		FROM sites WHERE id = ?`,
		v.ID, v.Name, v.Hosts, v.Location.String(), v.Parameters, v.Excluded, networks, v.PathRules, string(v.Record),
		v.StripSlash, v.IgnoredReferrers, v.SearchParameters, v.SearchCategories, v.SearchCounts, v.Tags, site.FindSetting("school-weeks").Get(v), v.ID)
	if err != nil {
		return err
	}
	s.dropReplaced(ctx, "sites")
	return nil
}

// changed is the key of table settings for what changed of a site: a line for each change,
// with the texts of the settings that differ, before and after.
const changed setting[map[string][2]string] = "changed"

// noteChanges notes with its day what a change of a site does to its figures.
func (s *Store) noteChanges(ctx context.Context, before, after site.Site) error {
	texts := map[string][2]string{}
	for _, setting := range site.Settings {
		if !setting.Figures {
			continue
		}
		was, is := "", setting.Get(after)
		if before.ID != 0 {
			was = setting.Get(before)
		}
		if was != is || before.ID == 0 {
			texts[setting.Key] = [2]string{was, is}
		}
	}
	if names := [2]string{before.GoalNames(), after.GoalNames()}; names[0] != names[1] {
		texts["goals"] = names
	}
	if len(texts) == 0 {
		return nil
	}
	return changed.add(ctx, s, after.ID, texts)
}

// SiteChanges returns the last changes of a site that concern its figures, at most limit
// times of change, the newest first, and those of one time in the order of site.Settings. The
// adding of the site is a change, too.
func (s *Store) SiteChanges(ctx context.Context, id uint32, limit int) ([]site.Change, error) {
	lines, err := changed.history(ctx, s, id, limit)
	if err != nil {
		return nil, err
	}
	var all []site.Change
	for _, line := range lines {
		var keys []string
		for _, setting := range site.Settings {
			keys = append(keys, setting.Key)
		}
		for _, key := range append(keys, "goals") {
			if texts, ok := line.Value[key]; ok {
				first := line.Value["timezone"][0] == "" && line.Value["timezone"][1] != ""
				all = append(all, site.Change{Setting: key, Before: texts[0], After: texts[1], Since: line.Since, Who: line.Who, First: first})
			}
		}
	}
	return all, nil
}
