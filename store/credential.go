package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/site"
)

// AddCredential stores a new credential for sites, or for all sites if there are none. It
// returns the secret, which is not stored.
func (s *Store) AddCredential(ctx context.Context, name string, sites []uint32) (c site.Credential, secret string, err error) {
	c, secret, err = site.NewCredential(name, sites, time.Now())
	if err != nil {
		return site.Credential{}, "", err
	}
	if err := s.note(ctx, audit.CredentialAdded, fmt.Sprintf("credential %s: %s", c.ID, c.Rights())); err != nil {
		return site.Credential{}, "", err
	}
	err = s.conn.Exec(ctx, `
		INSERT INTO credentials (id, name, hash, sites, created, removed, updated)
		VALUES (?, ?, ?, ?, ?, 0, now64(6))`,
		c.ID, c.Name, hex.EncodeToString(c.Hash[:]), c.Sites, c.Created)
	if err != nil {
		return site.Credential{}, "", fmt.Errorf("add credential: %w", err)
	}
	return c, secret, nil
}

// Credentials returns all credentials, oldest first.
func (s *Store) Credentials(ctx context.Context) ([]site.Credential, error) {
	rows, err := s.conn.Query(ctx, "SELECT id, name, hash, sites, created FROM credentials FINAL WHERE NOT removed ORDER BY created, id")
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	defer rows.Close()
	var all []site.Credential
	for rows.Next() {
		var c site.Credential
		var hash string
		if err := rows.Scan(&c.ID, &c.Name, &hash, &c.Sites, &c.Created); err != nil {
			return nil, fmt.Errorf("list credentials: %w", err)
		}
		sum, err := hex.DecodeString(hash)
		if err != nil || copy(c.Hash[:], sum) != len(c.Hash) {
			return nil, fmt.Errorf("credential %s: %q is not a hash", c.ID, hash)
		}
		all = append(all, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	return all, nil
}

// RemoveCredential removes a credential. For an unknown or removed id it returns
// site.ErrNotFound.
func (s *Store) RemoveCredential(ctx context.Context, id string) error {
	all, err := s.Credentials(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(c site.Credential) bool { return c.ID == id }) {
		return fmt.Errorf("credential %q: %w", id, site.ErrNotFound)
	}
	if err := s.note(ctx, audit.CredentialRemoved, "credential "+id); err != nil {
		return err
	}
	// The version is higher than that of the current row, even if the clock was set back.
	err = s.conn.Exec(ctx, `
		INSERT INTO credentials (id, removed, updated)
		SELECT ?, 1, greatest(now64(6), max(updated) + toIntervalMicrosecond(1)) FROM credentials WHERE id = ?`, id, id)
	if err != nil {
		return fmt.Errorf("remove credential: %w", err)
	}
	s.dropReplaced(ctx, "credentials")
	return nil
}
