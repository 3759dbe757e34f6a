package cli

import (
	"fmt"
	"os/signal"
	"syscall"
)

// harden keeps the memory of this process out of files and other programs, however the
// process ends. Its memory holds addresses, the secrets of the day, passwords and rows.
//
//   - No core file is written. If the kernel passes cores to a program, such as
//     systemd-coredump, it ignores the limit on their size. So the process is also made not
//     dumpable, which keeps other processes of the same user from tracing and reading it.
//   - SIGQUIT is ignored: Go would answer it with the stacks of all goroutines and the
//     values of their arguments.
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
