package store

import (
	"context"
	"fmt"

	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/retention/journal"
	"github.com/fotspor/fotspor/site"
)

// HeldAgain counts what is in a store that was restored, though an erasure of a journal has taken
// it out since. If there is nothing, EraseAgain has nothing to do.
func (s *Store) HeldAgain(ctx context.Context, log *journal.Log) (int64, error) {
	var n int64
	for _, e := range log.Erasures {
		all, err := s.chooseAgain(ctx, e)
		if err != nil {
			return 0, err
		}
		for _, c := range all {
			held, err := s.heldOf(ctx, c)
			if err != nil {
				return 0, err
			}
			n += held.All()
		}
	}
	return n, nil
}

// EraseAgain repeats the erasures of a journal on a store that was restored, in their order, since
// one may have taken out what another had left in the place of something. Then the store holds
// what it held after them. It returns how much is left of what was to be taken out.
func (s *Store) EraseAgain(ctx context.Context, log *journal.Log) (int64, error) {
	ctx = long(ctx)
	var left int64
	for _, e := range log.Erasures {
		all, err := s.chooseAgain(ctx, e)
		for _, c := range all {
			if err == nil {
				var now int64
				now, err = s.eraseAgain(ctx, c)
				left += now
			}
		}
		if err != nil {
			return left, fmt.Errorf("erase again: %w", err)
		}
	}
	return left, nil
}

// eraseAgain takes out what a choice chooses, and returns how much is left of it.
func (s *Store) eraseAgain(ctx context.Context, c *choice) (int64, error) {
	held, err := s.heldOf(ctx, c)
	if err != nil || held.All() == 0 {
		return 0, err
	}
	if c.OfTexts() {
		err = s.eraseTexts(ctx, c)
	} else {
		err = s.eraseRows(ctx, held, c.rows())
	}
	if err != nil {
		return 0, err
	}
	held, err = s.heldOf(ctx, c)
	return held.All(), err
}

// chooseAgain looks for what an erasure of a journal has taken out.
func (s *Store) chooseAgain(ctx context.Context, e journal.Erasure) ([]*choice, error) {
	span := privacy.Selection{From: e.From, To: e.To}
	if sites := e.Sites(); len(sites) > 0 {
		var all []*choice
		for _, site := range sites {
			one := span
			one.Site = site
			all = append(all, &choice{Selection: one})
		}
		return all, nil
	}
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	from := places()
	span.Marks = true
	if e.OfNetworks() {
		from = []report.Place{{Table: "hits", Column: "network", Field: fieldNamed("network")}}
		span.Marks, span.Network = false, "journal"
	}
	c := &choice{Selection: span}
	for _, p := range from {
		err := s.texts(ctx, p, span, func(found privacy.FoundText) error {
			part, took := e.Took(found.Site, found.Column, found.Value)
			if !took || p.Field.Erase(found.Value, !part) == found.Value && !e.OfNetworks() {
				return nil
			}
			return c.add(privacy.Chosen{Site: found.Site, Column: found.Column, Value: found.Value, Whole: !part})
		})
		if err != nil {
			return nil, fmt.Errorf("look for what was erased in %s of %s: %w", p.Column, p.Table, err)
		}
	}
	err := s.written(ctx, 0, func(line uint64, found privacy.FoundText) error {
		if _, took := e.Took(found.Site, found.Column, found.Value); !took {
			return nil
		}
		c.keep(found.Table, line)
		return c.add(privacy.Chosen{Site: found.Site, Column: found.Column, Value: found.Value, Whole: true})
	})
	if err == nil {
		err = s.settled(ctx, 0, func(_ uint32, _ site.Text, found privacy.FoundText) error {
			if _, took := e.Took(found.Site, found.Column, found.Value); !took {
				return nil
			}
			return c.add(privacy.Chosen{Site: found.Site, Column: found.Column, Value: found.Value, Whole: true})
		})
	}
	if err != nil {
		return nil, err
	}
	if len(c.texts) == 0 {
		return nil, nil
	}
	c.hash()
	return []*choice{c}, nil
}
