//go:build !linux

package store

import "time"

// machineUptime returns false: only Linux is asked.
func machineUptime() (time.Duration, bool) { return 0, false }
