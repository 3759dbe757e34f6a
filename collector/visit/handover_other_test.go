//go:build !linux

package visit_test

import (
	"errors"
	"testing"

	"github.com/fotspor/fotspor/collector/visit"
)

// TestNotInMemory: on systems that don't tell what stays in memory, no directory is
// accepted.
func TestNotInMemory(t *testing.T) {
	tr := visit.New(visit.Options{})
	if err := tr.HandOver(t.TempDir()); !errors.Is(err, visit.ErrNotInMemory) {
		t.Errorf("HandOver() = %v", err)
	}
	if n, err := tr.TakeOver(t.TempDir()); n != 0 || !errors.Is(err, visit.ErrNotInMemory) {
		t.Errorf("TakeOver() = %d, %v", n, err)
	}
}
