package app

import (
	"context"
	"crypto/tls"
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
	"github.com/fotspor/fotspor/collector"
)

// Limits of HTTP servers.
const (
	headerTime     = 10 * time.Second
	requestTime    = 30 * time.Second
	answerTime     = 60 * time.Second
	idleTime       = time.Minute
	maxHeaderBytes = 64 << 10
)

// ReservedMemory is how many more bytes of garbage may gather before a collection, in addition
// to as many as are in use.
const ReservedMemory = 64 << 20

// spareCollections makes Go collect garbage less often in a program that holds little memory
// and throws away much, such as the collector. Without it a few MB in use would be scanned
// every thousand hits. It allocates ReservedMemory bytes, which Go counts as in use. They
// are never touched, so the system provides no memory for them. Unlike a higher GOGC this
// costs nothing more when much memory is in use.
func (p *program) spareCollections() {
	untouched := make([]byte, ReservedMemory)
	p.onStop(ops, "reserve of memory", func(context.Context) error {
		runtime.KeepAlive(untouched)
		return nil
	})
}

// nothing returns false for every path.
func nothing(string) bool { return false }

// serve answers HTTP on l, by TLS unless config is nil, until a stage of the stop, which waits
// for running requests. Package plainhttp answers plain requests to busy paths.
func (p *program) serve(until stage, l net.Listener, config *tls.Config, handler http.Handler, name string, busy func(path string) bool) {
	logger := p.component(name)
	server := plainhttp.New(&http.Server{
		Handler:           p.recovered(p.secured(handler, busy), answerPanic),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		TLSConfig:         config,
		MaxHeaderBytes:    maxHeaderBytes,
		// The messages of net/http on a connection begin with the client's address, so
		// only the fact that there was one is logged.
		ErrorLog: log.New(mute(func() { logger.Debug("a connection failed") }), "", 0),
	}, busy)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(bounded(l, p.TrustedProxies, config != nil)); !errors.Is(err, http.ErrServerClosed) {
			p.fail(err)
		}
	}()
	p.onStop(until, name+" requests", func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)*2/3) // the rest of the time is for Close
		defer cancel()
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		<-ended
		return err
	})
}

// plainError says that the program failed.
func plainError(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "fotspor: internal error", http.StatusInternalServerError)
}

// answerPanic says so to visitors with a page, and to trackers and scripts as plainError does.
func answerPanic(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/privacy/") {
		collector.AnswerPanic(w, r)
		return
	}
	plainError(w, r)
}

// recovered has answer, which is to answer with 500, answer a request whose handler panics,
// and logs where it panicked. It does not log the value of the panic, which may hold anything
// of the request, nor the arguments in a stack trace, which may hold an address.
func (p *program) recovered(next http.Handler, answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				p.component("program").Error("a handler panicked", "pattern", r.Pattern, "at", callers())
				answer(w, r)
			}
		}()
		if len(r.TransferEncoding) > 0 {
			// The request may also have had a Content-Length, by which a proxy in front
			// may take the rest of the body for another request. net/http reports only
			// the chunks (RFC 9112, 6.1).
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// transportSecurity is the value of Strict-Transport-Security (RFC 6797): two years, for the
// host only. The hosts below it may belong to others.
var transportSecurity = []string{"max-age=63072000"}

// noSniff keeps browsers from guessing the type of an answer.
var noSniff = []string{"nosniff"}

// closed are the headers of an answer unless its handler sets others: the answer may do
// nothing in a browser and is not cached. Answers to trackers hold nothing and do not have
// them.
var closed = http.Header{
	"Content-Security-Policy": {"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":         {"same-origin"},
	"Cache-Control":           {"no-store"},
}

// secured sets the headers of every answer; answers to busy paths have fewer. It tells
// browsers to use HTTPS only, if the public address has https. It does not for localhost, as
// on a test machine, since browsers would apply it to all other programs there.
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

// direct answers as mux does. For GET and POST requests to paths it looks the route up once,
// which saves the search of all routes for each request.
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
			if strings.TrimSuffix(pattern, "{$}") == key { // without wildcards, whose values mux would set for the handler
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
