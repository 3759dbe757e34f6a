package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// maxVersions bounds the versions of the policy that are read.
const maxVersions = 1000

// Policies returns the versions of the policy, at most the last 1000. If there is none, the
// error wraps privacy.ErrNoPolicy.
func (s *Store) Policies(ctx context.Context) (privacy.History, error) {
	rows, err := s.conn.Query(ctx, "SELECT number, value, since, via, who FROM policy ORDER BY number DESC LIMIT "+strconv.Itoa(maxVersions))
	if code(err) == unknownTable && s.Version() == "" { // of an older version, which is backed up as it is
		err = privacy.ErrNoPolicy
	}
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	defer rows.Close()
	var all privacy.History
	for rows.Next() {
		var v privacy.Version
		var value string
		if err := rows.Scan(&v.Number, &value, &v.Since, &v.Via, &v.Who); err != nil {
			return nil, fmt.Errorf("read the policy: %w", err)
		}
		if err := json.Unmarshal([]byte(value), &v.Policy); err != nil {
			return nil, fmt.Errorf("version %d of the policy: %w", v.Number, err)
		}
		v.Since = v.Since.UTC()
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("read the policy: %w", privacy.ErrNoPolicy)
	}
	slices.Reverse(all)
	return all, nil
}

// Policy returns the policy in force. If there is none, the error wraps privacy.ErrNoPolicy.
func (s *Store) Policy(ctx context.Context) (privacy.Policy, error) {
	all, err := s.Policies(ctx)
	if err != nil {
		return privacy.Policy{}, err
	}
	return all.Current().Policy, nil
}

// StartPolicy sets the policy unless there is one, and returns all versions.
func (s *Store) StartPolicy(ctx context.Context, first privacy.Policy) (privacy.History, error) {
	all, err := s.Policies(ctx)
	if !errors.Is(err, privacy.ErrNoPolicy) {
		return all, err
	}
	err = s.edit(ctx, func(ctx context.Context) error {
		if _, err := s.Policies(ctx); !errors.Is(err, privacy.ErrNoPolicy) {
			return err
		}
		return s.addPolicy(ctx, 1, first)
	})
	if err != nil {
		return nil, err
	}
	return s.Policies(ctx)
}

// ChangePolicy replaces the policy, which must be version before, for the actor of ctx. With
// before 0 there must be none. If somebody else has changed it meanwhile, the error wraps
// privacy.ErrPolicyChanged. After an error, also of an invalid policy, nothing has changed.
func (s *Store) ChangePolicy(ctx context.Context, before uint64, after privacy.Policy) error {
	if err := after.Validate(); err != nil {
		return err
	}
	return s.edit(ctx, func(ctx context.Context) error {
		all, err := s.Policies(ctx)
		if err != nil && !errors.Is(err, privacy.ErrNoPolicy) {
			return err
		}
		var last uint64
		if len(all) > 0 {
			last = all.Current().Number
		}
		if last != before {
			return fmt.Errorf("%w: it is version %d, not %d", privacy.ErrPolicyChanged, last, before)
		}
		return s.addPolicy(ctx, before+1, after)
	})
}

func (s *Store) addPolicy(ctx context.Context, number uint64, p privacy.Policy) error {
	if err := s.note(ctx, audit.PolicyChanged, p.String()); err != nil {
		return err
	}
	actor := audit.ActorOf(ctx)
	return s.insertPolicy(ctx, privacy.Version{Number: number, Policy: p, Via: string(actor.Via), Who: actor.Name})
}

// insertPolicy adds a version. Without its own time it is in force from now on.
func (s *Store) insertPolicy(ctx context.Context, v privacy.Version) error {
	text, err := json.Marshal(v.Policy)
	if err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	query := "INSERT INTO policy SELECT {number:UInt64}, {value:String}, if({since:Int64} = 0, now64(6), fromUnixTimestamp64Micro({since:Int64}, 'UTC')), {via:String}, {who:String}"
	params := clickhouse.Parameters{"number": strconv.FormatUint(v.Number, 10), "value": string(text), "since": "0", "via": v.Via, "who": v.Who}
	if !v.Since.IsZero() {
		params["since"] = strconv.FormatInt(v.Since.UnixMicro(), 10)
	}
	if err := s.conn.Exec(bind(ctx, params), query); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	return nil
}

// AdoptPolicies adds the versions of a history that come after those of the store, as they
// are, and returns how many.
func (s *Store) AdoptPolicies(ctx context.Context, h privacy.History) (n int, err error) {
	err = s.edit(ctx, func(ctx context.Context) error {
		all, err := s.Policies(ctx)
		if err != nil && !errors.Is(err, privacy.ErrNoPolicy) {
			return err
		}
		for _, v := range h {
			if len(all) > 0 && v.Number <= all.Current().Number {
				continue
			}
			if err := s.insertPolicy(ctx, v); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// NoteProcess stores that a process runs.
func (s *Store) NoteProcess(ctx context.Context, p privacy.Process) error {
	told, err := json.Marshal(p.Told)
	if err != nil {
		return fmt.Errorf("note process: %w", err)
	}
	params := clickhouse.Parameters{"name": p.Name, "told": string(told)}
	if err := s.conn.Exec(bind(ctx, params), "INSERT INTO processes SELECT {name:String}, {told:String}, now()"); err != nil {
		return fmt.Errorf("note process: %w", err)
	}
	return nil
}

// PreviewPolicy returns what a change to another policy would do now.
func (s *Store) PreviewPolicy(ctx context.Context, after privacy.Policy, now time.Time) (privacy.Preview, error) {
	var p privacy.Preview
	cutoff := after.Retention.Cutoff(now)
	var err error
	if p.Contradicting, err = s.contradicting(ctx, after); err != nil { // known also if there is no time to count
		return p, err
	}
	if p.Rows, err = s.Before(ctx, cutoff); err != nil {
		return p, err
	}
	if p.Titles, err = s.TitlesUnder(after).Before(ctx, cutoff); err != nil {
		return p, err
	}
	if after.Totals != (privacy.Period{}) {
		if p.Totals, err = s.Totals().Before(ctx, after.Totals.Cutoff(now)); err != nil {
			return p, err
		}
	}
	for _, stage := range after.Ageing.Stages() {
		held, err := s.Aging(stage.Name).Before(ctx, stage.After.Cutoff(now))
		if err != nil {
			return p, err
		}
		if rows := held.Rows - p.Rows.Rows; rows > 0 { // of those that stay
			p.Aged = append(p.Aged, privacy.Aged{Stage: stage, Rows: rows})
		}
	}
	before, err := s.Policy(ctx)
	if err != nil && !errors.Is(err, privacy.ErrNoPolicy) {
		return p, err
	}
	// To look for lines takes long, and without such a change the next pass folds what it would anyway.
	if before.FoldBelow != after.FoldBelow || before.Retention != after.Retention {
		if p.Few, err = s.Few(after.FoldBelow).Lines(ctx, cutoff); err != nil {
			return p, err
		}
	}
	return p, nil
}

// PreviewSite returns what a change of a site would have the next deletion pass do with its rows,
// titles and lines of totals.
func (s *Store) PreviewSite(ctx context.Context, after site.Site, now time.Time) (privacy.Preview, error) {
	var p privacy.Preview
	policy, err := s.Policy(ctx)
	if errors.Is(err, privacy.ErrNoPolicy) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	cutoff, of := policy.Of(after.Own()).Retention.Cutoff(now), []uint32{after.ID}
	if p.Rows, err = s.RowsOf(of).Before(ctx, cutoff); err != nil {
		return p, err
	}
	if p.Titles, err = s.TitlesOf(of).Before(ctx, cutoff); err != nil {
		return p, err
	}
	p.Few, err = s.FewOf(of, policy.FoldBelow).Lines(ctx, cutoff)
	return p, err
}

// contradicting returns the processes of the last month whose settings contradict a policy,
// in the order of their names.
func (s *Store) contradicting(ctx context.Context, p privacy.Policy) ([]privacy.Process, error) {
	rows, err := s.conn.Query(ctx, "SELECT name, told, seen FROM processes FINAL WHERE seen > now() - INTERVAL 30 DAY ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer rows.Close()
	var all []privacy.Process
	for rows.Next() {
		var one privacy.Process
		var told string
		if err := rows.Scan(&one.Name, &told, &one.Seen); err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		if err := json.Unmarshal([]byte(told), &one.Told); err != nil {
			return nil, fmt.Errorf("list processes: %w", err)
		}
		for name, text := range one.Told {
			if key, ok := privacy.FindKey(name); !ok || key.Text(p) != text {
				all = append(all, one)
				break
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return all, nil
}
