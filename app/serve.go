package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/fotspor/fotspor/app/plainhttp"
)

// Limits of HTTP servers.
const (
	headerTime     = 10 * time.Second
	requestTime    = 30 * time.Second
	answerTime     = 60 * time.Second
	idleTime       = time.Minute
	maxHeaderBytes = 64 << 10
)

// ReservedMemory is how many bytes of garbage may gather, beside as many as there are in
// use, before it is collected.
const ReservedMemory = 32 << 20

// spareCollections has garbage collected less often in a program that holds little and
// throws away much, as the collector does: a few MB in use are else gone through every
// thousand hits. The memory that the collector of garbage counts as in use here is
// never touched, so the system gives none for it. Unlike a higher GOGC it costs no more
// where much is in use.
func (p *program) spareCollections() {
	untouched := make([]byte, ReservedMemory)
	p.onStop(ops, "reserve of memory", func(context.Context) error {
		runtime.KeepAlive(untouched)
		return nil
	})
}

// nothing names no path.
func nothing(string) bool { return false }

// serve answers HTTP on l until a stage of the stop, which waits for requests under
// way. Requests to busy paths are answered with less ado where they are plain.
func (p *program) serve(until stage, l net.Listener, handler http.Handler, name string, busy func(path string) bool) {
	logger := p.component(name)
	server := plainhttp.New(&http.Server{
		Handler:           p.recovered(p.secured(handler, busy)),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaderBytes,
		// What net/http would say of a connection begins with the client's
		// address. It may be said only that there was something.
		ErrorLog: log.New(mute(func() { logger.Debug("a connection failed") }), "", 0),
	}, busy)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(bounded(l, p.TrustedProxies)); !errors.Is(err, http.ErrServerClosed) {
			p.fail(err)
		}
	}()
	p.onStop(until, name+" requests", func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)*2/3) // the rest is for Close
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
		if len(r.TransferEncoding) > 0 {
			// It may have told a length too, by which a proxy takes what follows for
			// another request. net/http tells of the chunks alone (RFC 9112, 6.1).
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// transportSecurity is the value of Strict-Transport-Security (RFC 6797): for two years.
// It speaks of the host alone. What lies below it is not ours to decide on.
var transportSecurity = []string{"max-age=63072000"}

// noSniff keeps browsers from taking an answer for anything but what it says it is.
var noSniff = []string{"nosniff"}

// closed are the headers of an answer whose handler sets no others: it may do nothing in
// a browser, and nobody keeps it. Trackers get answers that hold nothing, without them.
var closed = http.Header{
	"Content-Security-Policy": {"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":         {"same-origin"},
	"Cache-Control":           {"no-store"},
}

// secured sets the headers that every answer has, those to busy paths fewer. Browsers are told to come by HTTPS
// alone, if that is how they reach the program; not where a test machine poses as such a
// host, since they would remember it of every other program there.
func (p *program) secured(next http.Handler, busy func(path string) bool) http.Handler {
	strict := p.PublicURL.IsHTTPS() && p.PublicURL.Hostname() != "localhost"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["X-Content-Type-Options"] = noSniff
		if !busy(r.URL.Path) {
			for name, value := range closed {
				header[name] = value[:1:1] // a handler that adds one makes a copy
			}
		}
		if strict {
			header["Strict-Transport-Security"] = transportSecurity
		}
		next.ServeHTTP(w, r)
	})
}

// direct answers as mux does. It knows the routes of GET and POST requests to some paths by
// heart, which spares a search of all routes.
func direct(mux *http.ServeMux, paths iter.Seq[string]) http.Handler {
	type route struct {
		pattern string
		handler http.Handler
	}
	known := map[string]route{}
	for path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			key := method + " " + path
			handler, pattern := mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: path}})
			if strings.TrimSuffix(pattern, "{$}") == key { // not one of several paths, of which it would tell the handler
				known[key] = route{pattern, handler}
			}
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, ok := known[r.Method+" "+r.URL.Path]
		if !ok || r.URL.RawPath != "" {
			mux.ServeHTTP(w, r)
			return
		}
		r.Pattern = route.pattern
		route.handler.ServeHTTP(w, r)
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
