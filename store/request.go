package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
)

// Requests returns the register of requests: first those without an answer, that whose answer is
// due first before the others, then those answered, the last one first. There are at most
// privacy.MaxRequests.
func (s *Store) Requests(ctx context.Context) ([]privacy.Request, error) {
	query := `
		SELECT number, kind, received, extended, answered, who FROM requests FINAL
		ORDER BY toUInt16(answered) > 0, if(toUInt16(answered) > 0, -1, 1) * toInt64(` + endOfRequest + `), number`
	rows, err := s.conn.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read the register of requests: %w", err)
	}
	defer rows.Close()
	var all []privacy.Request
	for rows.Next() {
		var r privacy.Request
		var received, answered time.Time
		if err := rows.Scan(&r.Case, (*string)(&r.Kind), &received, &r.Extended, &answered, &r.By); err != nil {
			return nil, fmt.Errorf("read the register of requests: %w", err)
		}
		r.Received, r.Answered = calendar.DayOf(received), calendar.DayOf(answered)
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the register of requests: %w", err)
	}
	return all, nil
}

// AddRequest adds a request to the register, for the actor of ctx. Its error wraps
// privacy.ErrKnown if the register has its case, and privacy.ErrManyRequest if it is full.
func (s *Store) AddRequest(ctx context.Context, r privacy.Request, today calendar.Day) error {
	if err := r.Validate(today); err != nil {
		return err
	}
	return s.edit(ctx, func(ctx context.Context) error {
		var known, count uint64
		err := s.conn.QueryRow(bind(ctx, clickhouse.Parameters{"number": r.Case}), "SELECT countIf(number = {number:String}), count() FROM requests FINAL").Scan(&known, &count)
		switch {
		case err != nil:
			return fmt.Errorf("count requests: %w", err)
		case known > 0:
			return privacy.ErrKnown
		case count >= privacy.MaxRequests:
			return privacy.ErrManyRequest
		}
		return s.writeRequest(ctx, audit.RequestAdded, r)
	})
}

// ChangeRequest changes the request of a case by f, which gets it as it is stored, for the actor
// of ctx. If the register has no such case the error wraps privacy.ErrNoRequest. After an error,
// also one of f, nothing has changed.
func (s *Store) ChangeRequest(ctx context.Context, number string, today calendar.Day, action audit.Action, f func(*privacy.Request) error) error {
	return s.edit(ctx, func(ctx context.Context) error {
		r, err := s.Request(ctx, number)
		if err != nil {
			return err
		}
		if err := f(&r); err != nil {
			return err
		}
		if err := r.Validate(today); err != nil {
			return err
		}
		return s.writeRequest(ctx, action, r)
	})
}

// Request returns the request of a case. If the register has none, the error wraps
// privacy.ErrNoRequest.
func (s *Store) Request(ctx context.Context, number string) (privacy.Request, error) {
	all, err := s.Requests(ctx)
	for _, r := range all {
		if r.Case == number {
			return r, nil
		}
	}
	if err == nil {
		err = privacy.ErrNoRequest
	}
	return privacy.Request{}, err
}

// writeRequest stores a request with a higher version than its current row, even if the clock
// was set back.
func (s *Store) writeRequest(ctx context.Context, action audit.Action, r privacy.Request) error {
	if err := s.note(ctx, action, r.Case); err != nil {
		return err
	}
	err := s.conn.Exec(ctx, `
		INSERT INTO requests (number, kind, received, extended, answered, who, updated)
		SELECT ?, ?, ?, ?, ?, ?, greatest(now64(6), max(updated) + toIntervalMicrosecond(1))
		FROM requests WHERE number = ?`,
		r.Case, string(r.Kind), r.Received.String(), r.Extended, r.Answered.String(), audit.ActorOf(ctx).Name, r.Case)
	if err != nil {
		return fmt.Errorf("write the register of requests: %w", err)
	}
	s.dropReplaced(ctx, "requests")
	return nil
}

// RemoveRequest removes the request of a case from the register, for the actor of ctx, and
// returns when it has left the disk. If the register has none, the error wraps
// privacy.ErrNoRequest.
func (s *Store) RemoveRequest(ctx context.Context, number string) error {
	return s.edit(ctx, func(ctx context.Context) error {
		if _, err := s.Request(ctx, number); err != nil {
			return err
		}
		if err := s.note(ctx, audit.RequestRemoved, number); err != nil {
			return err
		}
		// A mutation takes no parameters.
		if err := s.conn.Exec(ctx, "ALTER TABLE requests DELETE WHERE number = unhex('"+fmt.Sprintf("%x", number)+"') SETTINGS mutations_sync = 2"); err != nil {
			return fmt.Errorf("remove a request: %w", err)
		}
		return nil
	})
}

// OldRequests returns the requests in the register for the retention worker. Their time is that
// of Request.End.
func (s *Store) OldRequests() *OldRequests { return &OldRequests{s} }

// OldRequests finds and deletes requests that ended before a day.
type OldRequests struct{ store *Store }

// endOfRequest is Request.End in SQL.
const endOfRequest = "if(toUInt16(answered) > 0, answered, addMonths(received, if(extended, 3, 1)))"

// Before counts the requests that ended before the day of a time, with their first and last
// days.
func (o *OldRequests) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	var h privacy.Held
	var n uint64
	ctx = bind(ctx, clickhouse.Parameters{"day": calendar.DayOf(cutoff.UTC()).String()})
	query := "SELECT count(), toDateTime(min(" + endOfRequest + "), 'UTC'), toDateTime(max(" + endOfRequest + "), 'UTC') FROM requests FINAL WHERE " + endOfRequest + " < {day:Date}"
	if err := o.store.conn.QueryRow(ctx, query).Scan(&n, &h.First, &h.Last); err != nil {
		return privacy.Held{}, fmt.Errorf("count old requests: %w", err)
	}
	if n == 0 {
		return privacy.Held{}, nil
	}
	h.Rows = int64(n)
	return h, nil
}

// DeleteBefore deletes these requests.
func (o *OldRequests) DeleteBefore(ctx context.Context, cutoff time.Time) error {
	return o.store.edit(ctx, func(ctx context.Context) error {
		// Rows that a change has replaced may say another day: they go first.
		err := o.store.conn.Exec(ctx, "OPTIMIZE TABLE requests FINAL")
		if err == nil {
			err = o.store.conn.Exec(ctx, "ALTER TABLE requests DELETE WHERE "+endOfRequest+" < toDate('"+calendar.DayOf(cutoff.UTC()).String()+"') SETTINGS mutations_sync = 2")
		}
		if err != nil {
			return fmt.Errorf("delete old requests: %w", err)
		}
		return nil
	})
}
