package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store/schema"
)

// Codes of ClickHouse's exceptions.
const (
	accessDenied = 497
	readOnly     = 774
)

// code returns the code of ClickHouse's exception in an error, 0 if there is none.
func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}

// prepareSchema looks at the schema, and brings it up to date if the store may. A schema
// that is up to date takes no right but to read.
func (s *Store) prepareSchema(ctx context.Context) error {
	found := s.schema.Check(ctx)
	if !s.cfg.Create || found != nil && !errors.Is(found, ErrNoStore) && !errors.Is(found, ErrOlder) {
		return found
	}
	if found == nil {
		pending, err := s.schema.Pending(ctx)
		if err != nil {
			return err
		}
		held, err := s.schema.Held(ctx)
		if err != nil || len(pending) == 0 && !held {
			return err
		}
	}
	err := s.createDatabase(ctx)
	if err == nil {
		var waiting bool
		if waiting, err = s.schema.Migrate(ctx); err == nil {
			s.backfill.set(waiting)
			return nil
		}
	}
	if code(err) == accessDenied && found == nil {
		return nil // somebody with more rights has done it
	}
	return err
}

// Pending returns the migrations that the store has not had, or not to the end. It needs
// no prepared store and changes nothing.
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

// backfill is what Insert and Backfill know of migrations that wait.
type backfill struct {
	mu       sync.Mutex // held while views are made
	waiting  bool       // for an insert that follows another
	first    string     // token of Insert
	attached chan struct{}
}

func (b *backfill) set(waiting bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = waiting
	b.wake()
}

// wake has Backfill look whether there is something to do.
func (b *backfill) wake() {
	select {
	case b.attached <- struct{}{}:
	default:
	}
}

// attachBackfill makes the views of a backfill before the insert of the second token:
// whoever sends that is done with the first, the only one that may have been in doubt
// since the program died. What fails is tried again with the next insert.
func (s *Store) attachBackfill(ctx context.Context, token string) {
	b := &s.backfill
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first == "" {
		b.first = token
	}
	if !b.waiting || b.first == token {
		return
	}
	if err := s.schema.Attach(ctx); err != nil {
		s.log.Warn("a migration waits", "err", err)
		return
	}
	b.waiting = false
	b.wake()
}

// awaitHold waits for who holds inserts while the schema changes, ends a hold that a dead
// process has left, and reports whether inserts pass again.
func (s *Store) awaitHold(ctx context.Context) bool {
	if _, err := s.schema.Migrate(ctx); err != nil {
		s.log.Warn("inserts are held", "err", err)
		return false
	}
	return true
}

// backfillRetry is how long Backfill waits after an error.
const backfillRetry = time.Minute

// Backfill counts what was stored before a rollup was there, a day at a time, until ctx
// ends. Several processes may do so at once.
func (s *Store) Backfill(ctx context.Context) {
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.backfill.attached:
		case <-retry.C:
		}
		if err := s.schema.Fill(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("a backfill failed", "err", err, "retry_in", backfillRetry)
			retry.Reset(backfillRetry)
		}
	}
}

// Backfilling returns how many days Backfill has left.
func (s *Store) Backfilling() int { return s.schema.Filling() }

// expiryMargin is how far the expiry of a server's table lies behind the policy: it is
// the net below the worker, and a clock that is wrong for a while must not cut it.
const expiryMargin = 30 // days

// Expire makes a ClickHouse server drop raw rows by itself when it merges, should no
// worker run for thirty days. The embedded engine gets no expiry: it lives with the
// worker, and would drop rows by a wrong clock that the worker does not trust.
//
// It counts as privacy.Period.Cutoff does: a row lives to the end of the day that lies
// the period after its own.
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
	for _, r := range mortal() {
		tables[r.Name] = "day"
	}
	for table, day := range tables {
		// Years as months: 29 February and a year and a month is not 13 months later.
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
		// Existing parts are left to the worker and to ordinary merges.
		if err := s.conn.Exec(ctx, "ALTER TABLE "+table+" MODIFY TTL "+ttl+" SETTINGS materialize_ttl_after_modify = 0"); err != nil {
			return fmt.Errorf("set expiry of %s to %s: %w", table, p, err)
		}
	}
	return nil
}
