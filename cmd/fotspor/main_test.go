package main

import (
	"os/signal"
	"syscall"
	"testing"
)

// TestHangupBeforeMain: SIGHUP is ignored before main, and so before it is caught.
func TestHangupBeforeMain(t *testing.T) {
	if !signal.Ignored(syscall.SIGHUP) {
		t.Error("SIGHUP ends the process before main")
	}
}
