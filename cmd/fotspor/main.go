// Command fotspor is the whole program: collector, dashboard, retention, and the
// tools of the operator.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // sites have time zones; not every machine has their rules

	"github.com/fotspor/fotspor/cli"
)

// Before anything else: SIGHUP, which a service manager may send at any time, ends a
// process that has not said what it does with it.
func init() { signal.Ignore(syscall.SIGHUP) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	status := cli.Main(ctx, cli.Env{
		Args:    os.Args[1:],
		Environ: os.Environ(),
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
	})
	stop()
	os.Exit(status)
}
