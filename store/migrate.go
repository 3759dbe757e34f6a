package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store/schema"
)

// Codes of ClickHouse's exceptions.
const (
	unknownTable    = 60
	unknownDatabase = 81
	accessDenied    = 497
	readOnly        = 774
)

// code returns the code of ClickHouse's exception in an error, 0 if there is none.
func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}

// prepareSchema checks the schema, and with Config.Create brings it up to date. If it is up
// to date already, the right to read suffices. An engine that has started with a hold that a dead
// process has left can delete nothing: whoever starts it ends the hold.
func (s *Store) prepareSchema(ctx context.Context) error {
	found := s.schema.Check(ctx)
	if found != nil && !errors.Is(found, ErrNoStore) && !errors.Is(found, ErrOlder) {
		return found
	}
	half, err := s.checkFinished(ctx, found)
	if err != nil {
		return err
	}
	if found != nil && !s.cfg.Create {
		return found
	}
	if !s.cfg.Create && s.Engine() == nil {
		return nil
	}
	var held []string
	if found == nil || errors.Is(found, ErrOlder) {
		pending, err := s.schema.Pending(ctx)
		if err == nil {
			held, err = s.schema.HeldTables(ctx)
		}
		if err != nil || len(held) == 0 && (len(pending) == 0 || !s.cfg.Create) {
			return err
		}
	}
	err = s.createDatabase(ctx)
	if err == nil && s.cfg.Unfinished && !half && found != nil {
		err = s.beginCopy(ctx)
	}
	if err == nil {
		if err = s.schema.Migrate(ctx); err == nil {
			s.wakeBackfill()
			if found != nil { // a copy may have begun meanwhile
				if _, err := s.checkFinished(ctx, nil); err != nil {
					return err
				}
			}
			if s.Engine() != nil { // it has started with what was held
				err = s.schema.Reattach(ctx, held)
			}
			return err
		}
	}
	if code(err) == accessDenied && found == nil {
		return nil // a user with more rights has done it
	}
	return err
}

// Pending returns the migrations that are not applied, or not completely. It works on a
// store that is not prepared, and changes nothing.
func (s *Store) Pending(ctx context.Context) ([]schema.Step, error) {
	if s.way != nil {
		if err := s.way.Open(ctx); errors.Is(err, ErrNoStore) {
			return s.schema.All(), nil
		} else if err != nil {
			return nil, err
		}
	}
	return s.schema.Pending(ctx)
}

// wakeBackfill lets Backfill look for work.
func (s *Store) wakeBackfill() {
	select {
	case s.attached <- struct{}{}:
	default:
	}
}

// awaitHold waits while another process holds inserts to change the schema. It ends a hold
// that a dead process has left, and reports whether inserts pass again.
func (s *Store) awaitHold(ctx context.Context) bool {
	if err := s.schema.Migrate(ctx); err != nil {
		s.log.Warn("inserts are held", "err", err)
		return false
	}
	return true
}

// backfillRetry is how long Backfill waits after an error.
const backfillRetry = time.Minute

// Backfill adds the rows from before a new rollup to it, a day at a time, until ctx ends.
// Several processes may run it at once. It waits while rows are past their time.
func (s *Store) Backfill(ctx context.Context) {
	periodic.Task{
		Do: func(ctx context.Context) error { return s.schema.Fill(ctx, s.due) }, Wake: s.attached,
		Next: func(err error) time.Duration {
			if err != nil {
				return backfillRetry
			}
			return math.MaxInt64 // until the next migration
		},
		Trouble: &periodic.Trouble{Logger: s.log, Failed: "a backfill failed", Over: "the backfill goes on"},
	}.Run(ctx)
}

// Gaps returns what rollups have not counted. Of a site that had a retention of its own when a rollup
// was added, the rows of earlier days were gone.
func (s *Store) Gaps(ctx context.Context) ([]report.Gap, error) {
	if known := s.gaps.Load(); known != nil {
		return *known, nil
	}
	found, last, err := s.schema.Gaps(ctx)
	if err != nil {
		return nil, err
	}
	var terms map[uint32]privacy.Terms
	if len(found) > 0 {
		if terms, err = s.Terms(ctx); err != nil {
			return nil, err
		}
	}
	gaps := gapsOfSites(found, terms)
	if last {
		s.gaps.Store(&gaps)
	}
	return gaps, nil
}

// gapsOfSites returns the gaps of rollups, with what of sites was gone by their own terms when the rows
// were counted.
func gapsOfSites(found []schema.Gap, terms map[uint32]privacy.Terms) (gaps []report.Gap) {
	for _, g := range found {
		for id, of := range terms {
			then := slices.DeleteFunc(slices.Clone(of), func(t privacy.Term) bool { return t.Since.After(g.Attached) })
			if since := then.RowsSince(g.Attached); since > g.Before {
				if g.OfSites == nil {
					g.OfSites = map[uint32]calendar.Day{}
				}
				g.OfSites[id] = since
			}
		}
		if g.Before > 0 || g.OfSites != nil {
			gaps = append(gaps, g.Gap)
		}
	}
	return gaps
}

// due returns the SQL condition of rows that are past their time, by the policy and by what sites have
// for themselves.
func (s *Store) due(ctx context.Context) (string, error) {
	policy, err := s.Policy(ctx)
	if errors.Is(err, privacy.ErrNoPolicy) {
		return "0", nil
	}
	if err != nil {
		return "", err
	}
	shorter, err := s.Shorter(ctx, policy)
	if err != nil {
		return "", err
	}
	now := time.Now
	if s.cfg.Now != nil {
		now = s.cfg.Now
	}
	before := func(p privacy.Period) string {
		return "day < toDate('" + calendar.DayOf(p.Cutoff(now())).String() + "')"
	}
	where := before(policy.Retention)
	for _, one := range shorter {
		where += " OR " + ofSites(one.Sites) + before(one.Keep)
	}
	return where, nil
}

// Fill carries out the backfills that are left and returns when they have ended. It is for a store that
// nobody else uses, and in which nothing is past its time.
func (s *Store) Fill(ctx context.Context) error { return s.schema.Fill(ctx, nil) }

// Backfilling returns the number of days that Backfill has left.
func (s *Store) Backfilling() int { return s.schema.Filling() }

// expiryMargin is how many days after the policy's retention a server's table drops rows
// itself. This is the fallback if the worker does not run, and a clock that is wrong for a
// while must not trigger it.
const expiryMargin = 30

// Expire makes a ClickHouse server drop raw rows by itself when it merges, in case no
// worker runs for expiryMargin days. It does nothing for the embedded engine: the worker
// runs in the same process, and the engine would drop rows by a wrong clock that the worker
// does not trust.
//
// As by privacy.Period.Cutoff, a row lives to the end of the day that is the period after
// its own day.
func (s *Store) Expire(ctx context.Context, p privacy.Period) error {
	var embedded uint64
	if err := s.conn.QueryRow(ctx, "SELECT count() FROM system.functions WHERE name = 'chdb'").Scan(&embedded); err != nil {
		return fmt.Errorf("ask whether the engine is embedded: %w", err)
	}
	if embedded > 0 {
		return nil
	}
	return s.expire(ctx, p)
}

func (s *Store) expire(ctx context.Context, p privacy.Period) error {
	tables := map[string]string{"hits": "toStartOfDay(time)"}
	for _, r := range expiring() {
		tables[r.Name] = "day"
	}
	for table, day := range tables {
		// Years count as months: 29 February plus a year plus a month is another day than
		// 29 February plus 13 months.
		ttl := fmt.Sprintf("%s + INTERVAL %d MONTH + INTERVAL %d DAY", day, 12*p.Years+p.Months, p.Days+1+expiryMargin)
		var current string
		if err := s.conn.QueryRow(bind(ctx, clickhouse.Parameters{"table": table}),
			"SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {table:String}").Scan(&current); err != nil {
			return fmt.Errorf("read expiry of %s: %w", table, err)
		}
		normal := strings.NewReplacer(" ", "", "INTERVAL", "", "toInterval", "", "(", "", ")", "").Replace
		if strings.Contains(normal(current), normal("TTL "+ttl)) {
			continue
		}
		// Do not rewrite existing parts: the worker and ordinary merges take care of them.
		if err := s.conn.Exec(ctx, "ALTER TABLE "+table+" MODIFY TTL "+ttl+" SETTINGS materialize_ttl_after_modify = 0"); err != nil {
			return fmt.Errorf("set expiry of %s to %s: %w", table, p, err)
		}
	}
	return nil
}
