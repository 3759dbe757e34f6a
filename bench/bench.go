package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	warmTime = 500 * time.Millisecond // of load on each server before anything is measured

	// turn is how long a server is under load before the next one is. It is short, so that
	// other work of the machine meanwhile takes as much of each.
	turn = 500 * time.Millisecond
)

// bench is one run.
type bench struct {
	options
	dir     string // for data; not removed here
	out     io.Writer
	servers []*server     // the first is what the others are compared with
	other   time.Duration // CPU time that the rest of the machine took while something was measured
	took    time.Duration // to measure
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
		if _, err := b.measure(ctx, b.servers, requests[i], slices.Max(b.connections), warmTime); err != nil {
			return err
		}
	}
	b.other, b.took = 0, 0
	var base result
	for i, e := range endpoints {
		for _, n := range b.connections {
			all := b.pairs()
			for j := range all {
				if err := b.compare(ctx, &all[j], requests[i], n); err != nil {
					return err
				}
				if all[j].to == b.servers[0] {
					base = append(base, all[j].base...)
				}
			}
			b.print(fmt.Sprintf("GET %s over %d connections", e.path, n), all)
		}
	}
	b.printNoise()
	for _, s := range b.servers {
		if err := b.backlog(ctx, s, requests[0], base); err != nil {
			return err
		}
	}
	return b.verify(ctx)
}

// pair is a server, another that it is compared with, and what the two did in the same rounds.
type pair struct {
	server, to *server
	of, base   result
}

// pairs returns what is compared: each server with the first one or, of several builds, each
// with the first build.
func (b *bench) pairs() []pair {
	var all []pair
	for _, s := range b.servers[1:] {
		to := b.servers[0]
		if len(b.programs) > 1 {
			to = b.servers[slices.IndexFunc(b.servers, func(other *server) bool { return other.name == s.name })]
		}
		if s != to {
			all = append(all, pair{server: s, to: to})
		}
	}
	return all
}

// compare measures a pair in rounds.
func (b *bench) compare(ctx context.Context, p *pair, requests [][]byte, connections int) error {
	for range b.rounds {
		windows, err := b.measure(ctx, []*server{p.to, p.server}, requests, connections, b.window)
		if err != nil {
			return err
		}
		p.base, p.of = append(p.base, windows[0]), append(p.of, windows[1])
	}
	return nil
}

// start starts the servers, each in its own processes.
func (b *bench) start(ctx context.Context) error {
	starts := []func() (*server, error){
		func() (*server, error) { return startBare(ctx) },
		func() (*server, error) { return startNginx(ctx, b.dir) },
	}
	for i, program := range b.programs {
		dir := filepath.Join(b.dir, strconv.Itoa(i))
		starts = append(starts,
			func() (*server, error) { return startEmbedded(ctx, program, dir) },
			func() (*server, error) { return startSplit(ctx, program, dir) })
	}
	for _, start := range starts {
		s, err := start()
		if s != nil {
			b.servers = append(b.servers, s)
		}
		if err != nil {
			return err
		}
	}
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
	used []stat
	load time.Duration // CPU time that the load took
}

// measure puts servers under load in turns, until each has had length of it, and waits until
// all of it is stored.
func (b *bench) measure(ctx context.Context, servers []*server, requests [][]byte, connections int, length time.Duration) ([]window, error) {
	start, own := time.Now(), ownCPU()
	before, err := usage(servers)
	if err != nil {
		return nil, err
	}
	machine, err := busy()
	if err != nil {
		return nil, err
	}
	windows := make([]window, len(servers))
	for n := 0; length > 0; n++ {
		for i := range servers {
			i = (i + n) % len(servers)
			own := ownCPU()
			t, err := load(ctx, servers[i].addr, requests, connections, min(turn, length))
			if err != nil {
				return nil, fmt.Errorf("%s under load: %w", servers[i].name, err)
			}
			servers[i].count(t)
			windows[i].add(t)
			windows[i].load += ownCPU() - own
		}
		length -= turn
	}
	loaded, err := usage(servers)
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		if err := s.awaitStored(ctx); err != nil {
			return nil, err
		}
	}
	after, err := usage(servers)
	if err != nil {
		return nil, err
	}
	machineAfter, err := busy()
	if err != nil {
		return nil, err
	}
	b.took += time.Since(start)
	b.other += machineAfter - machine - (ownCPU() - own)
	for i := range windows {
		b.other -= cpuOf(after[i]) - cpuOf(before[i])
		windows[i].used = loaded[i]
		for j := range loaded[i] {
			windows[i].used[j].cpu = after[i][j].cpu - before[i][j].cpu
		}
	}
	return windows, nil
}

// usage returns what each process of each server has used so far.
func usage(servers []*server) ([][]stat, error) {
	all := make([][]stat, len(servers))
	for i, s := range servers {
		var err error
		if all[i], err = s.usage(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// backlog measures in rounds how fast rows of a server get from the spool into the store,
// and nothing else: hits come in while the engine is halted, then it runs again. Only a
// store in its own process can be halted; the embedded one is the same engine.
func (b *bench) backlog(ctx context.Context, s *server, requests [][]byte, base result) error {
	if len(s.processes) < 2 {
		return nil
	}
	var rounds []stored
	for range b.rounds {
		round, err := b.catchUp(ctx, s, requests)
		if err != nil {
			return err
		}
		rounds = append(rounds, round)
	}
	b.printBacklog(s, rounds, base)
	return nil
}

// stored is what it took to store the rows that had waited.
type stored struct {
	rows              int
	collector, engine time.Duration // CPU
}

// catchUp halts the engine under load, and measures what follows.
func (b *bench) catchUp(ctx context.Context, s *server, requests [][]byte) (stored, error) {
	engine := s.processes[1].cmd.Process
	if err := engine.Signal(syscall.SIGSTOP); err != nil {
		return stored{}, err
	}
	defer engine.Signal(syscall.SIGCONT) // or it could not be ended
	t, err := load(ctx, s.addr, requests, slices.Max(b.connections), 2*b.window)
	if err != nil {
		return stored{}, fmt.Errorf("%s with a halted engine: %w", s.name, err)
	}
	s.count(t)
	before, err := s.usage()
	if err != nil {
		return stored{}, err
	}
	if err := engine.Signal(syscall.SIGCONT); err != nil {
		return stored{}, err
	}
	if err := s.awaitStored(ctx); err != nil {
		return stored{}, err
	}
	after, err := s.usage()
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
		text, err := exec.CommandContext(ctx, s.program, query...).Output()
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
