package embedded

import (
	"syscall"
	"unsafe"
)

// lastSignal is the highest signal with a fixed meaning. Above it are the real-time signals,
// which neither Go nor the engine uses.
const lastSignal = 31

// handler is large enough for the struct sigaction of any system.
type handler [32]uint64

// saveHandlers returns the handlers of this process for all signals.
func (l *library) saveHandlers() *[lastSignal + 1]handler {
	var saved [lastSignal + 1]handler
	for signal := 1; signal <= lastSignal; signal++ {
		l.sigaction(int32(signal), nil, unsafe.Pointer(&saved[signal]))
	}
	return &saved
}

// restoreHandlers puts back what saveHandlers read.
func (l *library) restoreHandlers(saved *[lastSignal + 1]handler) {
	for signal := 1; signal <= lastSignal; signal++ {
		if s := syscall.Signal(signal); s != syscall.SIGKILL && s != syscall.SIGSTOP {
			l.sigaction(int32(signal), unsafe.Pointer(&saved[signal]), nil)
		}
	}
}
