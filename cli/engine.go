package cli

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/fotspor/fotspor/store/embedded"
)

// DefaultEngineListen is the default address of `fotspor engine`, with ClickHouse's port for
// HTTP.
const DefaultEngineListen = "127.0.0.1:8123"

// runEngine serves the embedded engine as a ClickHouse HTTP endpoint, on a port of this
// machine and on the socket in the data directory, until ctx ends. The port requires user
// and password. The password is in a file of the data directory, and is not printed.
func runEngine(ctx context.Context, c *call) error {
	c.harden()
	c.limitMemory(true)
	signals, stop := catchHangups()
	defer stop()
	tcp, err := net.Listen("tcp", c.engineListen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.engineListen, err)
	}
	defer tcp.Close()
	if err := takeData(c.opts.Data, true); err != nil {
		return err
	}
	engine, err := embedded.Open(ctx, embedded.Options{
		Dir: c.opts.Data, Library: c.opts.Engine, MaxMemory: c.opts.EngineMemory, Logger: c.component("store"),
	})
	if err != nil {
		return err
	}
	if _, err := engine.Password(); err != nil { // before the log says that it has started
		return errors.Join(err, engine.Close())
	}
	socket, err := engine.Listen()
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	passwordFile := embedded.PasswordPath(c.opts.Data)
	c.component("program").Info("started", "engine", tcp.Addr(), "user", embedded.User, "password_file", passwordFile, "clickhouse", engine.Version())
	fmt.Fprintf(c.Stdout, "Engine:  http://%s/\nUser:    %s, with the password in %s\n", tcp.Addr(), embedded.User, passwordFile)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-signals:
				c.component("program").Info("SIGHUP: there is nothing to read again; settings need a restart")
			}
		}
	})
	for _, l := range []net.Listener{tcp, socket} {
		group.Go(func() error { return engine.Serve(ctx, l) })
	}
	return errors.Join(group.Wait(), engine.Close())
}
