package cli

import (
	"fmt"
	"os/signal"
	"syscall"
)

// harden keeps the memory of this process, in which there are addresses, the secrets of
// the day, passwords and rows, out of files and of other programs, however it ends:
//
//   - No core file is written. Where the kernel hands cores to a program, as to
//     systemd-coredump, it asks nothing about the limit on their size; so the process
//     is also made one that is never dumped, and that no other of the same user may
//     trace or read.
//   - SIGQUIT is ignored: Go would answer it with the stacks of all goroutines and
//     the values of their arguments.
//
// It changes the whole process and can't be undone. See core(5) and prctl(2).
func harden() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("limit of core files 0: %w", err)
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0); errno != 0 {
		return fmt.Errorf("process not dumpable: %w", errno)
	}
	signal.Ignore(syscall.SIGQUIT)
	return nil
}
