package schema

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"
)

// How a process holds the lock. It writes to the lock's table every beat. A process that has
// not done so for the time stale is dead.
const (
	beat  = 3 * time.Second
	stale = 15 * time.Second
)

// free is the comment of the table of a lock that no process holds.
const free = "free"

// locked is the table of a lock that this process holds.
type locked struct {
	m     *Migrator
	lock  lock
	table string
	owner string

	mu   sync.Mutex
	last time.Time // time of the last successful beat
	n    int
}

// lock is what only one process does at a time: the name of its tables, and what that is.
type lock struct{ name, to string }

var (
	migrating = lock{"migrating", "change the schema or delete rows"}
	editing   = lock{"editing", "change sites or users"}
	deleting  = lock{"deleting", "delete rows with a receipt"}
)

// Lock keeps other processes from changing the schema and from deleting rows. It waits for
// a process that has the lock until ctx ends. The returned context ends when the lock is
// lost. The returned function releases the lock, and must be called.
//
// The lock is a table migrating_N: of several processes, also in a cluster, only one succeeds
// in making a table with a name. To take the lock, a process makes the table with the next
// number and drops the one before. The last table remains, so that no number is used twice.
func (m *Migrator) Lock(ctx context.Context) (context.Context, func(), error) {
	return m.take(ctx, migrating)
}

// LockEdits is Lock for what people change: it keeps other processes from changing sites and
// users, and waits for no migration.
func (m *Migrator) LockEdits(ctx context.Context) (context.Context, func(), error) {
	return m.take(ctx, editing)
}

// LockDeletions is Lock for deletions with a receipt: it keeps other processes from those,
// and waits for no migration.
func (m *Migrator) LockDeletions(ctx context.Context) (context.Context, func(), error) {
	return m.take(ctx, deleting)
}

// LockTables returns the names of the tables of locks.
func (m *Migrator) LockTables(ctx context.Context) ([]string, error) {
	return m.texts(ctx, fmt.Sprintf("SELECT name FROM system.tables WHERE database = currentDatabase() AND match(name, '^(%s|%s|%s)_[0-9]+$')",
		migrating.name, editing.name, deleting.name))
}

func (m *Migrator) take(ctx context.Context, what lock) (context.Context, func(), error) {
	host, _ := os.Hostname() // for people; may be ""
	l := &locked{m: m, lock: what, owner: fmt.Sprintf("process %d on %s", os.Getpid(), quoted.Replace(host))}
	waited := "the store"
	for {
		number, holder, err := m.holder(ctx, what)
		switch {
		case ctx.Err() != nil:
			return nil, nil, fmt.Errorf("wait for %s to %s: %w", waited, what.to, ctx.Err())
		case err != nil:
			return nil, nil, fmt.Errorf("look who has the lock to %s: %w", what.to, err)
		case holder != "":
			waited = holder
		default:
			taken, err := l.take(ctx, number+1)
			if err != nil {
				return nil, nil, fmt.Errorf("lock, to %s: %w", what.to, err)
			}
			if taken {
				return l.begin(ctx)
			}
		}
		sleep(ctx, 50*time.Millisecond+rand.N(100*time.Millisecond)) // if ctx ends, the next query fails
	}
}

// begin starts the beats, and returns the results of Lock.
func (l *locked) begin(ctx context.Context) (context.Context, func(), error) {
	inner, cancel := context.WithCancelCause(ctx)
	var done sync.WaitGroup
	done.Go(func() { l.keep(inner, cancel) })
	return context.WithValue(inner, lockKey{}, l), func() {
		cancel(nil)
		done.Wait()
		ctx, end := quietly(ctx)
		defer end()
		if err := l.comment(ctx, free); err != nil && code(err) != unknownTable {
			l.m.Log.Warn("a lock stays until it is stale", "table", l.table, "err", err)
		}
	}, nil
}

type lockKey struct{}

// holder returns the number of the newest lock and the process that holds it, "" if none does.
func (m *Migrator) holder(ctx context.Context, what lock) (number int, who string, err error) {
	rows, err := m.Conn.Query(ctx, fmt.Sprintf(`
		SELECT toInt64(extract(name, '[0-9]+$')) AS number, comment, dateDiff('second', metadata_modification_time, now()) > %d
		FROM system.tables
		WHERE database = currentDatabase() AND match(name, '^%s_[0-9]+$')
		ORDER BY number DESC LIMIT 1`, int(stale.Seconds()), what.name))
	if err != nil {
		return 0, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		var old uint8
		if err := rows.Scan(&n, &who, &old); err != nil {
			return 0, "", err
		}
		if who == free || old == 1 {
			who = ""
		}
		number = int(n)
	}
	return number, who, rows.Err()
}

// take reports whether this process got the lock of a number.
func (l *locked) take(ctx context.Context, number int) (bool, error) {
	l.table = l.lock.name + "_" + strconv.Itoa(number)
	err := l.m.Conn.Exec(ctx, "CREATE TABLE "+l.table+" (nothing UInt8) ENGINE = Null COMMENT '"+l.owner+"'")
	if code(err) == tableExists {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	l.last = time.Now()
	newest, _, err := l.m.holder(ctx, l.lock)
	if err != nil || newest != number { // another process has taken and released later locks
		return false, errors.Join(err, l.m.Conn.Exec(ctx, "DROP TABLE IF EXISTS "+l.table))
	}
	if err := l.m.Conn.Exec(ctx, fmt.Sprintf("DROP TABLE IF EXISTS %s_%d", l.lock.name, number-1)); err != nil {
		return false, errors.Join(err, l.comment(ctx, free))
	}
	return true, nil
}

// keep writes a beat at each interval until ctx ends, and cancels ctx if the lock is lost.
func (l *locked) keep(ctx context.Context, lost context.CancelCauseFunc) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.alive(ctx); err != nil && ctx.Err() == nil {
			lost(err)
			return
		}
	}
}

// alive writes a beat, and returns an error if this process has lost the lock.
func (l *locked) alive(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	err := l.comment(ctx, fmt.Sprintf("%s, beat %d", l.owner, l.n))
	switch {
	case err == nil:
		l.last = time.Now()
	case code(err) == unknownTable || time.Since(l.last) > stale:
		return fmt.Errorf("lock %s is lost: %w", l.table, err)
	}
	return nil
}

func (l *locked) comment(ctx context.Context, text string) error {
	return l.m.Conn.Exec(ctx, "ALTER TABLE "+l.table+" MODIFY COMMENT '"+text+"'")
}

// sure returns an error if the lock in ctx may have been lost. It is called before each
// change, for a process that was suspended for a while.
func sure(ctx context.Context) error {
	l, ok := ctx.Value(lockKey{}).(*locked)
	if !ok {
		return errors.New("the schema is not locked")
	}
	l.mu.Lock()
	since := time.Since(l.last)
	l.mu.Unlock()
	if since > stale-2*beat {
		return l.alive(ctx)
	}
	return nil
}
