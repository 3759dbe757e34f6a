package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// warmTime is how long each server is under load before anything is measured.
const warmTime = 500 * time.Millisecond

// bench is one run.
type bench struct {
	options
	dir     string // for data; not removed here
	out     io.Writer
	servers []*server // the first is what the others are compared with
	split   *server   // of servers, the one whose store is another process
}

// run measures, prints what it finds as it finds it, and returns an error if a
// server lost a hit.
func (b *bench) run(ctx context.Context) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	b.greet()
	requests := make([][][]byte, len(endpoints))
	for i, e := range endpoints {
		requests[i] = traffic(e)
		for _, s := range b.servers {
			if _, err := measure(ctx, s, requests[i], slices.Max(b.connections), warmTime); err != nil {
				return err
			}
		}
	}
	var all, base result
	for i, e := range endpoints {
		for _, n := range b.connections {
			results := make([]result, len(b.servers))
			for range b.rounds {
				for j, s := range b.servers {
					w, err := measure(ctx, s, requests[i], n, b.window)
					if err != nil {
						return err
					}
					results[j] = append(results[j], w)
				}
			}
			b.print(fmt.Sprintf("GET %s over %d connections", e.path, n), results)
			base = append(base, results[0]...)
			all = slices.Concat(append(results, all)...)
		}
	}
	if err := b.backlog(ctx, requests[0], base); err != nil {
		return err
	}
	b.printNoise(all)
	return b.verify(ctx)
}

// start starts the servers, each in processes of its own.
func (b *bench) start(ctx context.Context) error {
	for _, start := range []func() (*server, error){
		func() (*server, error) { return startBare(ctx) },
		func() (*server, error) { return startNginx(ctx, b.dir) },
		func() (*server, error) { return startEmbedded(ctx, b.program, b.dir) },
		func() (*server, error) { return startSplit(ctx, b.program, b.dir) },
	} {
		s, err := start()
		if s != nil {
			b.servers = append(b.servers, s)
		}
		if err != nil {
			return err
		}
	}
	b.split = b.servers[len(b.servers)-1]
	return nil
}

// stop ends all servers that were started, one that is stuck after a minute.
func (b *bench) stop() {
	for _, s := range b.servers {
		for _, p := range s.processes {
			p.stop()
		}
	}
}

// window is what one server did in one window of load.
type window struct {
	tally
	// used is the CPU time of each of its processes until all was stored, and
	// their memory when the load ended.
	used  []stat
	load  time.Duration // CPU time that the load took
	other time.Duration // CPU time that the rest of the machine took meanwhile
}

// measure puts a server under load, and waits until all of it is stored.
func measure(ctx context.Context, s *server, requests [][]byte, connections int, length time.Duration) (window, error) {
	before, err := s.usage()
	if err != nil {
		return window{}, err
	}
	own := ownCPU()
	machine, err := busy()
	if err != nil {
		return window{}, err
	}
	t, err := load(ctx, s.addr, requests, connections, length)
	if err != nil {
		return window{}, fmt.Errorf("%s under load: %w", s.name, err)
	}
	s.count(t)
	machineAfter, err := busy()
	if err != nil {
		return window{}, err
	}
	own = ownCPU() - own
	loaded, err := s.usage()
	if err != nil {
		return window{}, err
	}
	if err := s.awaitStored(ctx); err != nil {
		return window{}, err
	}
	after, err := s.usage()
	if err != nil {
		return window{}, err
	}
	w := window{tally: t, used: loaded, load: own, other: machineAfter - machine - own - (cpuOf(loaded) - cpuOf(before))}
	for i := range w.used {
		w.used[i].cpu = after[i].cpu - before[i].cpu
	}
	return w, nil
}

// backlog measures in rounds how fast rows get from the spool into the store, and
// nothing else: hits come in while the engine is halted, then it runs again. Only a
// store in a process of its own can be halted; the embedded one is the same engine.
func (b *bench) backlog(ctx context.Context, requests [][]byte, base result) error {
	var rounds []stored
	for range b.rounds {
		round, err := b.catchUp(ctx, requests)
		if err != nil {
			return err
		}
		rounds = append(rounds, round)
	}
	b.printBacklog(rounds, base)
	return nil
}

// stored is what it took to store the rows that had waited.
type stored struct {
	rows              int
	collector, engine time.Duration // CPU
}

// catchUp halts the engine under load, and measures what follows.
func (b *bench) catchUp(ctx context.Context, requests [][]byte) (stored, error) {
	engine := b.split.processes[1].cmd.Process
	if err := engine.Signal(syscall.SIGSTOP); err != nil {
		return stored{}, err
	}
	defer engine.Signal(syscall.SIGCONT) // or it could not be ended
	t, err := load(ctx, b.split.addr, requests, slices.Max(b.connections), 2*b.window)
	if err != nil {
		return stored{}, fmt.Errorf("%s with a halted engine: %w", b.split.name, err)
	}
	b.split.count(t)
	before, err := b.split.usage()
	if err != nil {
		return stored{}, err
	}
	if err := engine.Signal(syscall.SIGCONT); err != nil {
		return stored{}, err
	}
	if err := b.split.awaitStored(ctx); err != nil {
		return stored{}, err
	}
	after, err := b.split.usage()
	if err != nil {
		return stored{}, err
	}
	return stored{t.recorded, after[0].cpu - before[0].cpu, after[1].cpu - before[1].cpu}, nil
}

// verify compares what each server acknowledged with what it has.
func (b *bench) verify(ctx context.Context) error {
	for _, s := range b.servers {
		if s.metrics == "" {
			continue
		}
		if err := s.awaitStored(ctx); err != nil {
			return err
		}
		query := append([]string{"query", "SELECT count() FROM hits"}, s.store...)
		text, err := exec.CommandContext(ctx, b.program, query...).Output()
		if err != nil {
			return fmt.Errorf("fotspor query: %w", err)
		}
		rows, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return fmt.Errorf("fotspor query: %w", err)
		}
		page, err := scrape(ctx, s.metrics)
		if err != nil {
			return err
		}
		dropped, err := metric(page, "fotspor_hits_dropped_total")
		if err != nil {
			return err
		}
		if err := s.check(rows, dropped); err != nil {
			return err
		}
		fmt.Fprintf(b.out, "%s: %d hits acknowledged = %d rows in the store + %d excluded (bots, objections). None lost, none doubled.\n",
			s.name, s.recorded+s.excluded, rows, dropped)
	}
	return nil
}

// check returns an error unless the rows in the store and the hits that were left
// out are those that were acknowledged as such.
func (s *server) check(rows, dropped int) error {
	if s.recorded == rows && s.excluded == dropped {
		return nil
	}
	return fmt.Errorf("%s acknowledged %d hits as recorded and has %d rows, and %d as excluded and counts %d",
		s.name, s.recorded, rows, s.excluded, dropped)
}
