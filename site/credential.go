package site

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Credential lets a program speak for visitors: tell their address and the time.
type Credential struct {
	ID      string   // short, for people; no secret
	Name    string   // what the credential is for
	Hash    [32]byte // HashSecret of its secret
	Sites   []uint32 // that it is good for; empty: all sites
	Created time.Time
}

// NewCredential returns a credential for some sites, or for all if none is named, and its
// secret. The secret has 32 hexadecimal digits, as Matomo's tokens have: some of its
// clients refuse any other form.
func NewCredential(name string, sites []uint32, now time.Time) (c Credential, secret string, err error) {
	if slices.Contains(sites, 0) {
		return Credential{}, "", fmt.Errorf("credential for site 0: %w", ErrNotFound)
	}
	random := make([]byte, 16)
	rand.Read(random)
	secret = hex.EncodeToString(random)
	return Credential{
		ID:      strings.ToLower(rand.Text()[:8]),
		Name:    name,
		Hash:    HashSecret(secret),
		Sites:   slices.Clone(sites),
		Created: now.UTC().Truncate(time.Second),
	}, secret, nil
}

// HashSecret returns what is kept of the secret of a credential, its SHA-256. A slow hash
// would add nothing: nobody guesses 128 random bits.
func HashSecret(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// Allows reports whether the credential is good for a site.
func (c Credential) Allows(site uint32) bool {
	return len(c.Sites) == 0 || slices.Contains(c.Sites, site)
}

// Rights says in words what the credential is good for.
func (c Credential) Rights() string { return siteList(len(c.Sites) > 0, c.Sites) }
