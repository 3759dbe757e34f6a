package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
)

// noteEvery is how often a process notes in the store that it runs.
const noteEvery = time.Hour

// policyNotes are what this process has written of the policy. The start uses them, and then
// watchPolicy alone.
type policyNotes struct {
	copied, expiring privacy.Version // the version that is in the copy, and in the tables
	noted            time.Time       // when this process was last noted in the store
}

// policyFile returns the path of the copy of the policy.
func (p *program) policyFile() string { return policyFile(p.Data) }

func policyFile(data string) string { return filepath.Join(data, "policy.json") }

// policyNow returns the policy in force. Before the store has told it, that is the policy of
// the settings, under which nothing is collected.
func (p *program) policyNow() privacy.Policy {
	if known := p.policies.Load(); known != nil {
		return known.Current().Policy
	}
	return p.Policy
}

// wholeSince returns the first day of which all hits of all sites are kept as rows, with all that
// rollups count.
func (p *program) wholeSince() calendar.Day {
	planner := p.planner()
	since := planner.RowsSince
	for _, own := range planner.OfSites {
		since = max(since, own.Rows)
	}
	for _, day := range planner.AgedSince {
		since = max(since, day)
	}
	return since
}

// planner returns what plans the statements of one page.
func (p *program) planner() report.Planner {
	h, now := p.history(), p.Now()
	planner := report.Planner{
		RowsSince: h.RowsSince(now), TotalsSince: h.TotalsSince(now), FoldedSince: h.FoldedSince(now), AgedSince: h.AgedSince(now),
		OfSites: map[uint32]report.Since{},
	}
	if terms := p.terms.Load(); terms != nil {
		for id, of := range *terms {
			since := report.Since{Rows: of.RowsSince(now)}
			if h.Folds() {
				since.Folded = of.FoldedSince(now)
			}
			planner.OfSites[id] = since
		}
	}
	return planner
}

// history returns the versions of the policy that policyNow goes by.
func (p *program) history() privacy.History {
	if known := p.policies.Load(); known != nil {
		return *known
	}
	return privacy.History{{Policy: p.Policy}}
}

// startPolicy reads the policy, from the store or else, for a collector, from the copy. A
// collector sets it by its settings if the store has none. It returns an error if settings
// contradict the policy, and if a collector can't know it.
func (p *program) startPolicy(ctx context.Context) error {
	p.policyKnown = make(chan struct{})
	var copied privacy.History
	var copyErr error
	if p.Collector {
		copied, copyErr = CopiedPolicy(p.Data)
	}
	var err error
	if p.storePrepared() || copied == nil {
		wait := storeWait
		if copied != nil { // use what is left of the time for opening the store
			wait = max(time.Until(p.began.Add(startWait)), readWait)
		}
		err = p.readPolicy(ctx, wait)
	}
	switch {
	case p.policies.Load() != nil:
		return p.policyNow().Contradicts(p.Options.Policy, p.PolicyTold)
	case errors.Is(err, privacy.ErrUnknownPolicy):
		return err
	case !p.Collector:
		return nil // it waits for the store, or for a collector
	case copied == nil:
		return errors.Join(err, copyErr)
	}
	if err := copied.Current().Policy.Contradicts(p.Options.Policy, p.PolicyTold); err != nil {
		return err
	}
	if err == nil {
		err = errors.New("the store is not there yet")
	}
	p.component("policy").Warn("the policy could not be read, the last known one is in force until the store has come", "version", copied.Current().Number, "err", err)
	p.policies.Store(&copied)
	close(p.policyKnown)
	return nil
}

// afterPolicy returns a function that waits until the policy is known, and then calls f.
func (p *program) afterPolicy(f func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-p.policyKnown:
			f(ctx)
		}
	}
}

// watchPolicy reads the policy again and again until ctx ends, and runs under it.
func (p *program) watchPolicy(ctx context.Context) {
	checked := p.policies.Load() != nil // a start that is over is not ended by a later change
	periodic.Task{
		Every: p.paces.sites,
		Do: func(ctx context.Context) error {
			err := p.readPolicy(ctx, storeWait)
			if p.policies.Load() != nil && !checked {
				if err := p.policyNow().Contradicts(p.Options.Policy, p.PolicyTold); err != nil {
					p.fail(err)
				}
				checked = true
			}
			if p.Collector && errors.Is(err, privacy.ErrUnknownPolicy) {
				p.fail(err)
			}
			if errors.Is(err, privacy.ErrNoPolicy) {
				return nil // a collector will set it
			}
			return err
		},
		Trouble: &periodic.Trouble{Logger: p.component("policy"), Failed: "the policy could not be read, or not be written to tables and copy; the last known one is in force", Over: "the policy is read from the store again"},
	}.Run(ctx)
}

// readPolicy reads the policy from the store, sets it if there is none and this process
// collects, and runs under it from now on.
func (p *program) readPolicy(ctx context.Context, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	read := p.store.Policies
	if p.Collector {
		read = func(ctx context.Context) (privacy.History, error) { return p.store.StartPolicy(ctx, p.policyNow()) }
	}
	now, err := read(ctx)
	if err != nil {
		return err
	}
	terms, err := p.store.Terms(ctx)
	if err != nil {
		return err
	}
	p.terms.Store(&terms)
	before := p.policies.Swap(&now)
	switch {
	case before == nil:
		close(p.policyKnown)
	case before.Current() != now.Current():
		p.component("policy").Info("the policy has changed", "version", now.Current().Number, "by", now.Current().Who)
		if err := now.Current().Policy.Contradicts(p.Options.Policy, p.PolicyTold); err != nil {
			p.component("policy").Warn("this process would not start again", "err", err)
		}
	}
	if p.setPolicy != nil {
		p.setPolicy(now.Current().Policy)
	}
	return errors.Join(p.copyPolicy(now), p.expireBy(ctx, now.Current()), p.noteProcess(ctx))
}

// expireBy sets the TTL of the tables, which is the work of the retention worker.
func (p *program) expireBy(ctx context.Context, v privacy.Version) error {
	if !p.Retention || p.policyNotes.expiring == v {
		return nil
	}
	if err := p.store.Expire(ctx, v.Policy.Retention); err != nil {
		return err
	}
	p.policyNotes.expiring = v
	return nil
}

// noteProcess notes once an hour in the store that this process runs, and by which settings
// it was started.
func (p *program) noteProcess(ctx context.Context) error {
	if !p.policyNotes.noted.IsZero() && time.Since(p.policyNotes.noted) < noteEvery {
		return nil
	}
	told := map[string]string{}
	for _, k := range privacy.Keys {
		if _, ok := p.PolicyTold[k.Name]; ok {
			told[k.Name] = k.Text(p.Options.Policy)
		}
	}
	if err := p.store.NoteProcess(ctx, privacy.Process{Name: p.processName(), Told: told}); err != nil {
		return err
	}
	p.policyNotes.noted = time.Now()
	return nil
}

// processName returns what a process is called among those of a store: it is the same after
// a restart.
func (p *program) processName() string {
	host, _ := os.Hostname() // for people; may be ""
	var parts []string
	for name, runs := range map[string]bool{"collector": p.Collector, "dashboard": p.Dashboard, "retention": p.Options.Retention} {
		if runs {
			parts = append(parts, name)
		}
	}
	slices.Sort(parts)
	dir, err := filepath.Abs(p.Data)
	if err != nil {
		dir = p.Data
	}
	return fmt.Sprintf("%s on %s with %s", strings.Join(parts, ", "), host, dir)
}

// CopiedPolicy reads the copy of the policy that a collector keeps in its data directory.
func CopiedPolicy(dir string) (privacy.History, error) {
	file := policyFile(dir)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("copy of the policy: %w", err)
	}
	var h privacy.History
	if err := json.Unmarshal(data, &h); err != nil {
		return nil, fmt.Errorf("copy of the policy %q: %w", file, err)
	}
	if len(h) == 0 {
		return nil, fmt.Errorf("copy of the policy %q: it is empty", file)
	}
	return h, nil
}

// copyPolicy writes the copy of the policy of a collector if the policy has changed.
func (p *program) copyPolicy(h privacy.History) error {
	if !p.Collector || p.policyNotes.copied == h.Current() {
		return nil
	}
	if err := CopyPolicy(p.Data, h); err != nil {
		return err
	}
	p.policyNotes.copied = h.Current()
	return nil
}

// CopyPolicy writes the copy of the policy that CopiedPolicy reads, into a data directory.
func CopyPolicy(dir string, h privacy.History) error {
	data, err := json.MarshalIndent(h, "", "\t")
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	next := policyFile(dir) + ".new"
	if err == nil {
		err = os.WriteFile(next, data, 0o600)
	}
	if err == nil {
		err = os.Rename(next, policyFile(dir))
	}
	if err != nil {
		return fmt.Errorf("copy the policy: %w", err)
	}
	return nil
}
