package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

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

// few is the type of a column with few different texts.
const few = "LowCardinality(String)"

// columns are the columns of table hits, in the order of Insert: their types there,
// and their values, which are a slice of a type that the driver takes.
var columns = []struct {
	name, kind string
	of         func([]*hit.Row) any
}{
	{"site", "UInt32", values(func(r *hit.Row) uint32 { return r.Site })},
	{"time", "DateTime('UTC')", values(func(r *hit.Row) time.Time { return r.Time })},
	{"day", "Date", values(func(r *hit.Row) time.Time { return r.Day.Time() })},
	{"kind", few, texts(func(r *hit.Row) string { return string(r.Kind) })},
	{"path", "String", values(func(r *hit.Row) string { return r.Path })},
	{"host", few, texts(func(r *hit.Row) string { return r.Host })},
	{"name", "String", values(func(r *hit.Row) string { return r.Name })},
	{"value", "Float64", values(func(r *hit.Row) float64 { return r.Value })},
	{"network", few, texts(func(r *hit.Row) string { return r.Network })},
	{"country", few, texts(func(r *hit.Row) string { return r.Country })},
	{"region", few, texts(func(r *hit.Row) string { return r.Region })},
	{"browser", few, texts(func(r *hit.Row) string { return r.Browser })},
	{"browser_version", few, texts(func(r *hit.Row) string { return r.BrowserVersion })},
	{"os", few, texts(func(r *hit.Row) string { return r.OS })},
	{"device", few, texts(func(r *hit.Row) string { return r.Device })},
	{"channel", few, texts(func(r *hit.Row) string { return r.Channel })},
	{"source", few, texts(func(r *hit.Row) string { return r.Source })},
	{"campaign", few, texts(func(r *hit.Row) string { return r.Campaign })},
	{"campaign_source", few, texts(func(r *hit.Row) string { return r.CampaignSource })},
	{"campaign_medium", few, texts(func(r *hit.Row) string { return r.CampaignMedium })},
	{"campaign_term", few, texts(func(r *hit.Row) string { return r.CampaignTerm })},
	{"campaign_content", few, texts(func(r *hit.Row) string { return r.CampaignContent })},
	{"language", few, texts(func(r *hit.Row) string { return r.Language })},
	{"entry_path", "String", values(func(r *hit.Row) string { return r.EntryPath })},
	{"previous_path", "String", values(func(r *hit.Row) string { return r.PreviousPath })},
	{"pageviews", "Int32", values(func(r *hit.Row) int32 { return r.Pageviews })},
	{"visits", "Int32", values(func(r *hit.Row) int32 { return r.Visits })},
	{"visitors", "Int32", values(func(r *hit.Row) int32 { return r.Visitors })},
	{"page_visitors", "Int32", values(func(r *hit.Row) int32 { return r.PageVisitors })},
	{"bounces", "Int32", values(func(r *hit.Row) int32 { return r.Bounces })},
	{"seconds", "Int32", values(func(r *hit.Row) int32 { return r.Seconds })},
}

// values makes the values of a column.
func values[T any](value func(*hit.Row) T) func([]*hit.Row) any {
	return func(rows []*hit.Row) any {
		all := make([]T, len(rows))
		for i, r := range rows {
			all[i] = value(r)
		}
		return all
	}
}

// texts makes the values of a column with few different texts. The driver takes such
// values as interfaces, to look them up: one is made for each text and not for each row.
func texts(value func(*hit.Row) string) func([]*hit.Row) any {
	return func(rows []*hit.Row) any {
		known := map[string]any{}
		all := make([]any, len(rows))
		for i, r := range rows {
			text := value(r)
			boxed, ok := known[text]
			if !ok {
				boxed = text
				known[text] = boxed
			}
			all[i] = boxed
		}
		return all
	}
}

// hitColumns are the names and types of columns, for the driver, which would ask for
// them before each insert.
var hitColumns = func() []clickhouse.ColumnNameAndType {
	var all []clickhouse.ColumnNameAndType
	for _, c := range columns {
		all = append(all, clickhouse.ColumnNameAndType{Name: c.name, Type: c.kind})
	}
	return all
}()

// insertInto is the statement of an insert into some columns of a table.
func insertInto(table string, columns []clickhouse.ColumnNameAndType) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ")"
}

// Insert stores rows under a token: those of kind hit.Bot, added up, in the bot
// ledger, all others in the raw table and in every rollup. Inserting the same rows
// under the same token again does nothing but what was left undone, so a caller that
// does not know whether an insert arrived sends it once more. An error that matches
// ErrRefused says that this would be no use. An insert must stay below a million
// rows: ClickHouse takes more in several blocks.
func (s *Store) Insert(ctx context.Context, rows []hit.Row, token string) error {
	s.renewViews(ctx, token)
	if err := s.insertHits(ctx, rows, token); err != nil {
		return orRefused(err)
	}
	if err := s.insertBots(ctx, addBots(rows), token+"-bots"); err != nil {
		return orRefused(err)
	}
	if s.sync && s.engine != nil {
		return s.engine.SyncTokens()
	}
	return nil
}

// once returns the context of an insert into columns that is done once for its token.
func once(ctx context.Context, token string, columns []clickhouse.ColumnNameAndType) context.Context {
	return clickhouse.Context(ctx,
		clickhouse.WithColumnNamesAndTypes(columns),
		clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplicate":                                 1,
			"insert_deduplication_token":                         token,
			"deduplicate_blocks_in_dependent_materialized_views": 1,
			"async_insert":                                       0,
			// Hits may tell their own time: no number of months makes rows that
			// were acknowledged ones that can never be stored.
			"max_partitions_per_insert_block": 0,
		}))
}

func (s *Store) insertHits(ctx context.Context, all []hit.Row, token string) error {
	rows := make([]*hit.Row, 0, len(all))
	for i := range all {
		if all[i].Kind != hit.Bot {
			rows = append(rows, &all[i])
		}
	}
	if len(rows) == 0 {
		return nil
	}
	batch, err := s.conn.PrepareBatch(once(ctx, token, hitColumns), insertInto("hits", hitColumns))
	if err != nil {
		return fmt.Errorf("prepare insert of %d rows: %w", len(rows), err)
	}
	defer batch.Close()
	for i, c := range columns {
		if err := batch.Column(i).Append(c.of(rows)); err != nil {
			return fmt.Errorf("append %s of %d rows: %w", c.name, len(rows), err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert %d rows: %w", len(rows), err)
	}
	return nil
}
