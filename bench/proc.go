package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of CPU time in /proc/stat: USER_HZ is 100 on all that Go runs on.
const tick = time.Second / 100

// stat is one process as /proc/PID/stat tells of it; see proc(5).
type stat struct {
	parent   int
	cpu      time.Duration // user and system, of all threads; not from /proc, which counts ticks
	resident int64         // bytes, shared ones included
}

// parseStat reads the content of /proc/PID/stat.
func parseStat(content []byte) (stat, error) {
	// The name of the program stands in brackets and may hold anything, brackets
	// too. What follows are numbers, the first of them the third field.
	end := bytes.LastIndexByte(content, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("no process: %q", content)
	}
	fields := bytes.Fields(content[end+1:])
	field := func(n int) (v int64, err error) {
		if n-3 >= len(fields) {
			return 0, fmt.Errorf("field %d of a process is missing", n)
		}
		return strconv.ParseInt(string(fields[n-3]), 10, 64)
	}
	var values [2]int64
	for i, n := range []int{4, 24} { // ppid, rss
		var err error
		if values[i], err = field(n); err != nil {
			return stat{}, err
		}
	}
	return stat{parent: int(values[0]), resident: values[1] * int64(os.Getpagesize())}, nil
}

// cpuTime returns the CPU time that a process has used, in nanoseconds as Linux counts it.
// The number of its clock is what clock_getcpuclockid(3) makes of its id.
func cpuTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// tree returns the sum of a process and all that descend from it.
func tree(pid int) (stat, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return stat{}, err
	}
	all := make(map[int]stat, len(files))
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			continue // gone meanwhile
		}
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			return stat{}, err
		}
		one, err := parseStat(content)
		if err != nil {
			return stat{}, err
		}
		if one.cpu, err = cpuTime(id); err != nil {
			continue // gone meanwhile
		}
		all[id] = one
	}
	if _, ok := all[pid]; !ok {
		return stat{}, fmt.Errorf("process %d is not in /proc", pid)
	}
	return sum(all, pid), nil
}

// sum adds up the tree below a process. Its parent is not told.
func sum(all map[int]stat, pid int) stat {
	total := stat{cpu: all[pid].cpu, resident: all[pid].resident}
	for child, s := range all {
		if s.parent == pid && child != pid {
			below := sum(all, child)
			total.cpu += below.cpu
			total.resident += below.resident
		}
	}
	return total
}

// busy returns the CPU time that the whole machine has used, by the first line of
// /proc/stat: all but idle and iowait, and not the guests that user includes.
func busy() (time.Duration, error) {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseBusy(content)
}

func parseBusy(content []byte) (time.Duration, error) {
	line, _, _ := bytes.Cut(content, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 || string(fields[0]) != "cpu" {
		return 0, fmt.Errorf("no CPU times: %q", line)
	}
	var ticks int64
	for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("CPU times: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// ownCPU returns the CPU time that this process has used.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0 // the numbers it is for are told with less, not without
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
