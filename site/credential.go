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

// Credential allows a program to set the address and the time of visitors' hits.
type Credential struct {
	ID      string   // short, for people; not secret
	Name    string   // what the credential is for
	Hash    [32]byte // HashSecret of its secret
	Sites   []uint32 // sites that it allows; empty: all sites
	Created time.Time
}

// NewCredential returns a credential for sites, or for all sites if there are none, and its
// secret. The secret has 32 hexadecimal digits like Matomo's tokens, because some clients of
// Matomo refuse other forms.
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

// HashSecret returns the SHA-256 of the secret of a credential, which is all that is kept of
// it. A slow hash is not needed, since nobody guesses 128 random bits.
func HashSecret(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// Allows reports whether the credential allows a site.
func (c Credential) Allows(site uint32) bool {
	return len(c.Sites) == 0 || slices.Contains(c.Sites, site)
}

// Rights returns in words what the credential allows.
func (c Credential) Rights() string { return siteList(len(c.Sites) > 0, c.Sites) }
