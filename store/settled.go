package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// settledKeys are the settings of sites in which people write texts, with their history.
var settledKeys = []string{string(goals), string(changed), string(declared)}

// settledLine is a line of table settings.
type settledLine struct {
	site   uint32
	key    string
	value  string
	number uint64
	last   bool // it is in force
}

// without returns the value of the line without the texts of which gone returns true. It calls
// gone with each, but not with those of the statement in force.
func (l settledLine) without(gone func(site.Text) bool) (string, error) {
	var value any
	switch l.key {
	case string(goals):
		var of site.Site
		if err := json.Unmarshal([]byte(l.value), &of.Goals); err != nil {
			return "", err
		}
		after := of.Without(gone).Goals
		if len(after) == len(of.Goals) {
			return l.value, nil
		}
		value = after
	case string(changed):
		texts := map[string][2]string{}
		if err := json.Unmarshal([]byte(l.value), &texts); err != nil {
			return "", err
		}
		for key, both := range texts {
			c := site.Change{Setting: key, Before: both[0], After: both[1]}.Without(gone)
			texts[key] = [2]string{c.Before, c.After}
		}
		value = texts
	case string(declared):
		if l.last {
			return l.value, nil
		}
		var said declarations
		if err := json.Unmarshal([]byte(l.value), &said); err != nil {
			return "", err
		}
		for _, d := range privacy.Declarations {
			if text := d.Text(&said.Declared); *text != "" && gone(site.Text{Kind: site.SettingText, Setting: d.Key, Of: *text, Text: *text}) {
				*text = hit.Erased
			}
		}
		value = said
	}
	text, err := json.Marshal(value)
	return string(text), err
}

// settledLines returns the lines of settings in which people write texts, of all sites.
func (s *Store) settledLines(ctx context.Context, f func(settledLine, time.Time) error) error {
	rows, err := s.conn.Query(ctx, `
		SELECT site, key, value, number, number = max(number) OVER (PARTITION BY site, key) AS last, since
		FROM settings WHERE key IN ('`+strings.Join(settledKeys, "', '")+"')")
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l settledLine
		var last uint8
		var since time.Time
		if err := rows.Scan(&l.site, &l.key, &l.value, &l.number, &last, &since); err != nil {
			return fmt.Errorf("read settings: %w", err)
		}
		l.last = last != 0
		if err := f(l, since); err != nil {
			return err
		}
	}
	return rows.Err()
}

// settled calls f with each text that people wrote into the settings of a site, 0 for all, now or
// earlier: see site.Site.Without. Each is found in as many lines as hold it.
func (s *Store) settled(ctx context.Context, id uint32, f func(of uint32, text site.Text, found privacy.FoundText) error) error {
	var all []func() error
	add := func(table string, of uint32, since time.Time) func(site.Text) bool {
		seen := map[site.Text]bool{}
		return func(t site.Text) bool {
			if t.Text != "" && !seen[t] {
				seen[t] = true
				day := calendar.DayOf(since)
				all = append(all, func() error {
					return f(of, t, privacy.FoundText{Table: table, Dimension: t.Setting, Column: t.Kind, Site: of, Value: t.Text, Lines: 1, First: day, Last: day})
				})
			}
			return false
		}
	}
	rows, err := s.conn.Query(ctx, "SELECT id, name, hosts, excluded, path_rules, ignored_referrers, tags, updated FROM sites")
	if err != nil {
		return fmt.Errorf("read the settings of sites: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one site.Site
		var since time.Time
		if err := rows.Scan(&one.ID, &one.Name, &one.Hosts, &one.Excluded, &one.PathRules, &one.IgnoredReferrers, &one.Tags, &since); err != nil {
			return fmt.Errorf("read the settings of sites: %w", err)
		}
		if id == 0 || id == one.ID {
			one.Without(add("sites", one.ID, since))
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the settings of sites: %w", err)
	}
	err = s.settledLines(ctx, func(l settledLine, since time.Time) error {
		if id != 0 && id != l.site {
			return nil
		}
		_, err := l.without(add("settings", l.site, since))
		return err
	})
	for _, one := range all {
		if err == nil {
			err = one()
		}
	}
	return err
}

// took reports whether the choice takes out a text of the settings of a site.
func (c *choice) took(of uint32) func(site.Text) bool {
	return func(t site.Text) bool {
		_, is := slices.BinarySearchFunc(c.texts, privacy.Chosen{Site: of, Column: t.Kind, Value: t.Text}, privacy.Chosen.Compare)
		return is
	}
}

// ofSettings reports whether the choice has texts of the settings of sites.
func (c *choice) ofSettings() bool {
	return slices.ContainsFunc(c.texts, func(t privacy.Chosen) bool {
		return t.Column == site.GoalText || t.Column == site.RuleText || t.Column == site.SettingText
	})
}

// heldInSettings counts the goals, and the values of other settings of sites, with a chosen text,
// those of now and those of the history.
func (s *Store) heldInSettings(ctx context.Context, c *choice) (ofGoals, others int64, err error) {
	if !c.ofSettings() {
		return 0, 0, nil
	}
	seen := map[string]bool{}
	err = s.settled(ctx, 0, func(of uint32, t site.Text, _ privacy.FoundText) error {
		key := fmt.Sprint(of, t.Setting, " ", t.Of)
		if !c.took(of)(t) || seen[key] {
			return nil
		}
		if seen[key] = true; t.Kind == site.GoalText {
			ofGoals++
		} else {
			others++
		}
		return nil
	})
	return ofGoals, others, err
}

// eraseSettings takes the chosen texts out of the settings of sites and of their history, and waits
// until they have left the disk.
func (s *Store) eraseSettings(ctx context.Context, c *choice) error {
	if !c.ofSettings() {
		return nil
	}
	err := s.edit(ctx, func(ctx context.Context) error {
		all, err := s.Sites(ctx)
		if err != nil {
			return err
		}
		for _, before := range all {
			after := before.Without(c.took(before.ID))
			fields := site.Changed(before, after)
			if len(fields) == 0 {
				continue
			}
			if err := s.note(ctx, audit.SiteChanged, fmt.Sprintf("site %d: %s", after.ID, strings.Join(fields, ", "))); err != nil {
				return err
			}
			if err := s.writeSite(ctx, before, after); err != nil {
				return fmt.Errorf("change site %d: %w", after.ID, err)
			}
		}
		// The lines that this has added say what was there before.
		var lines []settledLine
		err = s.settledLines(ctx, func(l settledLine, _ time.Time) error {
			value, err := l.without(c.took(l.site))
			if err == nil && !sameJSON(value, l.value) {
				l.value = value
				lines = append(lines, l)
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, l := range lines { // a mutation takes no parameters
			err := s.conn.Exec(ctx, fmt.Sprintf("ALTER TABLE settings UPDATE value = unhex('%x') WHERE site = %d AND key = '%s' AND number = %d SETTINGS mutations_sync = 2",
				l.value, l.site, l.key, l.number))
			if err != nil {
				return fmt.Errorf("change line %s of %s of site %d: %w", strconv.FormatUint(l.number, 10), l.key, l.site, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settings of sites: %w", err)
	}
	if err := s.conn.Exec(ctx, "OPTIMIZE TABLE sites FINAL"); err != nil {
		return fmt.Errorf("merge sites: %w", err)
	}
	for _, table := range []string{"sites", "settings"} {
		if err := s.awaitWiped(ctx, table, calendar.Range{To: c.Days().To}); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}

// sameJSON reports whether two texts are of the same value.
func sameJSON(a, b string) bool {
	var one, two any
	return json.Unmarshal([]byte(a), &one) == nil && json.Unmarshal([]byte(b), &two) == nil && reflect.DeepEqual(one, two)
}
