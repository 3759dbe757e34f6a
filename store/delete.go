package store

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/privacy"
)

// wipeTimeout bounds the wait for deleted rows to leave the disk.
const wipeTimeout = 2 * time.Minute

// Before returns what is held of raw rows from before a time.
func (s *Store) Before(ctx context.Context, cutoff time.Time) (privacy.Held, error) {
	held, err := s.held(ctx, "time < {cutoff:DateTime('UTC')}", clickhouse.Parameters{"cutoff": sqlTime(cutoff)})
	if err != nil {
		return privacy.Held{}, fmt.Errorf("count rows before %s: %w", cutoff.Format(time.DateOnly), err)
	}
	return held, nil
}

// DeleteBefore deletes all raw rows from before a time, and returns when they
// are off the disk, not only hidden. Rollups stay. It returns the number of rows
// that were there to delete.
func (s *Store) DeleteBefore(ctx context.Context, cutoff time.Time) (int64, error) {
	held, err := s.Before(ctx, cutoff)
	if err != nil || held.Rows == 0 {
		return 0, err
	}
	// Whole months go as partitions, which costs nothing; only the month of
	// the cutoff is written anew.
	months, err := s.monthsBefore(ctx, cutoff)
	if err != nil {
		return 0, err
	}
	for _, month := range months {
		if err := s.conn.Exec(ctx, "ALTER TABLE hits DROP PARTITION "+month); err != nil {
			return 0, fmt.Errorf("drop month %s: %w", month, err)
		}
	}
	where := "time < toDateTime('" + sqlTime(cutoff) + "', 'UTC')"
	if err := s.deleteWhere(ctx, where, held); err != nil {
		return 0, fmt.Errorf("delete rows before %s: %w", cutoff.Format(time.DateOnly), err)
	}
	return held.Rows, nil
}

// monthsBefore returns the partitions of raw rows that end before a time.
func (s *Store) monthsBefore(ctx context.Context, cutoff time.Time) ([]string, error) {
	query := `
		SELECT partition FROM system.parts
		WHERE database = currentDatabase() AND table = 'hits' AND active
		GROUP BY partition
		HAVING max(max_time) < {cutoff:DateTime('UTC')}
		ORDER BY partition`
	rows, err := s.conn.Query(bind(ctx, clickhouse.Parameters{"cutoff": sqlTime(cutoff)}), query)
	if err != nil {
		return nil, fmt.Errorf("list months before %s: %w", cutoff.Format(time.DateOnly), err)
	}
	defer rows.Close()
	var months []string
	for rows.Next() {
		var month string
		if err := rows.Scan(&month); err != nil {
			return nil, fmt.Errorf("list months: %w", err)
		}
		months = append(months, month)
	}
	return months, rows.Err()
}

// Network returns what is held of raw rows of a network, or of networks within
// it, in [from, to).
func (s *Store) Network(ctx context.Context, network string, from, to time.Time) (privacy.Held, error) {
	where, err := networkWithin(network, from, to)
	if err != nil {
		return privacy.Held{}, err
	}
	held, err := s.held(ctx, where, nil)
	if err != nil {
		return privacy.Held{}, fmt.Errorf("count rows of the network: %w", err)
	}
	return held, nil
}

// EraseNetwork deletes the raw rows that Network finds, and returns when they are
// off the disk. Rollups hold no network. It returns the number of rows that were
// there to delete.
func (s *Store) EraseNetwork(ctx context.Context, network string, from, to time.Time) (int64, error) {
	held, err := s.Network(ctx, network, from, to)
	if err != nil || held.Rows == 0 {
		return 0, err
	}
	where, err := networkWithin(network, from, to)
	if err != nil {
		return 0, err
	}
	if err := s.deleteWhere(ctx, where, held); err != nil {
		return 0, fmt.Errorf("erase rows of the network: %w", err)
	}
	return held.Rows, nil
}

// networkWithin is the condition of rows of a network in [from, to). A mutation
// takes no parameters, so it is text, made of values that are checked first.
func networkWithin(network string, from, to time.Time) (string, error) {
	prefix, err := netip.ParsePrefix(network)
	if err != nil {
		return "", fmt.Errorf("network %q: %w", network, err)
	}
	// No address is no network, but must still parse: both sides may be computed.
	return fmt.Sprintf(`network != ''
		AND isIPAddressInRange(if(network = '', '::', substringIndex(network, '/', 1)), '%s')
		AND toUInt8OrZero(substringIndex(network, '/', -1)) >= %d
		AND time >= toDateTime('%s', 'UTC') AND time < toDateTime('%s', 'UTC')`,
		prefix.Masked(), prefix.Bits(), sqlTime(from), sqlTime(to)), nil
}

var _ privacy.Ledger = (*Store)(nil)

func (s *Store) held(ctx context.Context, where string, params clickhouse.Parameters) (privacy.Held, error) {
	var h privacy.Held
	var n uint64
	query := "SELECT count(), min(time), max(time) FROM hits WHERE " + where
	if err := s.conn.QueryRow(bind(ctx, params), query).Scan(&n, &h.First, &h.Last); err != nil {
		return privacy.Held{}, err
	}
	if n == 0 {
		return privacy.Held{}, nil
	}
	h.Rows = int64(n)
	return h, nil
}

// deleteWhere rewrites the parts that hold rows of a condition without them, and
// waits until the old parts have left the disk: those whose time range meets that
// of the rows held.
func (s *Store) deleteWhere(ctx context.Context, where string, held privacy.Held) error {
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	if err := s.conn.Exec(ctx, "ALTER TABLE hits DELETE WHERE "+where+" SETTINGS mutations_sync = 2"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wipeTimeout)
	defer cancel()
	query := `
		SELECT count() FROM system.parts
		WHERE database = currentDatabase() AND table = 'hits' AND NOT active
			AND min_time <= {last:DateTime('UTC')} AND max_time >= {first:DateTime('UTC')}`
	params := clickhouse.Parameters{"first": sqlTime(held.First), "last": sqlTime(held.Last)}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		var old uint64
		if err := s.conn.QueryRow(bind(ctx, params), query).Scan(&old); err != nil {
			return fmt.Errorf("look for replaced parts: %w", err)
		}
		if old == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d replaced parts are still on disk: %w", old, ctx.Err())
		case <-tick.C:
		}
	}
}

// sqlTime writes a time as ClickHouse reads it in UTC.
func sqlTime(t time.Time) string { return t.UTC().Format(time.DateTime) }
