package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

const (
	// shutdownTime is how long a stopping server waits for running statements before it
	// closes their connections.
	shutdownTime = 3 * time.Second
	// headerTime bounds how long a client may take to send a request's header.
	headerTime = 10 * time.Second
	// idleTime bounds how long a connection may be idle.
	idleTime = 2 * time.Minute
	// maxHeader bounds the header of a request in bytes, including the URL with the
	// parameters of the statement.
	maxHeader = 256 << 10
	// maxClients bounds the connections of a port.
	maxClients = 128
)

// SocketPath returns the path of the unix socket of the engine on a data directory.
func SocketPath(dir string) string { return filepath.Join(dir, "engine.sock") }

// Listen opens the unix socket SocketPath(Options.Dir) for Serve. Only this user can connect
// to it. It replaces a socket that a killed process left behind: the lock on the directory
// proves that no process serves it. Closing the listener removes the socket.
func (e *Engine) Listen() (net.Listener, error) {
	path := SocketPath(e.options.Dir)
	// The socket is made in a private directory and then moved: with chmod, others could
	// connect for a moment.
	private, err := os.MkdirTemp(e.options.Dir, ".sock")
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", path, err)
	}
	defer os.RemoveAll(private)
	hidden := filepath.Join(private, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", path, err)
	}
	listener.SetUnlinkOnClose(false)
	err = os.Chmod(hidden, 0o600)
	if err == nil {
		err = os.Rename(hidden, path)
	}
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen on %q: %w", path, err)
	}
	return &socket{UnixListener: listener, path: path}, nil
}

// socket is a listener that removes its file, once, when it closes.
type socket struct {
	*net.UnixListener
	path string
	once sync.Once
}

func (s *socket) Close() error {
	s.once.Do(func() { os.Remove(s.path) })
	return s.UnixListener.Close()
}

// Serve answers HTTP on the listener until ctx ends or the engine closes, and then closes it.
// Running statements get a few seconds to end. It returns nil unless the listener failed.
//
// On a listener other than a unix socket it requires the password of User, which it makes if
// needed: see Password. It accepts at most 128 connections at a time there.
func (e *Engine) Serve(ctx context.Context, listener net.Listener) error {
	if err := e.enter(); err != nil {
		listener.Close()
		return err
	}
	defer e.work.Done()
	var handler http.Handler = e
	if _, ok := listener.Addr().(*net.UnixAddr); !ok {
		password, err := e.Password()
		if err != nil {
			listener.Close()
			return err
		}
		handler = lock(e, password, e.options.Logger)
		listener = netutil.LimitListener(listener, maxClients)
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(e.options.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		listener.Close()
		return fmt.Errorf("serve the engine on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	case <-e.closing:
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if errors.Is(server.Shutdown(end), context.DeadlineExceeded) {
		server.Close()
	}
	<-failed
	return nil
}

// DialTransport returns a transport to the engine of another process through its unix socket.
// Give it to clickhouse-go as a TransportFunc, like an Engine, with SocketHost as the address.
func DialTransport(socket string) *http.Transport {
	return &http.Transport{
		DisableCompression: true,
		IdleConnTimeout:    time.Minute,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", socket)
		},
	}
}
