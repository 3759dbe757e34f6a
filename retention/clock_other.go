//go:build !linux

package retention

// KernelSynchronised returns false: this is known on Linux only.
func KernelSynchronised() bool { return false }
