package cli

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
// of this machine and on the socket in the data directory, until ctx ends. The port
// takes a user and password, which stand in a file of the data directory and are told
// to nobody.
func runEngine(ctx context.Context, c *call) error {
	addr := c.String("listen", DefaultEngineListen, "loopback `address` to answer on, with user and password")
	c.Var((*directory)(&c.opts.Data), "data", "`directory` of the engine")
	c.StringVar(&c.opts.Engine, "engine", "", "`file` of the engine's library (default: looked for)")
	c.Var((*byteSize)(&c.opts.EngineMemory), "engine-memory", "most `memory` that the engine takes, such as 512MiB")
	if _, err := c.parse(slog.LevelInfo); err != nil {
		return err
	}
	c.harden()
	c.limitMemory(true)
	signals, stop := catchHangups()
	defer stop()
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
	if _, err := engine.Password(); err != nil { // before it says that it has started
		return errors.Join(err, engine.Close())
	}
	socket, err := engine.Listen()
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	passwordFile := embedded.PasswordPath(c.opts.Data)
	c.opts.Logger.Info("started", "engine", tcp.Addr(), "user", embedded.User, "password_file", passwordFile, "clickhouse", engine.Version())
	fmt.Fprintf(c.Stdout, "Engine:  http://%s/\nUser:    %s, with the password in %s\n", tcp.Addr(), embedded.User, passwordFile)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-signals:
				c.opts.Logger.Info("SIGHUP: there is nothing to read again; settings need a restart")
			}
		}
	})
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
		return nil, usagef("listen %q: want a loopback address such as %s, since the engine speaks without encryption", addr, DefaultEngineListen)
	}
	l, err := net.ListenTCP("tcp", resolved)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}
