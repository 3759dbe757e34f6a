package store

import (
	"time"

	"golang.org/x/sys/unix"
)

// machineUptime returns the time since the machine started.
func machineUptime() (time.Duration, bool) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, false
	}
	return time.Duration(info.Uptime) * time.Second, true
}
