package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/store/schema"
)

// statements are the metrics of the statements of a store. It is safe for concurrent use; nil
// measures nothing.
type statements struct {
	duration *prometheus.HistogramVec
	failures *prometheus.CounterVec
	noted    *prometheus.CounterVec
}

func newStatements(r prometheus.Registerer) *statements {
	if r == nil {
		return nil
	}
	f := promauto.With(r)
	of := []string{"kind", "table"}
	m := &statements{
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "fotspor_store_statement_duration_seconds",
			Help:                            "Time of statements of this process to the store, by what they do and the first table that they name.",
			Buckets:                         []float64{.001, .01, .1, 1, 10},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, of),
		failures: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fotspor_store_statement_failures_total",
			Help: "Statements that failed, those that their caller gave up excluded.",
		}, of),
		noted: f.NewCounterVec(prometheus.CounterOpts{
			Name: "fotspor_audit_lines_total",
			Help: "Lines that this process wrote into the audit log, by how it was told to act: a page of the dashboard, a command, or the program by itself.",
		}, []string{"via"}),
	}
	for _, via := range []audit.Via{audit.Page, audit.Command, audit.Program} {
		m.noted.WithLabelValues(string(via))
	}
	for _, table := range []string{"hits", "ledger"} {
		m.failures.WithLabelValues("insert", table)
	}
	m.failures.WithLabelValues("select", "hits")
	return m
}

// begin begins the measurement of a statement. The caller calls the result with its error.
func (m *statements) begin(query string) (end func(error)) {
	if m == nil {
		return func(error) {}
	}
	kind, table := nameOf(query)
	start := time.Now()
	return func(err error) {
		m.duration.WithLabelValues(kind, table).Observe(time.Since(start).Seconds())
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, sql.ErrNoRows) {
			m.failures.WithLabelValues(kind, table).Inc()
		}
	}
}

// other is the label of a table that no migration makes, such as those of ClickHouse itself.
const other = "other"

// tables are those that migrations make.
var tables = schema.Tables(schema.All())

var firstTable = regexp.MustCompile(`(?i)\b(?:FROM|INTO|TABLE(?: IF (?:NOT )?EXISTS)?)\s+([a-z_]+)`)

// nameOf returns what a statement does, select, insert or change, and the first table that it
// names.
func nameOf(query string) (kind, table string) {
	table = other
	if found := firstTable.FindStringSubmatch(query); found != nil && slices.Contains(tables, found[1]) {
		table = found[1]
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch strings.ToUpper(strings.TrimSpace(strings.SplitN(verb, "\n", 2)[0])) {
	case "SELECT", "WITH":
		return "select", table
	case "INSERT":
		return "insert", table
	}
	return "change", table
}

// measured is a connection that measures its statements.
type measured struct {
	driver.Conn
	*statements
}

func (c measured) Exec(ctx context.Context, query string, args ...any) error {
	end := c.begin(query)
	err := c.Conn.Exec(ctx, query, args...)
	end(err)
	return err
}

func (c measured) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	end := c.begin(query)
	rows, err := c.Conn.Query(ctx, query, args...)
	if err != nil {
		end(err)
		return nil, err
	}
	return &measuredRows{rows, end}, nil
}

func (c measured) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	end := c.begin(query)
	return &measuredRow{c.Conn.QueryRow(ctx, query, args...), end}
}

func (c measured) PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error) {
	end := c.begin(query)
	batch, err := c.Conn.PrepareBatch(ctx, query, opts...)
	if err != nil {
		end(err)
		return nil, err
	}
	return &measuredBatch{batch, end}, nil
}

// measuredRows ends when they are closed.
type measuredRows struct {
	driver.Rows
	end func(error)
}

func (r *measuredRows) Close() error {
	err := errors.Join(r.Rows.Err(), r.Rows.Close())
	if r.end != nil {
		r.end(err)
		r.end = nil
	}
	return err
}

// measuredRow ends when it is read.
type measuredRow struct {
	driver.Row
	end func(error)
}

func (r *measuredRow) Scan(dest ...any) error {
	err := r.Row.Scan(dest...)
	r.end(err)
	return err
}

// measuredBatch ends when it is sent.
type measuredBatch struct {
	driver.Batch
	end func(error)
}

func (b *measuredBatch) Send() error {
	err := b.Batch.Send()
	b.end(err)
	return err
}

// Size is what a table has.
type Size struct {
	Table string // one that migrations make, or "other" for all others
	Rows,
	Bytes, // on disk
	Parts uint64
}

// Sizes returns what the tables of the store have. There is a Size for each table that a
// migration makes, of an empty one too, and one for all others.
func (s *Store) Sizes(ctx context.Context) ([]Size, error) {
	all := map[string]*Size{other: {Table: other}}
	order := append(slices.Clone(tables), other)
	for _, table := range tables {
		all[table] = &Size{Table: table}
	}
	rows, err := s.conn.Query(ctx, "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table")
	if err != nil {
		return nil, fmt.Errorf("read the sizes of tables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Size
		if err := rows.Scan(&one.Table, &one.Rows, &one.Bytes, &one.Parts); err != nil {
			return nil, fmt.Errorf("read the sizes of tables: %w", err)
		}
		of := all[one.Table]
		if of == nil {
			of = all[other]
		}
		of.Rows, of.Bytes, of.Parts = of.Rows+one.Rows, of.Bytes+one.Bytes, of.Parts+one.Parts
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the sizes of tables: %w", err)
	}
	sizes := make([]Size, len(order))
	for i, table := range order {
		sizes[i] = *all[table]
	}
	return sizes, nil
}
