package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/fotspor/fotspor/backup"
	"github.com/fotspor/fotspor/store/schema"
)

// stagingPrefix begins the name of a folder that the engine writes a backup into. Its process locks a
// file beside it, by which others know that it lives.
const (
	stagingPrefix = "staging-"
	stagingLock   = ".lock"
)

// Still runs f while no process inserts hits, deletes rows, changes the schema, or changes what
// people set. Hits wait in the spools meanwhile. It works on an older store that is not prepared.
func (s *Store) Still(ctx context.Context, f func(context.Context) error) error {
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	ctx, editable, err := s.schema.LockEdits(ctx)
	if err != nil {
		return err
	}
	defer editable()
	ctx, deletable, err := s.schema.LockDeletions(ctx)
	if err != nil {
		return err
	}
	defer deletable()
	return s.schema.Rows(ctx, func(ctx context.Context, _ []string) error { return s.schema.HoldAll(ctx, f) })
}

// Backup has the embedded engine write all tables into a folder while the store is still, and
// calls f with the folder and what is in it. Then it removes the folder. The store may be of an
// older version, and need not be prepared. now is asked when the store is still.
func (s *Store) Backup(ctx context.Context, now func() time.Time, f func(folder string, m backup.Manifest) error) (err error) {
	if err := s.openWay(ctx); err != nil {
		return err
	}
	had, err := s.schema.Version(ctx)
	if err != nil {
		return err
	}
	m := backup.Manifest{Program: s.cfg.Program, Schema: had}
	name := stagingPrefix + rand.Text()
	folder := filepath.Join(s.cfg.Dir, "backups", name)
	var lock *os.File
	defer func() {
		err = errors.Join(err, os.RemoveAll(folder))
		if lock != nil {
			err = errors.Join(err, os.Remove(lock.Name()), lock.Close())
		}
	}()
	err = s.Still(ctx, func(ctx context.Context) error {
		err := s.removeStaging()
		if err == nil {
			lock, err = lockStaging(folder+stagingLock, true) // others look at it for a moment
		}
		if err != nil {
			return err
		}
		m.Time = now()
		err = s.stage(ctx, name, folder, &m)
		if err == nil {
			err = s.direct.QueryRow(ctx, "SELECT max(number) FROM policy").Scan(&m.Policy)
			if code(err) == unknownTable {
				err = nil
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	return f(folder, m)
}

func (s *Store) openWay(ctx context.Context) error {
	if s.way == nil {
		return errors.New("only the embedded engine backs up")
	}
	return s.way.Open(ctx)
}

// lockStaging makes and locks the file of a folder. It fails if another process has the lock, unless
// it may wait.
func lockStaging(path string, wait bool) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// RemoveStaging removes what processes left that died while they made a backup with the embedded
// engine. The data directory then holds no copy of tables.
func (s *Store) RemoveStaging(ctx context.Context) error {
	left, err := s.staging()
	if err != nil || len(left) == 0 {
		return err
	}
	if err := s.Still(ctx, func(context.Context) error { return s.removeStaging() }); err != nil {
		return fmt.Errorf("remove what was left of a backup: %w", err)
	}
	return nil
}

// staging returns the folders of which no process has the lock.
func (s *Store) staging() ([]string, error) {
	if s.way == nil {
		return nil, nil
	}
	entries, err := os.ReadDir(filepath.Join(s.cfg.Dir, "backups"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var left []string
	for _, e := range entries {
		if err != nil || !strings.HasPrefix(e.Name(), stagingPrefix) {
			continue
		}
		folder := strings.TrimSuffix(filepath.Join(s.cfg.Dir, "backups", e.Name()), stagingLock)
		var lock *os.File
		lock, err = lockStaging(folder+stagingLock, false)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = nil
			continue
		}
		if err == nil {
			left = append(left, folder)
			err = lock.Close()
		}
	}
	return left, err
}

// removeStaging removes what dead processes left. It is called under Still, in which such folders
// and locks are made.
func (s *Store) removeStaging() error {
	left, err := s.staging()
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder), os.RemoveAll(folder+stagingLock))
	}
	return err
}

// attempts bounds how often stage tries again because a page or command has written meanwhile.
const attempts = 5

// stage has the engine write a backup, and sets the tables of m. What people write outside of
// the locks, such as a note on a day, must not come between the two.
func (s *Store) stage(ctx context.Context, name, folder string, m *backup.Manifest) error {
	database := quoteName(s.opts.Auth.Database)
	locks, err := s.schema.LockTables(ctx)
	if err != nil {
		return err
	}
	for i, lock := range locks {
		locks[i] = database + "." + quoteName(lock)
	}
	for range attempts {
		if m.Tables, err = s.Figures(ctx, nil); err != nil {
			return err
		}
		err = s.direct.Exec(ctx, "BACKUP DATABASE "+database+" EXCEPT TABLES "+strings.Join(locks, ", ")+" TO File('"+name+"/')")
		if err != nil {
			return err
		}
		after, err := s.Figures(ctx, nil)
		if err != nil {
			return err
		}
		if len(backup.Compare(m.Tables, after)) == 0 && len(backup.Compare(after, m.Tables)) == 0 {
			return nil
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return errors.New("the store does not stay as it is")
}

// Restore makes this store, of which there is nothing yet, from a folder that Backup wrote and
// that stands in the engine's folder for backups. Then it prepares the store: a backup of an
// older version is migrated, and has a backfill to do: see Fill. Nobody is logged in afterwards.
func (s *Store) Restore(ctx context.Context, folder string) error {
	if err := s.openWay(ctx); err != nil {
		return err
	}
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	opts := *s.opts
	opts.Auth.Database = "default"
	conn, err := clickhouse.Open(&opts)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer conn.Close()
	if err := (bounded{conn}).Exec(ctx, "RESTORE DATABASE "+quoteName(DefaultDatabase)+" AS "+quoteName(s.opts.Auth.Database)+" FROM File('"+folder+"/')"); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := s.direct.Exec(ctx, "TRUNCATE TABLE logins"); err != nil && code(err) != unknownTable {
		return fmt.Errorf("restore: end log-ins: %w", err)
	}
	return s.Prepare(ctx)
}

// Schema returns the number of the last migration that the store has had, which may be older than
// those of this program. Its error wraps ErrNoStore, ErrNewer or ErrForeign where they apply.
func (s *Store) Schema(ctx context.Context) (int, error) { return s.schema.Version(ctx) }

// SchemaVersion returns the number of the last migration that this program has.
func SchemaVersion() int { return len(schema.All()) }
