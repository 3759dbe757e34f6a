package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asChild, in the environment, makes TestTimerSlack be the program that it starts.
const asChild = "FOTSPOR_TEST_OF_SLACK=1"

// TestTimerSlack starts a process that restarts itself, and expects it to go on once.
func TestTimerSlack(t *testing.T) {
	if os.Getenv("FOTSPOR_TEST_OF_SLACK") != "" {
		restartWithSlack()
		slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		fmt.Println(time.Duration(slack), err, os.Getpid())
		os.Exit(0)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestTimerSlack$", "-test.count=1")
	child.Env = append(os.Environ(), asChild)
	got, err := child.Output()
	if want := fmt.Sprintln(timerSlack, nil, child.Process.Pid); err != nil || string(got) != want {
		t.Errorf("the child wrote %q, %v, want %q", got, err, want)
	}
}
