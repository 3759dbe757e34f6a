package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// ErrRefused is matched by the errors of Insert if ClickHouse will never accept these rows.
// After any other error the caller may try again.
var ErrRefused = errors.New("rows refused")

// refusals are the codes of exceptions that are caused by the rows themselves, not by the
// server, its tables or the connection. After other codes the same insert may succeed.
var refusals = map[int32]string{
	6:   "CANNOT_PARSE_TEXT",
	9:   "SIZES_OF_COLUMNS_DOESNT_MATCH",
	25:  "CANNOT_PARSE_ESCAPE_SEQUENCE",
	26:  "CANNOT_PARSE_QUOTED_STRING",
	27:  "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
	38:  "CANNOT_PARSE_DATE",
	41:  "CANNOT_PARSE_DATETIME",
	53:  "TYPE_MISMATCH",
	69:  "ARGUMENT_OUT_OF_BOUND",
	70:  "CANNOT_CONVERT_TYPE",
	72:  "CANNOT_PARSE_NUMBER",
	117: "INCORRECT_DATA",
	128: "TOO_LARGE_ARRAY_SIZE",
	131: "TOO_LARGE_STRING_SIZE",
	321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
	349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
	469: "VIOLATED_CONSTRAINT",
	691: "UNKNOWN_ELEMENT_OF_ENUM",
}

// orRefused makes an error with one of the refusals match ErrRefused. Exceptions have the
// same type over ClickHouse's own protocol, over HTTP and from the embedded engine.
func orRefused(err error) error {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) && refusals[exception.Code] != "" {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// lowCardinality is the ClickHouse type of low-cardinality strings. An insert sends every
// text as such, also into a column of type String: most texts repeat within a segment.
const lowCardinality = "LowCardinality(String)"

// columns are the columns of table hits in the order of Insert, with their types in inserts
// and constructors for their values.
var columns = columnsOf(hit.Fields)

type columnOf struct {
	name, kind string
	begin      func() column
}

func columnsOf(fields []hit.Field) []columnOf {
	all := make([]columnOf, len(fields))
	for i, f := range fields {
		c := columnOf{name: f.Name, kind: f.Type}
		switch at := f.At.(type) {
		case func(*hit.Row) *string:
			c.kind, c.begin = lowCardinality, texts(at)
		case func(*hit.Row) *int32:
			c.begin = values(at)
		case func(*hit.Row) *uint32:
			c.begin = values(at)
		case func(*hit.Row) *uint64:
			c.begin = values(at)
		case func(*hit.Row) *float64:
			c.begin = values(at)
		case func(*hit.Row) *time.Time:
			c.begin = values(at)
		case func(*hit.Row) *calendar.Day:
			c.begin = days(at)
		default:
			panic(fmt.Sprintf("field %s has a value of type %T", f.Name, f.At))
		}
		all[i] = c
	}
	return all
}

// insertInto returns the statement of an insert into columns of a table.
func insertInto(table string, columns []clickhouse.ColumnNameAndType) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ")"
}

// Insertion is what is inserted under one token. It is not safe for concurrent use.
type Insertion struct {
	store *Store
	parts []*part
	rows  int
	days  map[calendar.Day]bool // those of the rows
}

// The engine needs memory for each text that is new in an insert, in each rollup: 100,000
// rows with ten texts that no other row has took more than the 400 MiB that it may take. So
// rows with very many texts are inserted in parts. Which rows are in a part depends on
// them alone, so that a repeated insert has the same parts. It is decided every stepRows rows.
const (
	maxTexts = 100_000
	stepRows = 1024
)

// part is what is inserted at a time: the columns of rows. Those of one insert serve the next.
type part struct {
	columns []column
	rows    int
}

var free = sync.Pool{New: func() any {
	p := &part{columns: make([]column, len(columns))}
	for i, c := range columns {
		p.columns[i] = c.begin()
	}
	return p
}}

// full reports whether a part has so many texts that the next rows get another one.
func (p *part) full() bool {
	texts := 0
	for _, c := range p.columns {
		texts += c.texts()
	}
	return texts > maxTexts
}

// release forgets the rows of a part.
func (p *part) release() {
	for _, c := range p.columns {
		c.reset()
	}
	p.rows = 0
	free.Put(p)
}

// Begin begins an insertion. What is begun may be left without an Insert.
func (s *Store) Begin() *Insertion {
	return &Insertion{store: s, days: map[calendar.Day]bool{}}
}

// Add adds rows to the insertion. It copies them, but not their texts.
func (in *Insertion) Add(rows []hit.Row) {
	for i := range rows {
		if day := rows[i].Day; i == 0 || day != rows[i-1].Day {
			in.days[day] = true
		}
	}
	for len(rows) > 0 {
		if in.rows%stepRows == 0 && (in.rows == 0 || in.parts[len(in.parts)-1].full()) {
			in.parts = append(in.parts, free.Get().(*part))
		}
		n := min(len(rows), blockRows, stepRows-in.rows%stepRows)
		p := in.parts[len(in.parts)-1]
		for _, c := range p.columns {
			c.add(rows[:n])
		}
		p.rows += n
		in.rows += n
		rows = rows[n:]
	}
}

// Len returns the number of rows that were added.
func (in *Insertion) Len() int { return in.rows }

// Insert stores the rows that were added and the rest of a batch under a token: rows in the
// raw table and in every rollup, ledger entries added up in the ledger, and titles. If the
// same is inserted again under the same token, only what is missing is stored. So a caller
// that does not know whether an insert succeeded repeats it with Again set, unless the error
// matches ErrRefused. There must be less than a million rows: ClickHouse divides more into
// several blocks.
//
// If another program of a newer version has changed the schema, a repeated insert must wait
// for such a program. So that it is not taken for the fault of that batch, Insert then
// returns ErrNewer for all.
//
// Insert ends the insertion.
func (in *Insertion) Insert(ctx context.Context, batch hit.Batch, token string) error {
	in.Add(batch.Rows)
	defer func() {
		for _, p := range in.parts {
			p.release()
		}
		in.parts = nil
	}()
	s := in.store
	if s.Version() == "" {
		return ErrNotPrepared
	}
	if batch.Again || s.outdated.Load() {
		err := s.schema.Recount(ctx, nil)
		s.outdated.Store(errors.Is(err, ErrNewer))
		if err != nil {
			return err
		}
	}
	for i, p := range in.parts {
		own := token
		if i > 0 {
			own = fmt.Sprintf("%s-part%d", token, i+1)
		}
		ofDays := context.WithValue(ctx, daysOf{}, in.days)
		if err := s.unheld(ctx, func() error { return s.insertHits(ofDays, p, own) }); err != nil {
			return orRefused(err)
		}
	}
	if batch.Again {
		if err := s.schema.Recount(ctx, s.kept(in.days)); err != nil {
			return err
		}
	}
	if err := s.unheld(ctx, func() error { return s.insertLedger(ctx, batch.Ledger, token+"-ledger") }); err != nil {
		return orRefused(err)
	}
	if err := s.unheld(ctx, func() error { return s.insertTitles(ctx, batch.Titles, token+"-titles") }); err != nil {
		return orRefused(err)
	}
	if engine := s.Engine(); s.cfg.Sync && engine != nil {
		return engine.SyncTokens()
	}
	return nil
}

// unheld runs an insert, and once more after a hold that was in its way.
func (s *Store) unheld(ctx context.Context, insert func() error) error {
	err := insert()
	if code(err) == readOnly && s.awaitHold(ctx) {
		err = insert()
	}
	return err
}

// Insert stores a batch under a token, as Insertion.Insert does.
func (s *Store) Insert(ctx context.Context, batch hit.Batch, token string) error {
	return s.Begin().Insert(ctx, batch, token)
}

// kept returns those of the days of which all hits are kept, in order.
func (s *Store) kept(days map[calendar.Day]bool) []string {
	var texts []string
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if s.cfg.RowsSince == nil || day >= s.cfg.RowsSince() {
			texts = append(texts, day.String())
		}
	}
	return texts
}

// deduplicated returns the context of an insert into columns that ClickHouse deduplicates
// by its token.
func deduplicated(ctx context.Context, token string, columns []clickhouse.ColumnNameAndType) context.Context {
	return clickhouse.Context(ctx,
		clickhouse.WithColumnNamesAndTypes(columns),
		clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplicate":                                 1,
			"deduplicate_insert":                                 "enable", // a profile of the server may say otherwise
			"insert_deduplication_token":                         token,
			"deduplicate_blocks_in_dependent_materialized_views": 1,
			"async_insert":                                       0,
			// Hits may claim their own time, so the rows of a segment may be of any
			// number of months. All were acknowledged and must be stored.
			"max_partitions_per_insert_block": 0,
		}))
}

func (s *Store) insertHits(ctx context.Context, p *part, token string) error {
	// Columns with only default values are left out, which ClickHouse fills in itself,
	// but for the first one.
	var names []clickhouse.ColumnNameAndType
	var filled []column
	for i, c := range p.columns {
		if i == 0 || !c.empty() {
			names = append(names, clickhouse.ColumnNameAndType{Name: columns[i].name, Type: columns[i].kind})
			filled = append(filled, c)
		}
	}
	batch, err := s.conn.PrepareBatch(deduplicated(ctx, token, names), insertInto("hits", names))
	if err != nil {
		return fmt.Errorf("prepare insert of hits: %w", err)
	}
	defer batch.Close()
	for i, to := range batch.Columns() {
		if err := filled[i].send(to); err != nil {
			return fmt.Errorf("append %s of hits: %w", names[i].Name, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d rows: %w", p.rows, err)
	}
	return nil
}
