package receipt

import (
	"archive/tar"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// File is a file in which a part of a receipt is handed out.
type File struct {
	Name string
	Data []byte
}

// Files returns the files of a receipt, as docs/receipts.md verifies them: what was signed, its
// signature, the public key and, if they are asked for, the figures.
func (r Receipt) Files(figures bool) ([]File, error) {
	t, err := r.Read()
	if err != nil {
		return nil, err
	}
	key, err := PublicPEM(r.Public)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%06d", t.Number)
	all := []File{{name + ".json", r.Text}, {name + ".sig", r.Signature}, {"key-" + KeyID(r.Public) + ".pem", key}}
	if figures {
		all = append(all, File{name + ".figures.json", r.Figures})
	}
	return all, nil
}

// Exported returns the receipts of which a directory has the texts, in order. It verifies none.
func Exported(dir string) ([]Noted, error) {
	names, err := filepath.Glob(filepath.Join(escape.Replace(dir), "[0-9]*[0-9].json"))
	if err == nil && len(names) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read receipts in %q: %w", dir, err)
	}
	var all []Noted
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read receipts: %w", err)
		}
		n, err := Receipt{Text: text}.Note()
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		all = append(all, n)
	}
	return all, nil
}

// escape escapes a path for a pattern.
var escape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// WriteTar writes the files of all receipts without their figures, as a tar archive. each calls
// its function with the receipts in order.
func WriteTar(w io.Writer, each func(func(Receipt) error) error) error {
	archive := tar.NewWriter(w)
	keys := map[string]bool{}
	err := each(func(r Receipt) error {
		files, err := r.Files(false)
		if err != nil {
			return err
		}
		t, err := r.Read()
		if err != nil {
			return err
		}
		for _, f := range files {
			if keys[f.Name] {
				continue
			}
			if f.Name == "key-"+t.Key+".pem" {
				keys[f.Name] = true
			}
			h := &tar.Header{Name: f.Name, Mode: 0o644, Size: int64(len(f.Data)), ModTime: t.Ended.Truncate(time.Second)}
			if err := archive.WriteHeader(h); err != nil {
				return err
			}
			if _, err := archive.Write(f.Data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

// PublicText returns a public key in one line: the base64 of its DER (RFC 8410).
func PublicText(key []byte) (string, error) {
	r := Receipt{Public: key}
	der, err := x509.MarshalPKIXPublicKey(r.Public)
	if err != nil {
		return "", fmt.Errorf("write public key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}
