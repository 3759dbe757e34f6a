// Package spooltest has what tests need to take segments from a spool.
package spooltest

import (
	"context"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
)

// Whole returns an Inserter that calls insert with all of a segment.
func Whole(insert func(ctx context.Context, b hit.Batch, id string) error) spool.Inserter {
	return func() spool.Insertion { return &whole{insert: insert} }
}

type whole struct {
	rows   []hit.Row
	insert func(ctx context.Context, b hit.Batch, id string) error
}

func (w *whole) Add(rows []hit.Row) { w.rows = append(w.rows, rows...) }

func (w *whole) Insert(ctx context.Context, b hit.Batch, id string) error {
	b.Rows = w.rows
	return w.insert(ctx, b, id)
}
