package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Token lets a sender speak for visitors: tell their address and the time.
type Token struct {
	ID      string   // short, for people; no secret
	Name    string   // what the token is for
	Hash    [32]byte // HashToken of the secret
	Sites   []uint32 // that it is good for; empty: all sites
	Created time.Time
}

// HashToken returns what is kept of a token's secret, its SHA-256. A slow hash
// would add nothing: nobody guesses 128 random bits.
func HashToken(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// Allows reports whether the token is good for a site.
func (t Token) Allows(site uint32) bool {
	return len(t.Sites) == 0 || slices.Contains(t.Sites, site)
}

// AddToken stores a new token for some sites, or for all if none is named. Its
// secret is returned once and never stored.
func (s *Store) AddToken(ctx context.Context, name string, sites []uint32) (token Token, secret string, err error) {
	if slices.Contains(sites, 0) {
		return Token{}, "", fmt.Errorf("token for site 0: %w", ErrNotFound)
	}
	// 32 hexadecimal digits, as Matomo's tokens have: some of its clients refuse
	// any other form.
	random := make([]byte, 16)
	rand.Read(random)
	secret = hex.EncodeToString(random)
	token = Token{
		ID:      strings.ToLower(rand.Text()[:8]),
		Name:    name,
		Hash:    HashToken(secret),
		Sites:   slices.Clone(sites),
		Created: time.Now().UTC().Truncate(time.Second),
	}
	if err := s.note(ctx, TokenAdded, fmt.Sprintf("token %s: %s", token.ID, siteList(len(sites) > 0, sites))); err != nil {
		return Token{}, "", err
	}
	err = s.conn.Exec(ctx, `
		INSERT INTO tokens (id, name, hash, sites, created, removed, updated)
		VALUES (?, ?, ?, ?, ?, 0, now64(6))`,
		token.ID, token.Name, hex.EncodeToString(token.Hash[:]), token.Sites, token.Created)
	if err != nil {
		return Token{}, "", fmt.Errorf("add token: %w", err)
	}
	return token, secret, nil
}

// Tokens returns all tokens, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := s.conn.Query(ctx, "SELECT id, name, hash, sites, created FROM tokens FINAL WHERE NOT removed ORDER BY created, id")
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	defer rows.Close()
	var tokens []Token
	for rows.Next() {
		var t Token
		var hash string
		if err := rows.Scan(&t.ID, &t.Name, &hash, &t.Sites, &t.Created); err != nil {
			return nil, fmt.Errorf("list tokens: %w", err)
		}
		sum, err := hex.DecodeString(hash)
		if err != nil || copy(t.Hash[:], sum) != len(t.Hash) {
			return nil, fmt.Errorf("token %s: %q is no hash", t.ID, hash)
		}
		tokens = append(tokens, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return tokens, nil
}

// RemoveToken ends a token; an unknown or removed id is ErrNotFound.
func (s *Store) RemoveToken(ctx context.Context, id string) error {
	tokens, err := s.Tokens(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(tokens, func(t Token) bool { return t.ID == id }) {
		return fmt.Errorf("token %q: %w", id, ErrNotFound)
	}
	if err := s.note(ctx, TokenRemoved, "token "+id); err != nil {
		return err
	}
	// It goes before the row that counts now, even if the clock has gone back since.
	err = s.conn.Exec(ctx, `
		INSERT INTO tokens (id, removed, updated)
		SELECT ?, 1, greatest(now64(6), max(updated) + toIntervalMicrosecond(1)) FROM tokens WHERE id = ?`, id, id)
	if err != nil {
		return fmt.Errorf("remove token: %w", err)
	}
	s.dropReplaced(ctx, "tokens")
	return nil
}
