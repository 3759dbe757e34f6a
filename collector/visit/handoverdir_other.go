//go:build !linux

package visit

import (
	"fmt"
	"os"
	"runtime"
)

// handoverDir is never made: only Linux tells what is in memory.
type handoverDir struct{}

func openHandoverDir(string) (*handoverDir, error) {
	return nil, fmt.Errorf("%w: that cannot be told on %s", ErrNotInMemory, runtime.GOOS)
}

func (*handoverDir) close()                    {}
func (*handoverDir) check() error              { return ErrNotInMemory }
func (*handoverDir) clear() error              { return ErrNotInMemory }
func (*handoverDir) create() (*os.File, error) { return nil, ErrNotInMemory }
func (*handoverDir) finish() error             { return ErrNotInMemory }
func (*handoverDir) take() (*os.File, error)   { return nil, ErrNotInMemory }
