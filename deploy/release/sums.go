package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sums writes SHA256SUMS, which sha256sum -c reads, and, if SIGNING_KEY names a key of
// ssh, its signature SHA256SUMS.sig, which ssh-keygen -Y verify checks.
func (r *release) sums(names []string) error {
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		sum, err := sha256File(filepath.Join(r.out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s  %s\n", sum, name)
	}
	path := filepath.Join(r.out, "SHA256SUMS")
	// A signature of other sums must not stay beside these.
	if err := os.Remove(path + ".sig"); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return err
	}
	key := os.Getenv("SIGNING_KEY")
	if key == "" {
		return nil
	}
	if err := r.command("ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "file", path).Run(); err != nil {
		return fmt.Errorf("sign the checksums with %s: %w", key, err)
	}
	return nil
}
