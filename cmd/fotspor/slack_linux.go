package main

import (
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is by how much the threads of a program that takes hits may sleep too long. Under
// load a thread of Go's runtime sleeps 20 µs at a time, which Linux makes 70, and to wake it
// is 6 % of the CPU of a hit. It also finds other goroutines a thread where one waits for the
// disk, so it must not sleep for long.
const timerSlack = 250 * time.Microsecond

// slackSet is in the environment of a program that was started again.
const slackSet = "TIMER_SLACK_SET=1"

func init() {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "collector") {
		restartWithSlack()
	}
}

// restartWithSlack replaces the program by itself with timerSlack, once. Threads inherit the
// slack and can't change that of others, and that thread of the runtime is there before any
// code of ours. If anything fails, the program goes on as it began.
func restartWithSlack() {
	if slices.Contains(os.Environ(), slackSet) {
		return
	}
	program, err := os.Executable()
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0) != nil {
		return
	}
	syscall.Exec(program, os.Args, append(os.Environ(), slackSet))
}
