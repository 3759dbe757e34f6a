package retention

import "golang.org/x/sys/unix"

// KernelSynchronised reports whether the kernel reports its clock as synchronised, which NTP
// daemons set: adjtimex(2). It returns false if the process may not ask the kernel.
func KernelSynchronised() bool {
	const timeError = 5 // TIME_ERROR of <linux/timex.h>: the clock is not synchronised
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != timeError && t.Status&unix.STA_UNSYNC == 0
}
