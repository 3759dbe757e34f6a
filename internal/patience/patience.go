// Package patience says how long a test waits on a machine that does other things, too.
package patience

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Of returns d on a machine that is idle, and as many times d as there are processes that
// want to run for each of its processors. Where the system does not tell it returns d.
func Of(d time.Duration) time.Duration {
	text, _ := os.ReadFile("/proc/loadavg") // "20.31 22.10 17.02 25/1234 4711", see proc(5)
	return times(d, string(text), runtime.NumCPU())
}

// times is Of for a text of /proc/loadavg: the larger one of the last minute's average
// and of what wants to run now.
func times(d time.Duration, text string, processors int) time.Duration {
	factor := 1.0
	if fields := strings.Fields(text); len(fields) >= 4 {
		now, _, _ := strings.Cut(fields[3], "/")
		for _, field := range []string{fields[0], now} {
			if n, err := strconv.ParseFloat(field, 64); err == nil {
				factor = max(factor, n/float64(processors))
			}
		}
	}
	return time.Duration(factor * float64(d))
}
