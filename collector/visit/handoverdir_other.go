//go:build !linux

package visit

import (
	"fmt"
	"os"
	"runtime"
)

// handoverDir is never created: only on Linux it is known what stays in memory.
type handoverDir struct{}

func openHandoverDir(string) (*handoverDir, error) {
	return nil, fmt.Errorf("%w: this can't be checked on %s", ErrNotInMemory, runtime.GOOS)
}

func (*handoverDir) close()                    {}
func (*handoverDir) check() error              { return ErrNotInMemory }
func (*handoverDir) clear() error              { return ErrNotInMemory }
func (*handoverDir) create() (*os.File, error) { return nil, ErrNotInMemory }
func (*handoverDir) finish() error             { return ErrNotInMemory }
func (*handoverDir) take() (*os.File, error)   { return nil, ErrNotInMemory }
