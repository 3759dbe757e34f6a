package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// goalPatterns are the flags for the pattern of a goal. Exactly one must be given.
type goalPatterns struct{ page, event, download, outlink string }

// read returns the pattern that is given, and its kind of hit.
func (p goalPatterns) read() (kind hit.Kind, pattern string, err error) {
	given := 0
	for k, s := range map[hit.Kind]string{hit.Pageview: p.page, hit.Event: p.event, hit.Download: p.download, hit.Outlink: p.outlink} {
		if strings.TrimSpace(s) != "" {
			kind, pattern = k, s
			given++
		}
	}
	if given != 1 {
		return "", "", usagef("want one of --page, --event, --download and --outlink, such as --page /takk")
	}
	return kind, pattern, nil
}

func addGoal(ctx context.Context, c *call) error {
	kind, pattern, err := c.goal.read()
	if err != nil {
		return err
	}
	g := site.NewGoal(c.words[1], kind, pattern, c.opts.Now())
	return c.changeSite(ctx, func(s *site.Site) error {
		if !s.CountsGoals() {
			fmt.Fprintf(c.Stderr, "warning: no goal of site %d counts while its policy is %s\n", s.ID, s.Record)
		}
		return s.AddGoal(g)
	})
}

func removeGoal(ctx context.Context, c *call) error {
	return c.changeSite(ctx, func(s *site.Site) error { return s.RemoveGoal(c.goalName()) })
}

// goalName returns the second argument in the form of a goal's name.
func (c *call) goalName() string { return norm.NFC.String(strings.TrimSpace(c.words[1])) }

// changeSite changes the site that the first argument names.
func (c *call) changeSite(ctx context.Context, change func(*site.Site) error) error {
	return c.withStore(ctx, func(st *store.Store) error {
		of, err := findSite(ctx, st, c.words[0])
		if err != nil {
			return err
		}
		if _, err := st.ChangeSite(ctx, of.ID, change); err != nil {
			return err
		}
		return c.keepCopies(ctx, st)
	})
}

func listGoals(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		sites, err := st.Sites(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		l := c.list("site", "name", "kind", "pattern", "since")
		for _, s := range sites {
			for _, g := range s.Goals {
				if err := l.add(s.ID, g.Name, g.Kind, g.Pattern, g.Since.Format(time.RFC3339)); err != nil {
					return err
				}
			}
		}
		return l.flush()
	})
}
