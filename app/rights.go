package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/journal"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/store"
)

// spoolWait bounds the wait for a running collector to store what it has in its spool.
const spoolWait = 30 * time.Second

// Rights finds and erases what people ask about: in the store, and in the spool of this data
// directory. Each erasure has a receipt, and is noted in the journal. It is safe for concurrent
// use.
type Rights struct {
	store    *store.Store
	receipts *receipt.Writer
	data     string
	server   bool // collectors on other machines may have spools, too
	now      func() time.Time
	heed     time.Duration // after it, collectors have read their sites
}

var _ dashboard.Rights = (*Rights)(nil)

// NewRights returns the Rights on a store.
func (o Options) NewRights(st *store.Store) *Rights {
	return &Rights{st, o.NewReceipts(st), o.Data, o.Store != "", o.Now, 2 * o.paces.sites}
}

// rights returns the Rights of the dashboard: nil where this process has not taken the data
// directory, which holds key, journal and spool.
func (p *program) rights() dashboard.Rights {
	if p.Store != "" && !p.Collector && !p.Retention {
		return nil
	}
	return p.NewRights(p.store)
}

func (r *Rights) spool() string { return filepath.Join(r.data, "spool") }

// Find calls f with each text that a selection chooses, and where it stands, until f returns an
// error. Of the spool it tells only in how many rows there is one.
func (r *Rights) Find(ctx context.Context, s privacy.Selection, f func(privacy.FoundText) error) error {
	found, err := spool.TakeOut(r.spool(), true, s.TakeOut)
	if err != nil {
		return err
	}
	if n := found.Taken + found.Waiting; n > 0 {
		if err := f(privacy.FoundText{Table: "spool", Site: s.Site, Lines: int64(n)}); err != nil {
			return err
		}
	}
	return r.store.FindTexts(ctx, s, f)
}

// Held is that of the store, and the rows of the spool, whose times it does not tell.
func (r *Rights) Held(ctx context.Context, s privacy.Selection) (privacy.Held, error) {
	_, held, err := r.choose(ctx, s)
	return held, err
}

// choose looks for what a selection chooses in the store, and counts it together with the rows of
// the spool.
func (r *Rights) choose(ctx context.Context, s privacy.Selection) (store.Choice, privacy.Held, error) {
	found, err := spool.TakeOut(r.spool(), true, s.TakeOut) // first: what is stored meanwhile is counted twice, not missed
	if err != nil {
		return store.Choice{}, privacy.Held{}, err
	}
	chosen, err := r.store.Choose(ctx, s)
	held := chosen.Held
	held.Rows += int64(found.Taken + found.Waiting)
	return chosen, held, err
}

// unread returns what Held and Erase can't look at.
func (r *Rights) unread() (privacy.Unread, error) {
	u := privacy.Unread{Elsewhere: r.server}
	segments, err := spool.List(r.spool())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return u, err
	}
	for _, s := range segments {
		if s.Lost > 0 || s.Err != nil && s.Rows == 0 {
			u.Segments++
		}
	}
	return u, nil
}

// Erase lets running collectors forget visits that may hold what is chosen, and waits until they
// have, and until that of this data directory has stored what is chosen of its spool. Then it
// counts, takes out what it counted, and counts again. It notes each text or network in the journal
// before it takes it out, and the erasure in the audit log, for the actor of ctx.
func (r *Rights) Erase(ctx context.Context, s privacy.Selection) (privacy.Erased, error) {
	d := receipt.Deletion{Kind: receipt.Erasure, By: s.Kind()}
	if s.From.Unix() > 0 {
		d.From = calendar.DayOf(s.From).String()
	}
	if s.To.Before(r.now()) {
		d.To = (calendar.DayOf(s.To.Add(-time.Second)) + 1).String()
	}
	var erased privacy.Erased
	var chosen store.Choice
	count := func(ctx context.Context) (_ int64, err error) {
		if erased.Receipt > 0 {
			erased.Left, err = r.Held(ctx, s)
			return erased.Left.All(), err
		}
		if err := r.forgetVisits(ctx, s); err != nil {
			return 0, err
		}
		if err := r.awaitSpool(ctx, s); err != nil {
			return 0, err
		}
		if chosen, erased.Held, err = r.choose(ctx, s); err != nil {
			return 0, err
		}
		erased.Receipt, err = r.nextReceipt(ctx) // nobody else adds a receipt meanwhile
		return erased.All(), err
	}
	if err := r.store.Note(ctx, r.entry(ctx, audit.Erased, s)); err != nil {
		return privacy.Erased{}, err
	}
	_, _, err := r.receipts.Delete(ctx, d, count, func(ctx context.Context) error {
		if _, err := spool.TakeOut(r.spool(), false, s.TakeOut); err != nil {
			return err
		}
		if s.Kind() == "time" {
			if err := r.noteTimes(ctx, s); err != nil {
				return err
			}
		}
		return r.store.Erase(ctx, chosen, func(all []privacy.Chosen) error { return r.note(s, all) })
	})
	return erased, err
}

// nextReceipt returns the number that the next receipt will have.
func (r *Rights) nextReceipt(ctx context.Context) (uint64, error) {
	last, err := r.store.LastReceipt(ctx)
	if err != nil || last == nil {
		return 1, err
	}
	t, err := last.Read()
	return t.Number + 1, err
}

// NoteLookedUp notes in the audit log by what kind of selection somebody looks something up, for
// the actor of ctx.
func (r *Rights) NoteLookedUp(ctx context.Context, s privacy.Selection) error {
	return r.store.Note(ctx, r.entry(ctx, audit.LookedUp, s))
}

// entry is a line of the audit log on a selection. It holds its kind alone.
func (r *Rights) entry(ctx context.Context, action audit.Action, s privacy.Selection) audit.Entry {
	return audit.Entry{Time: r.now(), Actor: audit.ActorOf(ctx), Action: action, About: s.Kind()}
}

// Complete adds to what a report says of a request what it could not look at, which rows have no
// network, and which sites it may be about.
func (r *Rights) Complete(ctx context.Context, a privacy.Asked) (_ privacy.Asked, err error) {
	if a.Unread, err = r.unread(); err != nil {
		return a, err
	}
	if a.Networks, err = r.store.AgedBefore(ctx, "network", a.Site); err != nil {
		return a, err
	}
	sites, err := r.store.Sites(ctx)
	if err != nil {
		return a, fmt.Errorf("list the sites: %w", err)
	}
	a.Sites = nil
	for _, one := range sites {
		if a.Site == 0 || a.Site == one.ID {
			a.Sites = append(a.Sites, privacy.AskedSite{ID: one.ID, Name: one.Name, Host: hostname.Display(one.Hosts[0]), Own: one.Own()})
		}
	}
	return a, nil
}

// forgetVisits lets collectors forget visits that may hold what is chosen, and waits until those
// that reach the store have, if one may run. Visits of before yesterday are forgotten already.
func (r *Rights) forgetVisits(ctx context.Context, s privacy.Selection) error {
	if s.Days().To < calendar.DayOf(r.now().UTC())-1 {
		return nil
	}
	if err := r.store.ForgetVisits(ctx, s.Site, s.Kind()); err != nil {
		return err
	}
	found, err := spool.TakeOut(r.spool(), true, func(*hit.Batch) (int, error) { return 0, nil })
	if err != nil || !found.Running && !r.server {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.heed):
		return nil
	}
}

// awaitSpool waits until a running collector has stored what is chosen of what it waits to store.
// What it could not store in time stays, and is counted by Held.
func (r *Rights) awaitSpool(ctx context.Context, s privacy.Selection) error {
	ctx, cancel := context.WithTimeoutCause(ctx, spoolWait, errSpool)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := spool.TakeOut(r.spool(), true, s.TakeOut)
		if err != nil || left.Waiting == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errSpool) {
				return nil
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
}

var errSpool = errors.New("the spool is not empty yet")

// note notes what is about to be erased. Texts are taken out on whole days.
func (r *Rights) note(s privacy.Selection, all []privacy.Chosen) error {
	from, to := s.From, s.To
	if s.OfTexts() {
		from, to = s.Days().From.Time(), (s.Days().To + 1).Time()
	}
	if end := (calendar.DayOf(r.now().UTC()) + 2).Time(); to.After(end) { // also where it is tomorrow already
		to = end
	}
	erased := make([]journal.Erased, len(all))
	for i, c := range all {
		erased[i] = journal.Erased{Site: c.Site, Column: c.Column, Value: c.Value, Part: c.Column != "" && !c.Whole, From: from, To: to}
	}
	j, err := journal.Open(r.data, r.now())
	if err != nil {
		return err
	}
	return j.Add(r.now(), erased)
}

// noteTimes notes the times of an erasure by time, for each site.
func (r *Rights) noteTimes(ctx context.Context, s privacy.Selection) error {
	sites, err := r.store.Sites(ctx)
	if err != nil {
		return fmt.Errorf("list the sites: %w", err)
	}
	var all []privacy.Chosen
	for _, one := range sites {
		if s.Site == 0 || s.Site == one.ID {
			all = append(all, privacy.Chosen{Site: one.ID})
		}
	}
	return r.note(s, all)
}

// Rules returns the path rules of all sites, for a selection by marks.
func (r *Rights) Rules(ctx context.Context) (map[uint32]privacy.PathRules, error) {
	sites, err := r.store.Sites(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the sites: %w", err)
	}
	all := map[uint32]privacy.PathRules{}
	for _, one := range sites {
		if all[one.ID], err = privacy.ParsePathRules(one.PathRules); err != nil {
			return nil, fmt.Errorf("site %d: %w", one.ID, err)
		}
	}
	return all, nil
}
