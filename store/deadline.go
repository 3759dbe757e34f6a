package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// How long a statement may take if the caller's context has no deadline. Without these a
// store that accepts connections and never answers would block its callers for ever.
const (
	dialTime      = 4 * time.Second  // connecting to a server, its hello included
	statementTime = 30 * time.Second // most statements: a page's figures, a change of a small table
	deleteTime    = time.Hour        // a deletion, which rewrites the files with the rows
	queryTime     = time.Hour        // a query that a person wrote
)

// withDeadline returns ctx with its own deadline, or else with one in limit from now.
func withDeadline(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// bounded is a connection that gives every statement a deadline and passes every error
// through loggable.
type bounded struct{ driver.Conn }

func (b bounded) Exec(ctx context.Context, query string, args ...any) error {
	ctx, cancel := withDeadline(ctx, statementTime)
	defer cancel()
	return loggable(b.Conn.Exec(ctx, query, args...))
}

func (b bounded) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	ctx, cancel := withDeadline(ctx, statementTime)
	rows, err := b.Conn.Query(ctx, query, args...)
	if err != nil {
		cancel()
		return nil, loggable(err)
	}
	return &boundedRows{rows, cancel}, nil
}

func (b bounded) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	ctx, cancel := withDeadline(ctx, statementTime)
	return &boundedRow{b.Conn.QueryRow(ctx, query, args...), cancel}
}

func (b bounded) PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error) {
	ctx, cancel := withDeadline(ctx, statementTime)
	batch, err := b.Conn.PrepareBatch(ctx, query, opts...)
	if err != nil {
		cancel()
		return nil, loggable(err)
	}
	return &boundedBatch{Batch: batch, ctx: ctx, cancel: cancel}, nil
}

func (b bounded) ServerVersion() (*driver.ServerVersion, error) {
	v, err := b.Conn.ServerVersion()
	return v, loggable(err)
}

// boundedRows cancels its context when it is closed.
type boundedRows struct {
	driver.Rows
	cancel context.CancelFunc
}

func (r *boundedRows) Scan(dest ...any) error { return loggable(r.Rows.Scan(dest...)) }

func (r *boundedRows) Err() error { return loggable(r.Rows.Err()) }

func (r *boundedRows) Close() error {
	defer r.cancel()
	return loggable(r.Rows.Close())
}

// boundedRow cancels its context when it is read.
type boundedRow struct {
	driver.Row
	cancel context.CancelFunc
}

func (r *boundedRow) Scan(dest ...any) error {
	defer r.cancel()
	return loggable(r.Row.Scan(dest...))
}

// boundedBatch cancels its context when it is closed. Its Send returns when the context
// ends, even while the driver writes to a server that reads nothing. The driver's Send
// goes on then, until the deadline.
type boundedBatch struct {
	driver.Batch
	ctx    context.Context
	cancel context.CancelFunc
	left   bool // the driver's Send still runs
}

func (b *boundedBatch) Send() error {
	sent := make(chan error, 1)
	go func() { sent <- b.Batch.Send() }()
	select {
	case err := <-sent:
		return loggable(err)
	case <-b.ctx.Done():
	}
	select {
	case err := <-sent: // Send returned at the same time: its result is known
		return loggable(err)
	default:
		b.left = true
		return b.ctx.Err()
	}
}

func (b *boundedBatch) Close() error {
	defer b.cancel()
	if b.left {
		return nil
	}
	return loggable(b.Batch.Close())
}
