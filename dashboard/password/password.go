// Package password turns passwords into argon2id hashes and checks them.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// MinLength is the shortest password that Check takes, in characters; NIST SP 800-63B
// and OWASP ASVS 5 (6.2.1) ask for a length and for no mixture of signs.
const MinLength = 12

// maxLength bounds the work that one password can ask for, in bytes.
const maxLength = 1024

// ErrLength is returned by Check for a password that is too short or too long.
var ErrLength = errors.New("password: want at least 12 characters and at most 1024 bytes")

// The parameters are the smallest that OWASP's password storage cheat sheet
// recommends for argon2id: 19 MiB, 2 passes, 1 lane. RFC 9106's second choice,
// 64 MiB, is too much for a server of 1 GB on which a database engine runs in
// the same process. A hash carries its own parameters, so they can be raised.
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	lanes   = 1
	saltLen = 16
	keyLen  = 32
)

// parallel bounds how many hashes are computed at once, and with it the memory
// that a flood of log-ins can take: 2 × 19 MiB.
const parallel = 2

// normal returns a password as it is hashed, however a keyboard writes its letters: in
// NFC, with U+0020 for every space, as in RFC 8265 (OpaqueString).
func normal(password string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, password))
}

// Same reports whether two texts are the same password.
func Same(a, b string) bool { return normal(a) == normal(b) }

// Hasher computes hashes, a few at a time. It is safe for concurrent use.
type Hasher struct {
	slots chan struct{}
	dummy string
}

// NewHasher returns a Hasher.
func NewHasher() *Hasher {
	h := &Hasher{slots: make(chan struct{}, parallel)}
	// Nobody knows a password to this hash: there is none.
	h.dummy = encode(random(saltLen), random(keyLen))
	return h
}

// Hash returns the hash of a password in PHC string format, or the error of Check. It
// waits for its turn until ctx ends.
func (h *Hasher) Hash(ctx context.Context, password string, words ...string) (string, error) {
	if err := Check(password, words...); err != nil {
		return "", err
	}
	password = normal(password)
	salt := random(saltLen)
	key, err := h.key(ctx, password, salt, passes, memory, lanes)
	if err != nil {
		return "", err
	}
	return encode(salt, key), nil
}

// Verify reports whether a password belongs to a hash, in time that does not
// depend on where they differ. An empty hash stands for a user that does not
// exist: it takes the time of any other and is always false.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	exists := hash != ""
	if !exists {
		hash = h.dummy
	}
	p, err := parse(hash)
	if err != nil {
		return false, err
	}
	if password = normal(password); len(password) > maxLength {
		password, exists = "", false
	}
	key, err := h.key(ctx, password, p.salt, p.passes, p.memory, p.lanes)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1 && exists, nil
}

// key waits for a slot and computes the argon2id key.
func (h *Hasher) key(ctx context.Context, password string, salt []byte, passes, memory uint32, lanes uint8) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, keyLen), nil
}

// parsed is a PHC string taken apart.
type parsed struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

var b64 = base64.RawStdEncoding

// encode writes a PHC string,
// https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md.
func encode(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, memory, passes, lanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// parse reads a PHC string of argon2id. Its errors never contain the hash.
func parse(hash string) (parsed, error) {
	var p parsed
	var version int
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, errors.New("password hash: not argon2id in PHC format")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, errors.New("password hash: unknown version of argon2id")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil ||
		p.memory > 1<<20 || p.passes < 1 || p.passes > 16 || p.lanes < 1 {
		return p, errors.New("password hash: parameters out of range")
	}
	var errSalt, errKey error
	p.salt, errSalt = b64.DecodeString(parts[4])
	p.key, errKey = b64.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(p.salt) < 8 || len(p.key) != keyLen {
		return p, errors.New("password hash: bad salt or key")
	}
	return p, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
