package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// How long a statement may take where the caller's context has no deadline. A store
// that accepts connections and never answers else keeps its callers for ever.
const (
	dialTime      = 4 * time.Second  // to reach a server, its hello included
	statementTime = 30 * time.Second // of nearly all: a page's figures, a change of a small table
	deleteTime    = time.Hour        // a deletion rewrites the files that hold the rows
	queryTime     = time.Hour        // what people ask by hand
)

// withDeadline returns ctx with a deadline: its own, or else limit from now.
func withDeadline(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// bounded is a connection whose every statement has a deadline, and whose errors are fit for a
// log.
type bounded struct{ driver.Conn }

func (b bounded) Exec(ctx context.Context, query string, args ...any) error {
	ctx, cancel := withDeadline(ctx, statementTime)
	defer cancel()
	return told(b.Conn.Exec(ctx, query, args...))
}

func (b bounded) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	ctx, cancel := withDeadline(ctx, statementTime)
	rows, err := b.Conn.Query(ctx, query, args...)
	if err != nil {
		cancel()
		return nil, told(err)
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
		return nil, told(err)
	}
	return &boundedBatch{Batch: batch, ctx: ctx, cancel: cancel}, nil
}

func (b bounded) ServerVersion() (*driver.ServerVersion, error) {
	v, err := b.Conn.ServerVersion()
	return v, told(err)
}

// boundedRows ends its context when it is closed.
type boundedRows struct {
	driver.Rows
	cancel context.CancelFunc
}

func (r *boundedRows) Scan(dest ...any) error { return told(r.Rows.Scan(dest...)) }

func (r *boundedRows) Err() error { return told(r.Rows.Err()) }

func (r *boundedRows) Close() error {
	defer r.cancel()
	return told(r.Rows.Close())
}

// boundedRow ends its context when it is read.
type boundedRow struct {
	driver.Row
	cancel context.CancelFunc
}

func (r *boundedRow) Scan(dest ...any) error {
	defer r.cancel()
	return told(r.Row.Scan(dest...))
}

// boundedBatch ends its context when it is closed. Its Send returns when the context
// ends, even while it writes to a server that reads nothing, which the driver does not
// give up before the deadline. What is left of it then ends at the deadline.
type boundedBatch struct {
	driver.Batch
	ctx    context.Context
	cancel context.CancelFunc
	left   bool // Send is still under way
}

func (b *boundedBatch) Send() error {
	sent := make(chan error, 1)
	go func() { sent <- b.Batch.Send() }()
	select {
	case err := <-sent:
		return told(err)
	case <-b.ctx.Done():
	}
	select {
	case err := <-sent: // both at once: what is known counts
		return told(err)
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
	return told(b.Batch.Close())
}
