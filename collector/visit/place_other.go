//go:build !linux

package visit

import (
	"fmt"
	"os"
	"runtime"
)

// place is never made: what is in memory can be told on Linux only.
type place struct{}

func openPlace(string) (*place, error) {
	return nil, fmt.Errorf("%w: that cannot be told on %s", ErrNotInMemory, runtime.GOOS)
}

func (*place) close()                    {}
func (*place) check() error              { return ErrNotInMemory }
func (*place) clear() error              { return ErrNotInMemory }
func (*place) create() (*os.File, error) { return nil, ErrNotInMemory }
func (*place) finish() error             { return ErrNotInMemory }
func (*place) take() (*os.File, error)   { return nil, ErrNotInMemory }
