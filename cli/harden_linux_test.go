package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// hardenChild in the environment makes TestHarden be the process that is looked at:
// "hard" or "soft".
const hardenChild = "FOTSPOR_TEST_HARDEN"

// TestHarden: a hardened process leaves no core when it dies by a signal that dumps core, while
// another process does, and it prints no stacks on SIGQUIT.
func TestHarden(t *testing.T) {
	if os.Getenv(hardenChild) != "" {
		dieHard(t)
		return
	}
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"soft", "hard"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0], "-test.run=^TestHarden$")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), hardenChild+"="+how, "GOTRACEBACK=crash")
			out, err := cmd.CombinedOutput()
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !status.Signaled() || status.Signal() != syscall.SIGABRT {
				t.Fatalf("ended with %v, want SIGABRT:\n%s", err, out)
			}
			cores, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			dumped := status.CoreDump() || len(cores) > 0
			switch {
			case how == "soft" && !dumped:
				t.Skipf("this machine writes no cores (core_pattern %q): that there is none of a hardened process proves little", pattern)
			case how == "hard" && dumped:
				t.Errorf("a hardened process left a core: %v", cores)
			case how == "hard" && !bytes.Contains(out, []byte("core limit 0 0, dumpable 0\n")):
				t.Errorf("a hardened process says:\n%s", out)
			}
		})
	}
}

// dieHard prints the result of harden, and dies.
func dieHard(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = min(limit.Max, 1<<16) // a piece of a core is a core
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	if os.Getenv(hardenChild) == "hard" {
		if err := harden(); err != nil {
			t.Fatal(err)
		}
		// As a signal goes to the process, it has come when kill returns.
		if err := syscall.Kill(os.Getpid(), syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
	}
	limits, err := os.ReadFile("/proc/self/limits")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			soft, hard, _ := strings.Cut(strings.TrimSpace(rest), " ")
			hard, _, _ = strings.Cut(strings.TrimSpace(hard), " ")
			dumpable, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_GET_DUMPABLE, 0, 0)
			if errno != 0 {
				t.Fatal(errno)
			}
			fmt.Printf("core limit %s %s, dumpable %d\n", soft, hard, dumpable)
		}
	}
	// By SIGQUIT Go's threads tell each other that it ends, and wait long if
	// it is ignored. Only Notify puts Go's own handler back.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGQUIT)
	signal.Reset(syscall.SIGQUIT)
	syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}
