// Bench measures Fotspor beside servers that only answer: it loads a bare net/http
// server, nginx and Fotspor in turn with the same requests, prints what Fotspor
// costs as ratios, and fails if a hit that was acknowledged is not in the store.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// asBare, as the only argument, makes the program be the bare server: it has to
// be its own process to be measured.
const asBare = "bare-server"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// options say how much to measure.
type options struct {
	window      time.Duration
	connections connections
	rounds      int
	programs    []string      // builds of Fotspor, of which others are compared with the first
	soaking     time.Duration // 0: measure ratios instead
	visitors    bool          // measure the memory of visitors instead
}

func parseOptions(args []string) (options, error) {
	o := options{connections: connections{32}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	seconds := flags.Float64("seconds", 10, "`length` of load on each server in each round")
	flags.Var(&o.connections, "connections", "`numbers` of keep-alive connections, separated by commas")
	flags.IntVar(&o.rounds, "rounds", 5, "`number` of rounds, of which each has an interval of confidence")
	programs := flags.String("program", "bin/fotspor", "`files` of the program to measure, separated by commas; of several, all are compared with the first and none with servers that only answer")
	flags.DurationVar(&o.soaking, "soak", 0, "in place of the ratios, look at the memory under load for so `long`, such as 10m")
	flags.BoolVar(&o.visitors, "visitors", false, "in place of the ratios, look at the memory that visitors take; needs no program")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.programs = strings.Split(*programs, ",")
	o.window = time.Duration(*seconds * float64(time.Second))
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *seconds < 0.1 || *seconds > 60:
		return o, fmt.Errorf("seconds %v: want 0.1 to 60", *seconds)
	case o.soaking < 0:
		return o, fmt.Errorf("soak %v: want 0 or more", o.soaking)
	case o.rounds < 1:
		return o, fmt.Errorf("rounds %d: want 1 or more", o.rounds)
	}
	if o.visitors {
		return o, nil
	}
	for _, program := range o.programs {
		if _, err := os.Stat(program); err != nil {
			return o, fmt.Errorf("no program to measure, make build makes it: %w", err)
		}
	}
	return o, nil
}

// connections is a list of numbers.
type connections []int

func (c *connections) String() string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint([]int(*c)), "[]"), " ", ",")
}

func (c *connections) Set(s string) error {
	*c = nil
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 || n > 1_000_000_000 {
			return fmt.Errorf("%q is no number from 1 to a thousand million", part)
		}
		*c = append(*c, n)
	}
	return nil
}

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == asBare {
		return serveBare(ctx)
	}
	if len(args) > 0 && args[0] == "dashboard" {
		return runDashboard(ctx, args[1:])
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	if o.visitors {
		return measureVisitors(os.Stdout)
	}
	dir, err := os.MkdirTemp("", "fotspor-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, dir: dir, out: os.Stdout}
	defer b.stop()
	if o.soaking > 0 {
		return b.soak(ctx)
	}
	if err := b.run(ctx); err != nil {
		return err
	}
	return measureVisitors(b.out)
}
