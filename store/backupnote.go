package store

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/site"
)

// Backups are the backups in a directory.
type Backups struct{ Oldest, Newest time.Time }

// backups are the directories with backups, by machine and path. The processes that serve may
// not be able to look into them.
const backups setting[map[string]Backups] = "backups"

// Backups returns the directories with backups, by machine and path, as the last commands left
// them.
func (s *Store) Backups(ctx context.Context) (map[string]Backups, error) {
	all, err := backups.read(ctx, s, 0)
	if errors.Is(err, site.ErrNotFound) {
		err = nil
	}
	return all.Value, err
}

// NoteBackups notes which backups a directory of this machine has, zero for none, and in the
// audit log what was done about which.
func (s *Store) NoteBackups(ctx context.Context, dir string, now Backups, what audit.Action, about string) error {
	host, _ := os.Hostname() // for people; may be ""
	return s.edit(ctx, func(ctx context.Context) error {
		all, err := s.Backups(ctx)
		if err != nil {
			return err
		}
		next := map[string]Backups{host + ":" + dir: now}
		for name, b := range all {
			if name != host+":"+dir {
				next[name] = b
			}
		}
		if now == (Backups{}) {
			delete(next, host+":"+dir)
		}
		if err := s.note(ctx, what, about); err != nil {
			return err
		}
		return backups.add(ctx, s, 0, next)
	})
}
