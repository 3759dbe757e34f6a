package cli

import (
	"errors"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/fotspor/fotspor/app"
)

// leastMemory is the least memory limit that Go gets, in bytes. With less it would collect
// garbage all the time.
const leastMemory = 128 << 20

// limitMemory sets Go's memory limit, for the whole process, so that the process keeps within
// the memory of its cgroup. If the process holds the embedded engine, it leaves a share for
// that, which Go does not see. It does nothing if GOMEMLIMIT is set.
func (c *call) limitMemory(holdsEngine bool) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return // GOMEMLIMIT is set
	}
	total, err := memlimit.FromCgroup()
	if errors.Is(err, memlimit.ErrNoLimit) || errors.Is(err, memlimit.ErrNoCgroup) || errors.Is(err, memlimit.ErrCgroupsNotSupported) {
		return
	}
	if err != nil {
		c.component("program").Warn("the memory limit of this process can't be read, set GOMEMLIMIT", "err", err)
		return
	}
	var engine int64
	if holdsEngine {
		engine = c.opts.EngineMemory
	}
	limit, enough := goMemory(total, engine, c.opts.Collector)
	if !enough {
		c.component("program").Warn("the memory limit of this process leaves too little beside the engine: raise it, or lower --engine-memory",
			"limit", total, "engine", engine)
	}
	debug.SetMemoryLimit(limit)
	c.component("program").Info("memory", "limit", total, "engine", engine, "go", limit)
}

// goMemory returns the memory limit of Go in bytes, if a process may take total bytes and the
// engine takes some of them. It is nine tenths of the rest, because memory that Go does not
// count, such as the stacks of the engine's threads, needs space too. For a collector,
// app.ReservedMemory is added, which is never touched. goMemory returns leastMemory and
// false if there is less.
func goMemory(total uint64, engine int64, collector bool) (limit int64, enough bool) {
	limit = int64(min(total, math.MaxInt64)/10*9) - engine
	if enough = limit >= leastMemory; !enough {
		limit = leastMemory
	}
	if collector {
		limit += app.ReservedMemory
	}
	return limit, enough
}
