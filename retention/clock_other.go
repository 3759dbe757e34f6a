//go:build !linux

package retention

// KernelSynchronised reports false: only Linux is asked.
func KernelSynchronised() bool { return false }
