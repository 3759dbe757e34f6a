package store

import (
	"context"
	"fmt"
)

// edit runs f, which reads sites or users, changes them and writes them, while no other
// process does the same. So of two changes at once the later one is made to what the earlier
// one has left. The context of f ends if the lock is lost.
func (s *Store) edit(ctx context.Context, f func(context.Context) error) error {
	if s.Version() == "" { // the lock is written, too
		return ErrNotPrepared
	}
	s.edits.Lock()
	defer s.edits.Unlock()
	ctx, unlock, err := s.schema.LockEdits(ctx)
	if err != nil {
		return fmt.Errorf("wait for other changes: %w", err)
	}
	defer unlock()
	return f(ctx)
}
