package retention

import "golang.org/x/sys/unix"

// KernelSynchronised reports whether the kernel calls its clock synchronised, as NTP
// daemons tell it: adjtimex(2). It is false where the kernel may not be asked.
func KernelSynchronised() bool {
	const timeError = 5 // TIME_ERROR of <linux/timex.h>: the clock is not synchronised
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != timeError && t.Status&unix.STA_UNSYNC == 0
}
