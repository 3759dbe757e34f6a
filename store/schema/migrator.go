package schema

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/fotspor/fotspor/calendar"
)

// Errors of Check.
var (
	// ErrNone means that there is no store.
	ErrNone = errors.New("there is no store")
	// ErrOlder means that the store lacks migrations that this program has.
	ErrOlder = errors.New("the store is of an older version")
	// ErrNewer means that the store has had migrations that this program does not know.
	ErrNewer = errors.New("the store is of a newer version than this program")
	// ErrForeign means that the store was made by other migrations than this program's.
	ErrForeign = errors.New("the store was not made by a release of this program")
)

// Conn is what a migrator needs of a connection to ClickHouse.
type Conn interface {
	Exec(ctx context.Context, query string, args ...any) error
	Query(ctx context.Context, query string, args ...any) (driver.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) driver.Row
}

// Migrator carries out migrations on a database. Its methods may be called by several
// goroutines and processes at once.
type Migrator struct {
	Conn       Conn
	Database   string
	Place      string      // of the store, for people
	Migrations []Migration // in order; nil: All
	Program    string      // the version of this program, which is recorded
	Log        *slog.Logger

	left atomic.Int64
}

// Codes of ClickHouse's exceptions.
const (
	unknownIdentifier = 47
	tableExists       = 57
	unknownTable      = 60
	unknownDatabase   = 81
)

// code returns the code of ClickHouse's exception in an error, 0 if there is none.
func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}

// State is how far a migration has come.
type State int

// The states, in order. A migration without views ends Applied, one of kind View ends
// Attached, a Backfill ends Filled.
const (
	Missing  State = iota
	Begun          // some of its tables may exist
	Applied        // its tables exist: reports can be made
	Attached       // its views exist: rows stored from now on are counted
	Filled         // rows stored before are counted too
)

// states are the names of the states in table migrations.
var states = []string{"", "begun", "applied", "attached", "filled"}

// String returns in words what is left to do in a state.
func (s State) String() string {
	switch s {
	case Missing, Begun:
		return "to be applied"
	case Applied:
		return "its views are to be made"
	case Attached:
		return "what was stored before is counted while fotspor serve or collector runs"
	}
	return "done"
}

// end returns the last state of a migration.
func (m Migration) end() State {
	switch m.Kind() {
	case Backfill:
		return Filled
	case View:
		return Attached
	}
	return Applied
}

// record is the record of a migration in table migrations.
type record struct {
	name, checksum string
	state          State
	attached       time.Time    // zero: not yet
	recent         bool         // it was attached within replayDays
	counted        calendar.Day // see table migrations
}

// bookkeeping are the statements that make the tables for records of migrations.
var bookkeeping = []string{`
CREATE TABLE IF NOT EXISTS migrations
(
    number   UInt32,
    name     String,
    kind     LowCardinality(String) COMMENT 'ddl, view or backfill',
    checksum String                 COMMENT 'SHA-256 of its statements, in hex',
    program  String                 COMMENT 'version of the program that did it',
    state    Enum8('begun' = 1, 'applied' = 2, 'attached' = 3, 'filled' = 4) COMMENT 'what was reached',
    at       DateTime64(6, 'UTC'),
    counted  Date COMMENT 'of a backfill that is filled: the first day that is counted in full'
)
ENGINE = MergeTree
ORDER BY (number, state)`, `
CREATE TABLE IF NOT EXISTS filled
(
    number UInt32 COMMENT 'of the migration',
    day    Date   COMMENT 'whose rows are counted'
)
ENGINE = MergeTree
ORDER BY (number, day)`}

// list returns the migrations of this program.
func (m *Migrator) list() []Migration {
	if m.Migrations != nil {
		return m.Migrations
	}
	return All()
}

// records returns the records of the store's migrations by number.
func (m *Migrator) records(ctx context.Context) (map[int]record, error) {
	rows, err := m.Conn.Query(ctx, fmt.Sprintf(`SELECT number, argMax(name, at), argMax(checksum, at), toInt8(max(state)),
		maxIf(at, state = 'attached'), max(state = 'attached' AND at > now() - INTERVAL %d DAY), toUInt16(max(counted)) FROM migrations GROUP BY number`, replayDays))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	had := map[int]record{}
	for rows.Next() {
		var number uint32
		var r record
		var state int8
		var recent uint8
		var counted uint16
		if err := rows.Scan(&number, &r.name, &r.checksum, &state, &r.attached, &recent, &counted); err != nil {
			return nil, err
		}
		r.state, r.recent, r.counted = State(state), recent == 1, calendar.Day(counted)
		had[int(number)] = r
	}
	return had, rows.Err()
}

// Check returns nil if reports can be made from the store by this program. It only reads.
func (m *Migrator) Check(ctx context.Context) error {
	had, err := m.look(ctx)
	if err != nil {
		return err
	}
	for _, migration := range m.list() {
		if had[migration.Number].state < Applied {
			return fmt.Errorf("%w than this program: %q has not had migration %s: run fotspor migrate, or restart fotspor serve or collector", ErrOlder, m.Place, migration.Name)
		}
	}
	return nil
}

// Version returns the number of the store's last migration. It returns the errors of Check but
// ErrOlder.
func (m *Migrator) Version(ctx context.Context) (int, error) {
	had, err := m.look(ctx)
	if err != nil {
		return 0, err
	}
	return slices.Max(append(sorted(had), 0)), nil
}

// look returns the records of the store's migrations. It returns an error if there is no
// store, or if it has had a migration that is not this program's.
func (m *Migrator) look(ctx context.Context) (map[int]record, error) {
	had, err := m.records(ctx)
	switch code(err) {
	case unknownDatabase:
		if !strings.Contains(err.Error(), "Database "+m.Database+" ") && !strings.Contains(err.Error(), "Database `"+m.Database+"` ") {
			break // ClickHouse itself needs the database
		}
		return nil, fmt.Errorf("%w in %q: no database %q", ErrNone, m.Place, m.Database)
	case unknownTable:
		var hits uint64
		if err := m.Conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'hits'").Scan(&hits); err != nil {
			return nil, fmt.Errorf("look for the tables in %q: %w", m.Place, err)
		}
		if hits == 0 {
			return nil, fmt.Errorf("%w in %q: no tables in database %q", ErrNone, m.Place, m.Database)
		}
		return nil, m.foreign("it has tables but no record of migrations")
	case unknownIdentifier:
		return nil, m.foreign("its migrations have no numbers")
	}
	if err != nil {
		return nil, fmt.Errorf("read the version of the store in %q: %w", m.Place, err)
	}
	for _, number := range sorted(had) {
		record := had[number]
		if number < 1 || number > len(m.list()) {
			return nil, fmt.Errorf("%w: %q has had migration %s: run the version that made it, or a newer one", ErrNewer, m.Place, record.name)
		}
		if ours := m.list()[number-1]; ours.Name != record.name || ours.Checksum != record.checksum {
			return nil, m.foreign(fmt.Sprintf("its migration %s is not the %s of this program", record.name, ours.Name))
		}
	}
	return had, nil
}

func (m *Migrator) foreign(why string) error {
	return fmt.Errorf("%w: in %q, %s: begin with a new store in another directory or database, or run the program that made this one", ErrForeign, m.Place, why)
}

func sorted(had map[int]record) []int {
	var numbers []int
	for number := range had {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers
}

// Step is a migration that is not done.
type Step struct {
	Migration
	State State
}

// Pending returns the migrations that are not applied, or not completely, in order. If there
// is no store, these are all. It only reads.
func (m *Migrator) Pending(ctx context.Context) ([]Step, error) {
	had, err := m.look(ctx)
	if err != nil && !errors.Is(err, ErrNone) {
		return nil, err
	}
	return m.pending(had), nil
}

// All returns the steps that a new store needs.
func (m *Migrator) All() []Step { return m.pending(nil) }

func (m *Migrator) pending(had map[int]record) []Step {
	var steps []Step
	for _, migration := range m.list() {
		if state := had[migration.Number].state; state < migration.end() {
			steps = append(steps, Step{migration, state})
		}
	}
	return steps
}

// Migrate carries out pending migrations. Fill then counts the rows that exist already. From
// the first step on, older programs refuse the store.
func (m *Migrator) Migrate(ctx context.Context) error {
	if had, err := m.look(ctx); err == nil { // before it waits for another process, which may be dead
		if err := m.countLeft(ctx, had); err != nil {
			return err
		}
	}
	ctx, unlock, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	had, err := m.look(ctx)
	if err != nil && !errors.Is(err, ErrNone) {
		return err
	}
	if had == nil {
		if err := m.exec(ctx, bookkeeping...); err != nil {
			return fmt.Errorf("make the record of migrations: %w", err)
		}
	}
	fresh := len(had) == 0 // nothing is stored, and nothing can be stored yet
	for _, step := range m.pending(had) {
		if step.State >= Applied {
			continue
		}
		if step.State < Begun {
			if err := m.reach(ctx, step.Migration, Begun); err != nil {
				return err
			}
		}
		if err := m.exec(ctx, step.tables...); err != nil {
			return fmt.Errorf("migration %s: %w", step.Name, err)
		}
		if err := m.reach(ctx, step.Migration, Applied); err != nil {
			return err
		}
		m.Log.Info("migration applied", "name", step.Name)
	}
	return m.attach(ctx, fresh)
}

// exec runs statements under the lock in ctx.
func (m *Migrator) exec(ctx context.Context, statements ...string) error {
	for i, statement := range statements {
		if err := sure(ctx); err != nil {
			return err
		}
		if err := m.Conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	return nil
}

// reach records a state of a migration.
func (m *Migrator) reach(ctx context.Context, migration Migration, state State) error {
	return m.reachWith(ctx, migration, state, 0)
}

// reachWith records a state of a migration, and from which day on its tables are complete.
func (m *Migrator) reachWith(ctx context.Context, migration Migration, state State, counted calendar.Day) error {
	if err := sure(ctx); err != nil {
		return err
	}
	params := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"number": fmt.Sprint(migration.Number), "name": migration.Name, "kind": string(migration.Kind()),
		"checksum": migration.Checksum, "program": m.Program, "state": states[state],
		"counted": counted.String(),
	}))
	err := m.Conn.Exec(params, `
		INSERT INTO migrations
		SELECT {number:UInt32}, {name:String}, {kind:String}, {checksum:String}, {program:String}, {state:String}, now64(6), {counted:Date}`)
	if err != nil {
		return fmt.Errorf("record migration %s as %s: %w", migration.Name, states[state], err)
	}
	return nil
}

// quoted escapes a text for a string literal in a statement.
var quoted = strings.NewReplacer("\\", `\\`, "'", `\'`)

// quietly returns a bounded context for work that must be done even though ctx has ended.
func quietly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), stale)
}

// pollEvery is how often a migrator checks what it waits for.
const pollEvery = 20 * time.Millisecond

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
