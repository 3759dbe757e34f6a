package store

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
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

// ErrDamaged is matched by the errors of methods for which ClickHouse could not read what
// it has on disk. It says what there is to do.
var ErrDamaged = errors.New("the data of the store is damaged: take it from a backup, of the embedded engine the folder clickhouse of the data directory")

// damages are the codes of exceptions about files of a table that can't be read.
var damages = map[int32]string{
	40:  "CHECKSUM_DOESNT_MATCH",
	107: "FILE_DOESNT_EXIST",
	226: "NO_FILE_IN_DATA_PART",
	228: "BAD_SIZE_OF_FILE_IN_DATA_PART",
	246: "CORRUPTED_DATA",
	271: "CANNOT_DECOMPRESS",
	432: "UNKNOWN_CODEC",
}

// maxException is how many bytes of an exception and what there is to do an error holds.
// The beginning tells what is wrong; behind it stand traces and versions.
const maxException = 260

// told returns an error as a log may have it. Of the URL in an error of net/http there is
// the scheme and host: the rest holds the parameters of a statement, of which one may be a
// password that somebody typed as a name. An exception becomes a line of at most maxException bytes,
// and matches ErrDamaged where it is about damage.
func told(err error) error {
	var exception *clickhouse.Exception
	var sent *url.Error
	switch {
	case errors.As(err, &exception):
		text, advice, all := strings.Join(strings.Fields(err.Error()), " "), "", []error{err}
		if damages[exception.Code] != "" || strings.Contains(exception.Message, "while reading from part") {
			advice, all = ErrDamaged.Error()+": ", append(all, ErrDamaged)
		}
		if most := maxException - len(advice); len(text) > most {
			text = strings.ToValidUTF8(text[:most], "") + "…"
		}
		return &another{advice + text, all}
	case errors.As(err, &sent):
		short := "the store"
		if u, parseErr := url.Parse(sent.URL); parseErr == nil {
			short = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
		}
		text := strings.ReplaceAll(err.Error(), strconv.Quote(sent.URL), strconv.Quote(short))
		return &another{strings.ReplaceAll(text, sent.URL, short), []error{sent.Err}}
	}
	return err
}

// another is an error with a text of its own for those that it stands for.
type another struct {
	text string
	errs []error
}

func (e *another) Error() string { return e.text }

func (e *another) Unwrap() []error { return e.errs }
