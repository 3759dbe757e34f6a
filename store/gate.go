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

// ErrNotPrepared is matched by the errors of methods that write, if Prepare has not
// succeeded yet: the store may have the schema of another version.
var ErrNotPrepared = errors.New("nothing is written to a store that is not prepared")

// gated is a connection that writes nothing before the store is prepared. Only Exec and
// PrepareBatch change a store; queries pass.
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

// ErrDamaged is matched by errors that come from files which ClickHouse could not read. Its
// text says what to do.
var ErrDamaged = errors.New("the data of the store is damaged: restore it from a backup, for the embedded engine the folder clickhouse of the data directory")

// damages are the codes of exceptions on files of a table that can't be read.
var damages = map[int32]string{
	40:  "CHECKSUM_DOESNT_MATCH",
	107: "FILE_DOESNT_EXIST",
	226: "NO_FILE_IN_DATA_PART",
	228: "BAD_SIZE_OF_FILE_IN_DATA_PART",
	246: "CORRUPTED_DATA",
	271: "CANNOT_DECOMPRESS",
	432: "UNKNOWN_CODEC",
}

// maxException is the most bytes of an exception, with the advice in front, that an error
// holds. An exception begins with what is wrong; traces and versions follow.
const maxException = 260

// loggable returns an error that may be logged. It cuts the URL in an error of net/http to
// scheme and host: the rest holds the parameters of a statement, and one of these may be a
// password that somebody typed as a name. It makes an exception a line of at most
// maxException bytes, which matches ErrDamaged if it is about damage.
func loggable(err error) error {
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
		return &rewritten{advice + text, all}
	case errors.As(err, &sent):
		short := "the store"
		if u, parseErr := url.Parse(sent.URL); parseErr == nil {
			short = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
		}
		text := strings.ReplaceAll(err.Error(), strconv.Quote(sent.URL), strconv.Quote(short))
		return &rewritten{strings.ReplaceAll(text, sent.URL, short), []error{sent.Err}}
	}
	return err
}

// rewritten is an error that wraps others and replaces their text.
type rewritten struct {
	text string
	errs []error
}

func (e *rewritten) Error() string { return e.text }

func (e *rewritten) Unwrap() []error { return e.errs }
