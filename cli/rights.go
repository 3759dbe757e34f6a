package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store"
)

// listedTexts is how many texts find lists. It counts the others.
const listedTexts = 1000

// selected runs f with what the flags select. An address is cut to its network before anything
// is looked up, and passed on to nothing else.
func (c *call) selected(ctx context.Context, f func(st *store.Store, rights *app.Rights, policy privacy.Policy, s privacy.Selection) error) error {
	s := c.selection
	s.From, s.To = c.from, c.to
	if err := takeData(c.opts.Data, false); err != nil { // the spool, the key and the journal are there, with any store
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		policy, err := st.Policy(ctx)
		if err != nil {
			return err
		}
		if c.given("site") {
			of, err := findSite(ctx, st, c.siteName)
			if err != nil {
				return err
			}
			s.Site = of.ID
		}
		if c.given("ip") {
			s.Network = geo.Cut(c.ip, policy.Bits4, policy.Bits6)
		}
		rights := c.opts.NewRights(st)
		if s.Marks {
			if s.Rules, err = rights.Rules(ctx); err != nil {
				return err
			}
		}
		return f(st, rights, policy, s)
	})
}

// findTexts lists where texts stand.
func findTexts(ctx context.Context, c *call) error {
	if len(c.words) > 0 {
		c.selection.Text = c.words[0]
	}
	return c.selected(ctx, func(st *store.Store, rights *app.Rights, policy privacy.Policy, s privacy.Selection) error {
		s, err := s.Checked(policy)
		if err != nil {
			return usageError{err}
		}
		if err := rights.NoteLookedUp(ctx, s); err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		l := c.list("table", "of", "column", "site", "lines", "first", "last", "value")
		n := 0
		err = rights.Find(ctx, s, func(f privacy.FoundText) error {
			if n++; n > listedTexts {
				return nil
			}
			if f.First == 0 { // of the spool neither site nor day is known
				return l.add(f.Table, f.Dimension, f.Column, "", f.Lines, "", "", shown(f.Value))
			}
			return l.add(f.Table, f.Dimension, f.Column, f.Site, f.Lines, f.First.String(), f.Last.String(), shown(f.Value))
		})
		if err = errors.Join(err, l.flush()); err != nil {
			return err
		}
		if n > listedTexts {
			fmt.Fprintf(c.Stderr, "%d of %d are listed: select less, as by --site or --from and --to\n", listedTexts, n)
		}
		return nil
	})
}

// shown returns a text that a stranger wrote without what would move the cursor of a terminal or
// end the line.
func shown(text string) string {
	quoted := fmt.Sprintf("%q", text)
	return quoted[1 : len(quoted)-1]
}

func access(ctx context.Context, c *call) error {
	return c.selected(ctx, func(st *store.Store, rights *app.Rights, policy privacy.Policy, s privacy.Selection) error {
		asked, err := c.asked(ctx, st, rights, s)
		if err != nil {
			return err
		}
		if err := rights.NoteLookedUp(ctx, s); err != nil {
			return err
		}
		report, err := privacy.Access(ctx, rights, policy, s)
		if err != nil {
			return err
		}
		asked.Policy, asked.Selection = report.Policy, report.Selection
		report.Asked = asked
		return c.writeLetter(st, report)
	})
}

// letter is a report on a request.
type letter interface {
	Letter(lang *i18n.Language) (string, error)
}

// writeLetter writes a letter in the format that the flags say.
func (c *call) writeLetter(st *store.Store, r letter) error {
	format := privacy.PlainText
	switch {
	case c.asHTML:
		format = privacy.Page
	case c.asMarkdown:
		format = privacy.Markdown
	}
	lang := i18n.Find(c.language)
	text, err := r.Letter(lang)
	if err != nil {
		return err
	}
	if text, err = privacy.FormatLetter(lang, text, format); err != nil {
		return err
	}
	nameStore(c.Stderr, st)
	_, err = fmt.Fprint(c.Stdout, text)
	return err
}

// asked is what a report says of the request besides what it selects.
func (c *call) asked(ctx context.Context, st *store.Store, rights *app.Rights, s privacy.Selection) (privacy.Asked, error) {
	a := privacy.Asked{Selection: s}
	if !c.received.IsZero() {
		a.Received = calendar.DayOf(c.received)
	}
	if c.caseNumber != "" {
		r, err := st.Request(ctx, c.caseNumber)
		if err != nil {
			return a, err
		}
		a.Case, a.Received, a.Extended = r.Case, r.Received, r.Extended
	}
	return rights.Complete(ctx, a)
}

func erase(ctx context.Context, c *call) error {
	return c.selected(ctx, func(st *store.Store, rights *app.Rights, policy privacy.Policy, s privacy.Selection) error {
		asked, err := c.asked(ctx, st, rights, s)
		if err != nil {
			return err
		}
		if !c.yes && !c.given("ip") || c.dryRun {
			if err := c.previewErasure(ctx, rights, policy, s); err != nil || c.dryRun {
				return err
			}
			if err := c.confirm("Erase that?"); err != nil {
				return err
			}
		}
		report, err := privacy.Erase(ctx, rights, policy, s)
		if err != nil {
			return err
		}
		if err := c.keepCopies(ctx, st); err != nil { // that of the sites has what staff wrote
			return err
		}
		asked.Policy, asked.Selection = report.Policy, report.Selection
		report.Asked = asked
		return c.writeLetter(st, report)
	})
}

// previewErasure says what an erasure would take out.
func (c *call) previewErasure(ctx context.Context, rights *app.Rights, policy privacy.Policy, s privacy.Selection) error {
	report, err := privacy.Access(ctx, rights, policy, s)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d rows would be deleted", report.Held.Rows)
	if s.OfTexts() {
		text = fmt.Sprintf("texts in %d rows and %d lines of totals and titles would be replaced by [erased]", report.Held.Rows, report.Held.Lines)
		written, err := report.Held.Written(i18n.Find("en"))
		if err != nil {
			return err
		}
		if written != "" {
			text += ", and taken out of " + written + ", with the history"
		}
		text += "; fotspor find lists them"
	}
	_, err = fmt.Fprintln(c.Stdout, text)
	return err
}
