package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/fotspor/fotspor/store/embedded"
)

// DefaultEngineListen is where `fotspor engine` answers: ClickHouse's own port.
const DefaultEngineListen = "127.0.0.1:8123"

// runEngine serves the embedded engine as a ClickHouse HTTP endpoint, on a port
// of this machine and on the socket in the data directory, until ctx ends.
func runEngine(ctx context.Context, c *call) error {
	addr := c.String("listen", DefaultEngineListen, "loopback `address` to answer on: there is no log-in")
	c.StringVar(&c.opts.Data, "data", c.opts.Data, "`directory` of the engine")
	c.StringVar(&c.opts.Engine, "engine", "", "`file` of the engine's library (default: looked for)")
	c.Var((*byteSize)(&c.opts.EngineMemory), "engine-memory", "most `memory` that the engine takes, such as 512MiB")
	if _, err := c.parse(slog.LevelInfo); err != nil {
		return err
	}
	c.harden()
	tcp, err := listenLoopback(*addr)
	if err != nil {
		return err
	}
	defer tcp.Close()
	if err := takeData(c.opts.Data, true); err != nil {
		return err
	}
	engine, err := embedded.Open(ctx, embedded.Options{
		Dir: c.opts.Data, Library: c.opts.Engine, MaxMemory: c.opts.EngineMemory, Logger: c.opts.Logger,
	})
	if err != nil {
		return err
	}
	socket, err := engine.Listen()
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	c.opts.Logger.Info("started", "engine", tcp.Addr(), "clickhouse", engine.Version())
	fmt.Fprintf(c.Stdout, "Engine:  http://%s/\n", tcp.Addr())
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range []net.Listener{tcp, socket} {
		group.Go(func() error { return engine.Serve(ctx, l) })
	}
	return errors.Join(group.Wait(), engine.Close())
}

// listenLoopback listens, but only where no other machine can reach it.
func listenLoopback(addr string) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, usagef("listen %q: %w", addr, err)
	}
	if !resolved.IP.IsLoopback() {
		return nil, usagef("listen %q: want a loopback address such as %s, since the engine has no log-in", addr, DefaultEngineListen)
	}
	l, err := net.ListenTCP("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}
