package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// policySetting returns the setting of a value of the policy, for the processes that serve.
func policySetting(name, help, more string) setting {
	key, _ := privacy.FindKey(name)
	s := setting{name: name, commands: serving, help: help, more: more, policy: true,
		value: func(c *call) flag.Value { return policyValue{key, &c.opts.Policy} }}
	if key.Name == "totals" { // which is bounded by another value
		s.check = func(c *call) error { return c.opts.Policy.Validate() }
	}
	return s
}

// policyValue is the flag.Value of a value of a policy.
type policyValue struct {
	key privacy.Key
	to  *privacy.Policy
}

func (v policyValue) Set(s string) error { return v.key.Read(v.to, s) }

// IsBoolFlag reports whether the flag may stand without a value.
func (v policyValue) IsBoolFlag() bool { return v.key.Name == "count-objections" }

// String returns the value in the form that Set reads; "" is off.
func (v policyValue) String() string {
	if v.to == nil || v.IsBoolFlag() && !v.to.CountObjections { // the flag package calls String on a zero value too
		return ""
	}
	return v.key.Text(*v.to)
}

func showPolicy(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		all, err := st.Policies(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		v := all.Current()
		l := c.list("name", "value")
		errs := []error{l.add("version", v.Number), l.add("since", v.Since), l.add("by", whoSet(v))}
		if c.siteName != "" {
			of, err := findSite(ctx, st, c.siteName)
			if err != nil {
				return err
			}
			v.Policy = v.Policy.Of(of.Own())
			errs = append(errs, l.add("site", of.ID), l.add("guard", of.Guard))
		}
		for _, k := range privacy.Keys {
			errs = append(errs, l.add(k.Name, k.Text(v.Policy)))
		}
		return errors.Join(append(errs, l.flush())...)
	})
}

// checkPolicy writes a checklist that the settings in the store fill in.
func checkPolicy(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		papers, err := c.papersOf(ctx, st)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		l, english := c.list("point", "verdict", "what"), i18n.Find("en")
		for _, p := range privacy.CNIL(papers.Version.Policy, papers.Sites) {
			if err := l.add(p.Key, string(p.Verdict), english.Say("cnil."+p.Key)); err != nil {
				return err
			}
		}
		return l.flush()
	})
}

// whoSet returns who set a version.
func whoSet(v privacy.Version) string {
	if v.Who == "" {
		return "the " + v.Via
	}
	return fmt.Sprintf("%s (%s)", v.Who, v.Via)
}

func listPolicies(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		all, err := st.Policies(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		columns := []string{"version", "since", "by"}
		for _, k := range privacy.Keys {
			columns = append(columns, k.Name)
		}
		l := c.list(columns...)
		for _, v := range all {
			values := []any{v.Number, v.Since, whoSet(v)}
			for _, k := range privacy.Keys {
				values = append(values, k.Text(v.Policy))
			}
			if err := l.add(values...); err != nil {
				return err
			}
		}
		return l.flush()
	})
}

// findSite returns the site with a number, or with a host. If several have the host, that is an error.
func findSite(ctx context.Context, st *store.Store, name string) (site.Site, error) {
	if id, err := siteID(name); err == nil {
		return st.Site(ctx, id)
	}
	sites, err := st.Sites(ctx)
	if err != nil {
		return site.Site{}, err
	}
	owners := slices.DeleteFunc(sites, func(s site.Site) bool { return !s.Owns(name) })
	switch len(owners) {
	case 0:
		return site.Site{}, fmt.Errorf("site with the host %q: %w", name, site.ErrNotFound)
	case 1:
		return owners[0], nil
	}
	return site.Site{}, fmt.Errorf("sites %d and %d have the host %q: name one by its number", owners[0].ID, owners[1].ID, name)
}

// findSites returns the numbers of sites by number or host, each once.
func findSites(ctx context.Context, st *store.Store, names []string) ([]uint32, error) {
	var ids []uint32
	for _, name := range names {
		one, err := findSite(ctx, st, name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, one.ID) {
			ids = append(ids, one.ID)
		}
	}
	return ids, nil
}

// ownValues are the values of the policy that a site may have for itself, with the keys of their
// settings.
var ownValues = map[string]string{"record": "policy", "retention": "retention", "objections": "objections", "guard": "guard"}

// readEach calls read for each of words such as retention=25m with its name, one of names, and its
// value. It returns a usage error for each word that is none, is said twice, or that read refuses.
func readEach(words, names []string, read func(name, text string) error) error {
	var mistakes []error
	said := map[string]bool{}
	for _, word := range words {
		name, text, ok := strings.Cut(word, "=")
		if !ok || !slices.Contains(names, name) {
			mistakes = append(mistakes, usagef("%q: want NAME=VALUE, with a name of %s", word, strings.Join(names, ", ")))
			continue
		}
		if said[name] {
			mistakes = append(mistakes, usagef("%q: %s is said twice", word, name))
			continue
		}
		said[name] = true
		if err := read(name, text); err != nil {
			mistakes = append(mistakes, usagef("%s=%q: %w", name, text, err))
		}
	}
	return errors.Join(mistakes...)
}

// readOwn returns the change of a site that words such as retention=90d say, or a usage error.
func readOwn(words []string) (func(*site.Site) error, error) {
	change := func(s *site.Site) error {
		return readEach(words, slices.Sorted(maps.Keys(ownValues)), func(name, text string) error {
			return site.FindSetting(ownValues[name]).Read(s, text)
		})
	}
	scratch := newSite()
	return change, change(&scratch)
}

// setOwn changes what a site has for itself.
func setOwn(ctx context.Context, c *call) error {
	change, err := readOwn(c.words)
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		nameStore(c.Stdout, st)
		of, err := findSite(ctx, st, c.siteName)
		if err != nil {
			return err
		}
		_, err = st.ChangeSite(ctx, of.ID, func(s *site.Site) error {
			before := *s
			if err := change(s); err != nil {
				return err
			}
			for _, name := range slices.Sorted(maps.Keys(ownValues)) {
				setting := site.FindSetting(ownValues[name])
				if was, is := setting.Get(before), setting.Get(*s); was != is {
					fmt.Fprintf(c.Stdout, "%s: %s, now %s\n", name, was, is)
				}
			}
			return c.previewSite(ctx, st, before, *s)
		})
		if err == nil {
			err = c.keepCopies(ctx, st)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, "site %d has this policy now; running processes follow within seconds\n", of.ID)
		return err
	})
}

// keepCopies writes the copies of policy and sites beside the store of the embedded engine, as a running
// collector does: a restore knows from them what was promised after the backup.
func (c *call) keepCopies(ctx context.Context, st *store.Store) error {
	if c.opts.Store != "" {
		return nil // the copies are those of its collectors
	}
	all, err := st.Policies(ctx)
	if err == nil {
		err = app.CopyPolicy(c.opts.Data, all)
	} else if errors.Is(err, privacy.ErrNoPolicy) {
		err = nil
	}
	if err == nil {
		err = app.CopySites(ctx, c.opts.Data, st)
	}
	return err
}

// previewSite says what a change of a site would have deleted, and asks, if its rows live shorter.
func (c *call) previewSite(ctx context.Context, st *store.Store, before, after site.Site) error {
	if after.Retention == before.Retention || after.Retention == (privacy.Period{}) {
		return nil
	}
	all, err := st.Policies(ctx)
	if errors.Is(err, privacy.ErrNoPolicy) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := after.ValidateUnder(all.Current().Policy); err != nil {
		return usageError{err}
	}
	preview, err := st.PreviewSite(ctx, after, c.opts.Now())
	if err != nil {
		return err
	}
	c.writePreview(preview)
	if c.yes {
		return nil
	}
	return c.confirm("Change the site?")
}

func setPolicy(ctx context.Context, c *call) error {
	if c.siteName != "" {
		return setOwn(ctx, c)
	}
	changes, err := readChanges(c.words)
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		nameStore(c.Stdout, st)
		before := privacy.Version{Policy: privacy.Default()} // number 0 if there is none
		all, err := st.Policies(ctx)
		switch {
		case err == nil:
			before = all.Current()
		case !errors.Is(err, privacy.ErrNoPolicy):
			return err
		}
		after := before.Policy
		if err := changes(&after); err != nil {
			return err
		}
		if err := after.Validate(); err != nil {
			return usageError{err}
		}
		if before.Number > 0 && after == before.Policy {
			_, err := fmt.Fprintln(c.Stdout, "that is the policy already")
			return err
		}
		if err := c.previewPolicy(ctx, st, before.Policy, after); err != nil {
			return err
		}
		if !c.yes {
			if err := c.confirm("Change the policy?"); err != nil {
				return err
			}
		}
		if err := st.ChangePolicy(ctx, before.Number, after); err != nil {
			return err
		}
		if err := c.keepCopies(ctx, st); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, "the policy is version %d now; running processes follow within seconds\n", before.Number+1)
		return err
	})
}

// presets returns the names of all presets.
func presets() []string {
	var names []string
	for _, p := range privacy.Presets {
		names = append(names, p.Name)
	}
	return names
}

// readChanges reads words such as retention=25m, or preset=short for all values, and returns a function that makes these
// changes. It returns a usage error for a word that is none.
func readChanges(words []string) (func(*privacy.Policy) error, error) {
	names := []string{"preset"}
	for _, k := range privacy.Keys {
		names = append(names, k.Name)
	}
	change := func(p *privacy.Policy) error {
		return readEach(words, names, func(name, text string) error {
			if key, known := privacy.FindKey(name); known {
				return key.Read(p, text)
			}
			i := slices.IndexFunc(privacy.Presets, func(p privacy.Preset) bool { return p.Name == text })
			if i < 0 {
				return fmt.Errorf("want %s", strings.Join(presets(), " or "))
			}
			*p = privacy.Presets[i].Policy
			return nil
		})
	}
	p := privacy.Default()
	return change, change(&p)
}

// previewPolicy writes what a change of the policy changes.
func (c *call) previewPolicy(ctx context.Context, st *store.Store, before, after privacy.Policy) error {
	for _, k := range privacy.Keys {
		if was, is := k.Text(before), k.Text(after); was != is {
			fmt.Fprintf(c.Stdout, "%s: %s, now %s\n", k.Name, was, is)
		}
	}
	preview, err := st.PreviewPolicy(ctx, after, c.opts.Now())
	if err != nil {
		return err
	}
	c.writePreview(preview)
	for _, one := range preview.Contradicting {
		var told []string
		for _, k := range privacy.Keys {
			if text, ok := one.Told[k.Name]; ok && text != k.Text(after) {
				told = append(told, k.Name+"="+text)
			}
		}
		fmt.Fprintf(c.Stdout, "would not start again: %s, which was started with %s (it ran at %s)\n", one.Name, strings.Join(told, " "), one.Seen.UTC().Format(time.RFC3339))
	}
	return nil
}

// writePreview writes what the next deletion pass would delete.
func (c *call) writePreview(preview privacy.Preview) {
	if preview.Rows.Rows > 0 {
		fmt.Fprintf(c.Stdout, "the next deletion pass would delete %d rows, from %s to %s\n", preview.Rows.Rows,
			preview.Rows.First.UTC().Format(time.RFC3339), preview.Rows.Last.UTC().Format(time.RFC3339))
	} else {
		fmt.Fprintln(c.Stdout, "the next deletion pass would delete no row")
	}
	if preview.Titles.Rows > 0 {
		fmt.Fprintf(c.Stdout, "and %d titles of pages\n", preview.Titles.Rows)
	}
	for _, aged := range preview.Aged {
		fmt.Fprintf(c.Stdout, "and remove the %s of %d rows\n", aged.Name, aged.Rows)
	}
	if preview.Few > 0 {
		fmt.Fprintf(c.Stdout, "and fold %d lines of totals that few are in\n", preview.Few)
	}
	if preview.Totals.Rows > 0 {
		fmt.Fprintf(c.Stdout, "and %d lines of totals, from %s to %s\n", preview.Totals.Rows, preview.Totals.First.UTC().Format(time.DateOnly), preview.Totals.Last.UTC().Format(time.DateOnly))
	}
}
