package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// ErrRefused is matched by the errors of Insert that say that ClickHouse can never
// take these rows as they are. Any other error may pass: to try again is right.
var ErrRefused = errors.New("rows refused")

// refusals are the codes of exceptions that find fault with the rows themselves, not
// with the server, its tables or the way there. A code that is not here may pass.
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

// orRefused makes an error by which the rows are refused match ErrRefused. Exceptions
// are of one type over ClickHouse's own protocol, over HTTP and from the embedded engine.
func orRefused(err error) error {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) && refusals[exception.Code] != "" {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// few is the ClickHouse type of low-cardinality strings. An insert sends every text as
// such, also into a column of strings: most texts repeat within a segment.
const few = "LowCardinality(String)"

// columns are the columns of table hits, in the order of Insert: their types in its
// inserts, and how to gather their values.
var columns = columnsOf(hit.Fields)

type columnOf struct {
	name, kind string
	begin      func(rows int) column
}

func columnsOf(fields []hit.Field) []columnOf {
	all := make([]columnOf, len(fields))
	for i, f := range fields {
		c := columnOf{name: f.Name, kind: f.Type}
		switch at := f.At.(type) {
		case func(*hit.Row) *string:
			c.kind, c.begin = few, texts(at)
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

// insertInto is the statement of an insert into some columns of a table.
func insertInto(table string, columns []clickhouse.ColumnNameAndType) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ")"
}

// Insert stores a batch under a token: rows in the raw table and in every rollup, entries
// of the ledger added up in theirs. Inserting the same batch under the same token again
// does nothing but what was left undone, so a caller that does not know whether an insert
// arrived sends it once more. An error that matches ErrRefused says that this would be no
// use. A batch must stay below a million rows: ClickHouse takes more in several blocks.
func (s *Store) Insert(ctx context.Context, batch hit.Batch, token string) error {
	if s.Version() == "" {
		return ErrNotPrepared
	}
	s.attachBackfill(ctx, token)
	err := s.insertHits(ctx, batch.Rows, token)
	if code(err) == readOnly && s.awaitHold(ctx) {
		err = s.insertHits(ctx, batch.Rows, token)
	}
	if err != nil {
		return orRefused(err)
	}
	if err := s.insertLedger(ctx, batch.Ledger, token+"-ledger"); err != nil {
		return orRefused(err)
	}
	if engine := s.Engine(); s.cfg.Sync && engine != nil {
		return engine.SyncTokens()
	}
	return nil
}

// once returns the context of an insert into columns that is done once for its token.
func once(ctx context.Context, token string, columns []clickhouse.ColumnNameAndType) context.Context {
	return clickhouse.Context(ctx,
		clickhouse.WithColumnNamesAndTypes(columns),
		clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplicate":                                 1,
			"deduplicate_insert":                                 "enable", // also where a profile of the server says otherwise
			"insert_deduplication_token":                         token,
			"deduplicate_blocks_in_dependent_materialized_views": 1,
			"async_insert":                                       0,
			// Hits may tell their own time: no number of months makes rows that
			// were acknowledged ones that can never be stored.
			"max_partitions_per_insert_block": 0,
		}))
}

func (s *Store) insertHits(ctx context.Context, rows []hit.Row, token string) error {
	if len(rows) == 0 {
		return nil
	}
	names, filled := transpose(rows)
	batch, err := s.conn.PrepareBatch(once(ctx, token, names), insertInto("hits", names))
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
		return fmt.Errorf("insert %d rows: %w", len(rows), err)
	}
	return nil
}
