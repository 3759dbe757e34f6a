package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/retention/journal"
)

// HeldAgain counts what EraseAgain would take out.
func (s *Store) HeldAgain(ctx context.Context, log *journal.Log) (int64, error) {
	all, err := s.chooseAgain(ctx, log)
	var n int64
	for _, c := range all {
		if err == nil {
			var held privacy.Held
			held, err = s.heldOf(ctx, c)
			n += held.All()
		}
	}
	return n, err
}

// EraseAgain takes out of a store that was restored what was erased since its backup. Of a value
// nothing stays, of a path its first segment neither: the journal does not say what did.
func (s *Store) EraseAgain(ctx context.Context, log *journal.Log) error {
	all, err := s.chooseAgain(ctx, log)
	if err != nil {
		return err
	}
	ctx = long(ctx)
	for _, c := range all {
		held, err := s.heldOf(ctx, c)
		if err == nil && held.All() > 0 {
			if c.OfTexts() {
				err = s.eraseTexts(ctx, c)
			} else {
				err = s.eraseRows(ctx, held, c.rows())
			}
		}
		if err != nil {
			return fmt.Errorf("erase again: %w", err)
		}
	}
	return nil
}

// chooseAgain looks for the values of a journal, those of the same days together.
func (s *Store) chooseAgain(ctx context.Context, log *journal.Log) ([]*choice, error) {
	if log.Empty() {
		return nil, nil
	}
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	type group struct {
		days     calendar.Range
		networks bool
	}
	of := map[group]*choice{}
	networks := report.Place{Table: "hits", Column: "network", Field: fieldNamed("network")}
	for _, p := range append(places(), networks) {
		err := s.texts(ctx, p, againOf(calendar.Range{To: lastDay - 1}, "", 0), func(found privacy.FoundText) error {
			for _, days := range log.Days(found.Site, found.Column, found.Value) {
				g := group{days, p.Column == "network"}
				if of[g] == nil {
					of[g] = &choice{Selection: againOf(days, found.Column, 0)}
				}
				if err := of[g].add(privacy.Chosen{Site: found.Site, Column: found.Column, Value: found.Value, Whole: true}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look for what was erased in %s of %s: %w", p.Column, p.Table, err)
		}
	}
	var all []*choice
	for _, c := range of {
		c.hash()
		all = append(all, c)
	}
	sites, err := s.Sites(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range sites {
		for _, days := range log.Rows(one.ID) {
			all = append(all, &choice{Selection: againOf(days, "", one.ID)})
		}
	}
	slices.SortFunc(all, func(a, b *choice) int { return a.From.Compare(b.From) })
	return all, nil
}

// againOf returns a selection of texts, networks or all rows on some days.
func againOf(days calendar.Range, column string, site uint32) privacy.Selection {
	sel := privacy.Selection{Site: site, From: days.From.Time(), To: (days.To + 1).Time()}
	switch column {
	case "":
	case "network":
		sel.Network = "journal"
	default:
		sel.Marks = true
	}
	return sel
}
