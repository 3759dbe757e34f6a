package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// DefaultFormat is the format of Query if none is given.
const DefaultFormat = "TabSeparated"

// Query runs read-only SQL, and writes the answer to w in a format of ClickHouse. Tables
// are named without their database.
func (s *Store) Query(ctx context.Context, sql, format string, w io.Writer) error {
	if format == "" {
		format = DefaultFormat
	}
	ctx, cancel := withDeadline(ctx, queryTime)
	defer cancel()
	if s.http == nil {
		return s.queryNative(ctx, sql, format, w)
	}
	return s.http.query(ctx, sql, format, w)
}

// queryNative queries over ClickHouse's own protocol. The protocol knows no formats, so the
// query has the server format row by row.
func (s *Store) queryNative(ctx context.Context, sql, format string, w io.Writer) error {
	ctx = clickhouse.Context(ctx,
		clickhouse.WithSettings(clickhouse.Settings{"readonly": 1}),
		clickhouse.WithParameters(clickhouse.Parameters{"format": format}))
	sql = strings.TrimRight(strings.TrimSpace(sql), ";")
	rows, err := s.conn.Query(ctx, "SELECT formatRow({format:String}, *) FROM (\n"+sql+"\n)")
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return fmt.Errorf("query: %w", err)
		}
		if _, err := io.WriteString(w, line); err != nil {
			return fmt.Errorf("query: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return nil
}

// httpQuerier queries over HTTP, in any format.
type httpQuerier struct {
	client *http.Client
	scheme string
	hosts  []string
	auth   clickhouse.Auth
}

// newQuerier returns a querier of the addresses in opts.
func newQuerier(opts *clickhouse.Options, transport http.RoundTripper) *httpQuerier {
	q := &httpQuerier{
		client: &http.Client{Transport: transport},
		scheme: "http",
		hosts:  opts.Addr,
		auth:   opts.Auth,
	}
	if opts.TLS != nil {
		q.scheme = "https"
	}
	return q
}

// query asks the first host that can be reached.
func (q *httpQuerier) query(ctx context.Context, sql, format string, w io.Writer) (err error) {
	for _, host := range q.hosts {
		var reached bool
		if reached, err = q.ask(ctx, host, sql, format, w); reached || ctx.Err() != nil {
			break
		}
	}
	return err
}

// ask asks one host, and reports whether it could be reached.
func (q *httpQuerier) ask(ctx context.Context, host, sql, format string, w io.Writer) (reached bool, err error) {
	u := url.URL{Scheme: q.scheme, Host: host, Path: "/", RawQuery: url.Values{
		"database":       {q.auth.Database},
		"default_format": {format},
		"readonly":       {"1"},
	}.Encode()}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(sql))
	if err != nil {
		return false, fmt.Errorf("query: %w", err)
	}
	if q.auth.Username != "" {
		r.Header.Set("X-ClickHouse-User", q.auth.Username)
		r.Header.Set("X-ClickHouse-Key", q.auth.Password)
	}
	resp, err := q.client.Do(r)
	if err != nil {
		return false, fmt.Errorf("query: %w", loggable(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return true, fmt.Errorf("query: %w", errors.New(strings.TrimSpace(string(text))))
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return true, fmt.Errorf("query: %w", err)
	}
	return true, nil
}
