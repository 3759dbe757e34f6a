// Package race keeps tests in which nothing happens at once from the race detector, which
// makes them take five to ten times as long and has nothing to find in them.
package race

import "testing"

// Skip skips a test if the race detector is on. "make test" runs the tests that call it a
// second time, without the detector: it finds them by this call.
func Skip(tb testing.TB) {
	tb.Helper()
	if enabled {
		tb.Skip("make test runs it without the race detector")
	}
}
