package main

import (
	"fmt"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// result is what one server did under one kind of load: a window of each round.
type result []window

// total adds up the windows.
func (r result) total() window {
	sum := window{used: make([]stat, len(r[0].used))}
	for _, w := range r {
		sum.add(w.tally)
		for i, u := range w.used {
			sum.used[i].cpu += u.cpu
			sum.used[i].resident = max(sum.used[i].resident, u.resident)
		}
	}
	return sum
}

// part is the result with the cost of one of the processes only.
func (r result) part(process int) result {
	parts := slices.Clone(r)
	for i := range parts {
		parts[i].used = parts[i].used[process : process+1]
	}
	return parts
}

// share is the part of the machine that some CPU time of the windows was.
func (r result) share(cpu func(window) time.Duration) float64 {
	var sum, took time.Duration
	for _, w := range r {
		sum += cpu(w)
		took += w.took
	}
	return sum.Seconds() / (took.Seconds() * float64(runtime.NumCPU()))
}

func (w window) hits() int { return w.recorded + w.excluded }

// rate is in hits a second.
func (w window) rate() float64 { return float64(w.hits()) / w.took.Seconds() }

// cost is the CPU time that all processes took for one hit, in seconds.
func (w window) cost() float64 { return cpuOf(w.used).Seconds() / float64(w.hits()) }

// p50 and p99 are latencies in seconds.
func (w window) p50() float64 { return percentile(w.latencies, 50).Seconds() }
func (w window) p99() float64 { return percentile(w.latencies, 99).Seconds() }

// memory is that of all processes, in bytes.
func (w window) memory() float64 {
	var sum int64
	for _, u := range w.used {
		sum += u.resident
	}
	return float64(sum)
}

func cpuOf(used []stat) time.Duration {
	var sum time.Duration
	for _, u := range used {
		sum += u.cpu
	}
	return sum
}

// greet says what the figures are worth.
func (b *bench) greet() {
	fmt.Fprintf(b.out, "The load and the servers share the %d cores of this machine: where a server is cheap, the load is what\n"+
		"limits its throughput, and latencies are those of a full machine. CPU is counted until everything is\n"+
		"stored. Figures are medians of %d rounds with windows of %v, the servers in turn; in brackets are the\n"+
		"lowest and the highest.\n",
		runtime.NumCPU(), b.rounds, b.window)
	if !slices.ContainsFunc(b.servers, func(s *server) bool { return s.name == nginxName }) {
		fmt.Fprintln(b.out, "There is no nginx on the PATH: it is left out.")
	}
	fmt.Fprintln(b.out)
}

// print prints a table of ratios to the first server, each to its window of the
// same round.
func (b *bench) print(title string, results []result) {
	fmt.Fprintln(b.out, title)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tthroughput\tCPU per hit\tp50\tp99\tmemory\tload's CPU")
	base := results[0]
	for i, s := range b.servers {
		r := results[i]
		fmt.Fprintf(w, "  %s\t%s\t%s\t%.2f\t%.2f\t%.1f\t%.0f %%\n", s.name,
			compare(r, base, window.rate), compare(r, base, window.cost),
			compare(r, base, window.p50).median(), compare(r, base, window.p99).median(),
			compare(r, base, window.memory).median(), 100*r.share(func(w window) time.Duration { return w.load }))
		if len(s.processes) == 1 {
			continue
		}
		for j, p := range s.processes {
			part := r.part(j)
			fmt.Fprintf(w, "    of which %s\t\t%.2f\t\t\t%.1f\t\n", p.name,
				compare(part, base, window.cost).median(), compare(part, base, window.memory).median())
		}
	}
	w.Flush()
	one := base.total()
	fmt.Fprintf(b.out, "  1.00 is about %.0f hits/s, %.1f ms of CPU for 1,000 hits, p50 %.2f ms, p99 %.2f ms, %.0f MB\n\n",
		one.rate(), 1e6*one.cost(), 1e3*one.p50(), 1e3*one.p99(), one.memory()/1e6)
}

// printNoise tells how much of the machine others used.
func (b *bench) printNoise(all result) {
	other := max(0, 100*all.share(func(w window) time.Duration { return w.other }))
	fmt.Fprintf(b.out, "Everything else on this machine took %.0f %% of it during the windows.", other)
	if other > 10 {
		fmt.Fprint(b.out, " That is too much: trust the CPU, not throughput and latency.")
	}
	fmt.Fprint(b.out, "\n\n")
}

// printBacklog tells what it cost to store rows that were waiting.
func (b *bench) printBacklog(rounds []stored, bare result) {
	hit := bare.total().cost()
	var speed, cost, collectors ratios
	rows := 0
	for _, r := range rounds {
		cpu := (r.collector + r.engine).Seconds()
		rows += r.rows
		speed = append(speed, float64(r.rows)/cpu/1000)
		cost = append(cost, cpu/float64(r.rows)/hit)
		collectors = append(collectors, r.collector.Seconds()/cpu)
	}
	fmt.Fprintf(b.out, "From spool to store, %d rows that waited for a halted engine\n", rows)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  thousands of rows per second of CPU\t%s\n", speed)
	fmt.Fprintf(w, "  CPU per row, to that of %s per hit\t%s\n", b.servers[0].name, cost)
	fmt.Fprintf(w, "  the collector's part of it, the rest being the engine's\t%s\n", collectors)
	w.Flush()
	fmt.Fprintln(b.out)
}

// compare returns the ratios of a result to another, each window to that of the
// same round.
func compare(r, base result, f func(window) float64) ratios {
	var all ratios
	for round, w := range r {
		all = append(all, f(w)/f(base[round]))
	}
	return all
}

// ratios are those of the rounds. They print as the median and, of several, the
// lowest and the highest.
type ratios []float64

func (r ratios) median() float64 {
	sorted := slices.Sorted(slices.Values(r))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

func (r ratios) String() string {
	low, high := slices.Min(r), slices.Max(r)
	if low == high {
		return fmt.Sprintf("%.2f", low)
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", r.median(), low, high)
}
