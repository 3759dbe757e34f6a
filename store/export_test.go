package store

import (
	"context"
	"strings"

	driver "github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
)

// ExpireServer is Expire of a store on a ClickHouse server.
func (s *Store) ExpireServer(ctx context.Context, p privacy.Period) error { return s.expire(ctx, p) }

// WhileLocked runs f while no other process may change the schema.
func (s *Store) WhileLocked(ctx context.Context, f func(context.Context) error) error {
	return s.schema.Rows(ctx, func(ctx context.Context, _ []string) error { return f(ctx) })
}

// Exec runs a statement.
func (s *Store) Exec(ctx context.Context, sql string) error { return s.conn.Exec(ctx, sql) }

// Refusals are the codes of exceptions by which rows are refused, with their names.
var Refusals = refusals

// SendTexts gives texts to a column of the driver as Insert does.
func SendTexts(to driver.Interface, all ...string) error {
	c := texts(func(r *hit.Row) *string { return &r.Path })()
	for _, text := range all {
		c.add([]hit.Row{{Path: text}})
	}
	return c.send(to)
}

// Addresses returns the addresses that a DSN leads to, and whether by TLS.
func Addresses(dsn string) (string, error) {
	opts, err := parseDSN(dsn)
	if err != nil {
		return "", err
	}
	text := strings.Join(opts.Addr, " ")
	if opts.TLS != nil {
		text += " TLS"
	}
	return text, nil
}

// GapsOfSites is what Gaps makes of the gaps of rollups and the terms of sites.
var GapsOfSites = gapsOfSites

// Due is the SQL condition of rows that are past their time.
func (s *Store) Due(ctx context.Context) (string, error) { return s.due(ctx) }
