package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/site"
)

var _ receipt.Book = (*Store)(nil)

// pendingDeletion is the deletion that has begun; null: none.
const pendingDeletion setting[*receipt.Pending] = "deletion"

// lastPass is when the last deletion pass ended without an error.
const lastPass setting[time.Time] = "pass"

// LastPass returns when the last deletion pass ended without an error, zero if none did.
func (s *Store) LastPass(ctx context.Context) (time.Time, error) {
	last, err := lastPass.read(ctx, s, 0)
	if errors.Is(err, site.ErrNotFound) {
		err = nil
	}
	return last.Value, err
}

// NotePass notes that a deletion pass has ended without an error.
func (s *Store) NotePass(ctx context.Context, at time.Time) error {
	return lastPass.add(ctx, s, 0, at.UTC().Truncate(time.Second))
}

// LockDeletions runs f while no other process deletes rows with a receipt. The context of f
// ends if the lock is lost.
func (s *Store) LockDeletions(ctx context.Context, f func(context.Context) error) error {
	if s.Version() == "" { // the lock is written, too
		return ErrNotPrepared
	}
	s.deletions.Lock()
	defer s.deletions.Unlock()
	ctx, unlock, err := s.schema.LockDeletions(ctx)
	if err != nil {
		return fmt.Errorf("wait for other deletions: %w", err)
	}
	defer unlock()
	return f(ctx)
}

// receiptsAtOnce is how many receipts are read at a time.
const receiptsAtOnce = 1000

// Receipts calls f with all receipts, the first one first, until f returns an error, which it
// returns.
func (s *Store) Receipts(ctx context.Context, f func(receipt.Receipt) error) error {
	for after := uint64(0); ; {
		page, last, err := s.receipts(ctx, after)
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := f(r); err != nil {
				return err
			}
		}
		if len(page) < receiptsAtOnce {
			return nil
		}
		after = last
	}
}

// receipts returns the next receipts after a number, and the number of the last of them.
func (s *Store) receipts(ctx context.Context, after uint64) (page []receipt.Receipt, last uint64, err error) {
	query := "SELECT number, text, signature, public, figures FROM receipts WHERE number > {after:UInt64} ORDER BY number LIMIT {limit:UInt32}"
	params := clickhouse.Parameters{"after": fmt.Sprint(after), "limit": fmt.Sprint(receiptsAtOnce)}
	rows, err := s.conn.Query(bind(ctx, params), query)
	if err != nil {
		return nil, 0, fmt.Errorf("read receipts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text, signature, public, figures string
		if err := rows.Scan(&last, &text, &signature, &public, &figures); err != nil {
			return nil, 0, fmt.Errorf("read receipts: %w", err)
		}
		page = append(page, receipt.Receipt{Text: []byte(text), Signature: []byte(signature), Public: []byte(public), Figures: []byte(figures)})
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("read receipts: %w", err)
	}
	return page, last, nil
}

// LastReceipt returns the last receipt, nil if there is none.
func (s *Store) LastReceipt(ctx context.Context) (*receipt.Receipt, error) {
	var last uint64
	if err := s.conn.QueryRow(ctx, "SELECT max(number) FROM receipts").Scan(&last); err != nil {
		return nil, fmt.Errorf("read the last receipt: %w", err)
	}
	if last == 0 {
		return nil, nil
	}
	page, _, err := s.receipts(ctx, last-1)
	if err != nil || len(page) == 0 {
		return nil, err
	}
	return &page[0], nil
}

// Expired returns how many page views and actions the rows told of that are gone from days before
// the day of a time, though no receipt is of their deletion: a server has deleted them by its TTL
// since the last pass. First and Last are the first and the last such day. What totals lost, or
// what was erased at somebody's request, is not among them.
func (s *Store) Expired(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	query := `
		WITH
			(
				SELECT max(JSONExtractString(text, 'to')) FROM receipts
				WHERE JSONExtractString(text, 'kind') IN ('retention', 'expiry') AND NOT JSONHas(text, 'sites')
			) AS until,
			own AS -- passes over sites whose rows live shorter
			(
				SELECT arrayJoin(JSONExtract(text, 'sites', 'Array(UInt32)')) AS site, max(toDateOrZero(JSONExtractString(text, 'to'))) AS until_own FROM receipts
				WHERE JSONExtractString(text, 'kind') = 'retention' GROUP BY site
			)
		SELECT toInt64(sum(n)), toDateTime(min(day), 'UTC'), toDateTime(max(day), 'UTC') FROM
		(
			SELECT site, day, sum(counted) AS n FROM
			(
				SELECT site, day, pageviews + events + conversions AS counted FROM daily
				WHERE dimension = 'total' AND until != '' AND day >= toDateOrZero(until) AND day < {day:Date}
				UNION ALL
				SELECT site, day, -(pageviews + (kind IN ('event', 'outlink', 'download', 'search')) + conversions) FROM hits
				WHERE until != '' AND day >= toDateOrZero(until) AND day < {day:Date}
			) AS all LEFT JOIN own USING (site)
			WHERE day >= until_own AND (site, day) NOT IN (SELECT site, day FROM erased)
			GROUP BY site, day HAVING n > 0
		)`
	var h privacy.Held
	ctx = bind(ctx, clickhouse.Parameters{"day": calendar.DayOf(cutoff.UTC()).String()})
	if err := s.conn.QueryRow(ctx, query).Scan(&h.Rows, &h.First, &h.Last); err != nil {
		return privacy.Held{}, fmt.Errorf("look for rows that the server has deleted: %w", err)
	}
	return h, nil
}

// AddReceipt adds the receipt with the next number. It is called under LockDeletions.
func (s *Store) AddReceipt(ctx context.Context, number uint64, r receipt.Receipt) error {
	err := s.conn.Exec(ctx, "INSERT INTO receipts (number, text, signature, public, figures) VALUES (?, ?, unhex(?), unhex(?), ?)",
		number, string(r.Text), fmt.Sprintf("%x", r.Signature), fmt.Sprintf("%x", []byte(r.Public)), string(r.Figures))
	if err != nil {
		return fmt.Errorf("add receipt %d: %w", number, err)
	}
	return nil
}

// PendingDeletion returns the deletion that has begun, nil if none has.
func (s *Store) PendingDeletion(ctx context.Context) (*receipt.Pending, error) {
	all, err := pendingDeletion.history(ctx, s, 0, 1)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0].Value, nil
}

// SetPendingDeletion notes that a deletion has begun, or with nil that none has.
func (s *Store) SetPendingDeletion(ctx context.Context, p *receipt.Pending) error {
	return pendingDeletion.add(ctx, s, 0, p)
}

// StoreTime returns the time by the clock of the store.
func (s *Store) StoreTime(ctx context.Context) (time.Time, error) {
	var at time.Time
	if err := s.conn.QueryRow(ctx, "SELECT now64(3, 'UTC')").Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("ask the store for its time: %w", err)
	}
	return at, nil
}

// ReceiptKeys returns the public keys by which receipts were signed, that of the last one first.
func (s *Store) ReceiptKeys(ctx context.Context) (all []string, err error) {
	rows, err := s.conn.Query(ctx, "SELECT public FROM receipts GROUP BY public ORDER BY max(number) DESC")
	if err != nil {
		return nil, fmt.Errorf("read keys of receipts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var public string
		if err := rows.Scan(&public); err != nil {
			return nil, fmt.Errorf("read keys of receipts: %w", err)
		}
		text, err := receipt.PublicText([]byte(public))
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
