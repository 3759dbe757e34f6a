package receipt

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fotspor/fotspor/internal/trusted"
)

// KeyFile is the name of the file with the private key in the data directory.
const KeyFile = "receipts.key"

// OpenKey reads the private key in a data directory: PKCS #8 in PEM. If there is none, it makes
// one for the owner alone, and the directory if that is missing.
func OpenKey(dir string) (ed25519.PrivateKey, error) {
	dir, err := trusted.MakeDir(dir)
	if err != nil {
		return nil, fmt.Errorf("key of receipts: %w", err)
	}
	path := filepath.Join(dir, KeyFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of receipts: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("key of receipts: %q is not PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key of receipts in %q: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key of receipts: %q is no Ed25519 key", path)
	}
	return key, nil
}

// makeKey makes a key and its file. Of two processes at once both get the key of one.
func makeKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of receipts: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make key of receipts: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), KeyFile+".*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("make key of receipts: %w", err)
	}
	defer os.Remove(f.Name())
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("make key of receipts: %w", err)
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return OpenKey(filepath.Dir(path))
	} else if err != nil {
		return nil, fmt.Errorf("make key of receipts: %w", err)
	}
	return key, nil
}

// PublicPEM returns a public key in PEM (RFC 8410), as openssl reads it.
func PublicPEM(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("write public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
