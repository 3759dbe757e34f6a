package app

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"runtime"
	"time"
)

// Limits of HTTP servers.
const (
	headerTime     = 10 * time.Second
	requestTime    = 30 * time.Second
	answerTime     = 60 * time.Second
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// serve answers HTTP on l until the program stops, which first waits for requests
// under way.
func (p *program) serve(l net.Listener, handler http.Handler, name string) {
	logger := p.component(name)
	server := &http.Server{
		Handler:           p.recovered(handler),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaderBytes,
		// What net/http would say of a connection begins with the client's
		// address. It may be said only that there was something.
		ErrorLog: log.New(mute(func() { logger.Debug("a connection failed") }), "", 0),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.fail(err)
		}
	}()
	p.onStop(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		<-ended
		return err
	})
}

// recovered answers a request whose handler panics with 500, and logs where. The
// value of the panic is not logged: it may hold anything that the request held. Nor
// are the arguments that a stack trace shows, of which an address may be one.
func (p *program) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				p.Logger.Error("a handler panicked", "pattern", r.Pattern, "at", callers())
				http.Error(w, "fotspor: internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// callers returns the functions and lines that led to a panic.
func callers() []string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var all []string
	for {
		frame, more := frames.Next()
		all = append(all, fmt.Sprintf("%s:%d", frame.Function, frame.Line))
		if !more {
			return all
		}
	}
}

// mute is a writer that passes on only that something was written.
type mute func()

func (m mute) Write(b []byte) (int, error) {
	m()
	return len(b), nil
}
