package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
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

// loads is the part of the machine that the load took.
func (r result) loads() float64 {
	var sum, took time.Duration
	for _, w := range r {
		sum += w.load
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
		"stored. Figures are ratios to the server that is named, and means of %d rounds, in each of which both have\n"+
		"%v of load in turns of %v; in brackets is where the mean lies with a confidence of 95 %%.\n",
		runtime.NumCPU(), b.rounds, b.window, turn)
	if !slices.ContainsFunc(b.servers, func(s *server) bool { return s.name == nginxName }) {
		fmt.Fprintln(b.out, "There is no nginx on the PATH: it is left out.")
	}
	fmt.Fprintln(b.out)
}

// print prints a table of pairs.
func (b *bench) print(title string, all []pair) {
	fmt.Fprintln(b.out, title)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	for i, p := range all {
		if i == 0 || p.to != all[i-1].to {
			var base result
			for _, other := range all {
				if other.to == p.to {
					base = append(base, other.base...)
				}
			}
			one := base.total()
			fmt.Fprintf(w, "to %s (%.0f hits/s, %.1f ms of CPU for 1,000 hits, p50 %.2f ms, p99 %.2f ms, %.0f MB):\n"+
				"\tthroughput\tCPU per hit\tp50\tp99\tmemory\tload's CPU\n",
				strings.TrimSpace(p.to.name+" "+p.to.program), one.rate(), 1e6*one.cost(), 1e3*one.p50(), 1e3*one.p99(), one.memory()/1e6)
		}
		name := p.server.name
		if p.to.program != "" {
			name += " " + p.server.program
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%.1f\t%.0f %%\n", name,
			compare(p.of, p.base, window.rate), compare(p.of, p.base, window.cost),
			compare(p.of, p.base, window.p50), compare(p.of, p.base, window.p99),
			compare(p.of, p.base, window.memory).mean(), 100*p.of.loads())
		if len(p.server.processes) == 1 {
			continue
		}
		for i, process := range p.server.processes {
			part, base := p.of.part(i), p.base
			if len(p.to.processes) > 1 {
				base = base.part(i)
			}
			fmt.Fprintf(w, "    of which %s\t\t%s\t\t\t%.1f\t\n", process.name,
				compare(part, base, window.cost), compare(part, base, window.memory).mean())
		}
	}
	w.Flush()
	fmt.Fprintln(b.out)
}

// printNoise tells how much of the machine others used.
func (b *bench) printNoise() {
	other := max(0, 100*b.other.Seconds()/(b.took.Seconds()*float64(runtime.NumCPU())))
	fmt.Fprintf(b.out, "Everything else on this machine took %.0f %% of it meanwhile.", other)
	if other > 10 {
		fmt.Fprint(b.out, " That is too much: trust the CPU, not throughput and latency.")
	}
	fmt.Fprint(b.out, "\n\n")
}

// printBacklog tells what it cost to store rows that were waiting, also to what the first
// server did if that was measured.
func (b *bench) printBacklog(s *server, rounds []stored, bare result) {
	var speed, cost, collectors ratios
	rows := 0
	for _, r := range rounds {
		cpu := (r.collector + r.engine).Seconds()
		rows += r.rows
		speed = append(speed, float64(r.rows)/cpu/1000)
		if bare != nil {
			cost = append(cost, cpu/float64(r.rows)/bare.total().cost())
		}
		collectors = append(collectors, r.collector.Seconds()/cpu)
	}
	fmt.Fprintf(b.out, "From spool to store, %d rows that waited for a halted engine (%s)\n", rows, s.program)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "  thousands of rows per second of CPU\t%s\n", speed)
	if bare != nil {
		fmt.Fprintf(w, "  CPU per row, to that of %s per hit\t%s\n", b.servers[0].name, cost)
	}
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

// ratios are those of the rounds. They print as their mean and, of several, its interval
// of confidence.
type ratios []float64

// mean is the geometric mean: it is the same whichever way the ratio is taken.
func (r ratios) mean() float64 {
	mean, _ := r.logs()
	return math.Exp(mean)
}

// logs returns the mean of the logarithms, and how far from it the true one is with a
// confidence of 95 %; 0 of a single ratio.
func (r ratios) logs() (mean, within float64) {
	n := float64(len(r))
	for _, x := range r {
		mean += math.Log(x) / n
	}
	if n < 2 {
		return mean, 0
	}
	var squares float64
	for _, x := range r {
		squares += (math.Log(x) - mean) * (math.Log(x) - mean)
	}
	t := students[min(len(r)-1, len(students))-1]
	return mean, t * math.Sqrt(squares/(n-1)/n)
}

// students are the quantiles 0.975 of Student's t-distribution with 1, 2, … degrees of
// freedom. The last one serves for more, too.
var students = []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
	2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086}

func (r ratios) String() string {
	mean, within := r.logs()
	if within == 0 {
		return fmt.Sprintf("%.2f", math.Exp(mean))
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", math.Exp(mean), math.Exp(mean-within), math.Exp(mean+within))
}
