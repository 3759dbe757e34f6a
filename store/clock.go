package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// ClockNote returns the last time that NoteClock stored, in any process; the zero time if
// there is none.
func (s *Store) ClockNote(ctx context.Context) (time.Time, error) {
	var seen time.Time
	var n uint64
	if err := s.conn.QueryRow(ctx, "SELECT count(), argMax(seen, number) FROM clock").Scan(&n, &seen); err != nil {
		return time.Time{}, fmt.Errorf("read the noted time: %w", err)
	}
	if n == 0 {
		return time.Time{}, nil
	}
	return seen, nil
}

// NoteClock replaces the stored time, to the second.
func (s *Store) NoteClock(ctx context.Context, seen time.Time) error {
	query := "INSERT INTO clock SELECT 0, {seen:DateTime('UTC')}, max(number) + 1 FROM clock"
	if err := s.conn.Exec(bind(ctx, clickhouse.Parameters{"seen": sqlTime(seen)}), query); err != nil {
		return fmt.Errorf("note the time: %w", err)
	}
	return nil
}

// ErrSameClock is wrapped by the error of OtherClock if the store is on this machine.
var ErrSameClock = errors.New("the store uses the clock of this machine")

// sameBoot is the least difference between the uptimes of two machines that shows them to
// be different.
const sameBoot = 2 * time.Minute

// OtherClock returns the time by the clock of the store's machine. For a store on this
// machine it returns ErrSameClock, since that clock confirms nothing. A store on this
// machine, in a container or not, is recognised by its address or by the machine's uptime.
func (s *Store) OtherClock(ctx context.Context) (time.Time, error) {
	if !s.server {
		return time.Time{}, ErrSameClock
	}
	for _, addr := range s.opts.Addr {
		if onThisMachine(ctx, addr) {
			return time.Time{}, ErrSameClock
		}
	}
	var at time.Time
	var uptime float64
	query := "SELECT now64(3, 'UTC'), (SELECT max(value) FROM system.asynchronous_metrics WHERE metric = 'OSUptime')"
	if err := s.conn.QueryRow(ctx, query).Scan(&at, &uptime); err != nil {
		return time.Time{}, fmt.Errorf("ask the store for its time: %w", err)
	}
	ours, ok := machineUptime()
	if theirs := time.Duration(uptime * float64(time.Second)); !ok || (ours-theirs).Abs() < sameBoot {
		return time.Time{}, ErrSameClock
	}
	return at, nil
}

// onThisMachine reports whether a host and port are of this machine or can't be resolved.
func onThisMachine(ctx context.Context, addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(found) == 0 {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range found {
		a = a.Unmap()
		if a.IsLoopback() || a.IsUnspecified() {
			return true
		}
		for _, o := range own {
			if prefix, err := netip.ParsePrefix(o.String()); err == nil && prefix.Addr() == a {
				return true
			}
		}
	}
	return false
}
