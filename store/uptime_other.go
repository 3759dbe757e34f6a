//go:build !linux

package store

import "time"

// machineUptime returns false: the uptime is known on Linux only.
func machineUptime() (time.Duration, bool) { return 0, false }
