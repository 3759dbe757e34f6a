package store

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ErrNotPrepared is matched by the errors of methods that write to a store which Prepare
// has not accepted, or not yet: it may be that of another version.
var ErrNotPrepared = errors.New("nothing is written to a store that is not prepared")

// gated is a connection that writes nothing before the store is prepared. Exec and
// PrepareBatch are what changes a store; questions pass.
type gated struct {
	driver.Conn
	prepared func() bool
}

func (g gated) Exec(ctx context.Context, query string, args ...any) error {
	if !g.prepared() {
		return ErrNotPrepared
	}
	return g.Conn.Exec(ctx, query, args...)
}

func (g gated) PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error) {
	if !g.prepared() {
		return nil, ErrNotPrepared
	}
	return g.Conn.PrepareBatch(ctx, query, opts...)
}

// withoutParameters takes from the text of an error of net/http all of its URL but scheme
// and host: the rest holds the parameters of a statement, of which one may be a password
// that somebody typed as a name.
func withoutParameters(err error) error {
	var sent *url.Error
	if !errors.As(err, &sent) {
		return err
	}
	short := "the store"
	if u, parseErr := url.Parse(sent.URL); parseErr == nil {
		short = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	}
	text := strings.ReplaceAll(err.Error(), strconv.Quote(sent.URL), strconv.Quote(short))
	return &shortened{strings.ReplaceAll(text, sent.URL, short), sent.Err}
}

// shortened is an error with another text.
type shortened struct {
	text string
	err  error
}

func (e *shortened) Error() string { return e.text }

func (e *shortened) Unwrap() error { return e.err }
