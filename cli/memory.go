package cli

import (
	"errors"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/fotspor/fotspor/app"
)

// leastMemory is the least that Go's garbage collector is told to keep to, in bytes. With
// less it would do nothing but collect.
const leastMemory = 128 << 20

// limitMemory has Go's garbage collector keep the process within the memory of its
// cgroup, of which the embedded engine, where the process holds it, takes a share that Go
// does not see. GOMEMLIMIT goes before it. It changes the whole process.
func (c *call) limitMemory(holdsEngine bool) {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return // GOMEMLIMIT is set
	}
	total, err := memlimit.FromCgroup()
	if errors.Is(err, memlimit.ErrNoLimit) || errors.Is(err, memlimit.ErrNoCgroup) || errors.Is(err, memlimit.ErrCgroupsNotSupported) {
		return
	}
	if err != nil {
		c.opts.Logger.Warn("the memory limit of this process can't be read, set GOMEMLIMIT", "err", err)
		return
	}
	var engine int64
	if holdsEngine {
		engine = c.opts.EngineMemory
	}
	limit, enough := goMemory(total, engine, c.opts.Collector)
	if !enough {
		c.opts.Logger.Warn("the memory limit of this process leaves too little beside the engine: raise it, or lower --engine-memory",
			"limit", total, "engine", engine)
	}
	debug.SetMemoryLimit(limit)
	c.opts.Logger.Info("memory", "limit", total, "engine", engine, "go", limit)
}

// goMemory returns how many bytes Go may take where a process may take total and the
// engine takes some of it: nine tenths of the rest, since what Go does not count, such as
// the stacks of the engine's threads, needs room, too. What a collector reserves without
// touching it comes on top. It returns false, and leastMemory, if that is too little.
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
