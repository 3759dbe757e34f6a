// Package embedded runs the ClickHouse engine (libchdb) inside this process
// and speaks ClickHouse's HTTP interface to it: without a network as an
// http.RoundTripper under clickhouse-go, and for other processes as an
// http.Handler on a unix socket or a loopback port.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fotspor/fotspor/internal/trusted"
)

// Defaults of Options.
const (
	// DefaultMaxMemory leaves enough memory on a 1 GB machine for the program itself, and
	// for memory that the engine has freed but not returned to the system.
	DefaultMaxMemory = 400 << 20
	// LeastMaxMemory is the least with which the engine answers: it takes some 40 MiB
	// itself.
	LeastMaxMemory = 64 << 20
	// DefaultConnections is how many statements run at once.
	DefaultConnections = 4
)

var (
	// ErrLocked means that another process has the data directory open.
	ErrLocked = errors.New("another process is using this data directory")
	// ErrBusy means that this process already runs an engine. It can run only one.
	ErrBusy = errors.New("this process already runs an embedded engine")
	// ErrStuck means that statements of the engine did not end when they were stopped.
	ErrStuck = errors.New("the embedded engine does not end its work")
	// ErrNotLoaded means that a file is not the engine's library, or is damaged.
	ErrNotLoaded = errors.New("load the engine")
	// ErrNotStarted means that the library could not open the data.
	ErrNotStarted = errors.New("the engine did not start, and wrote the reason to standard error")
	// ErrClosed means that the engine is closed.
	ErrClosed = errors.New("the embedded engine is closed")
)

// Options say how to run the engine. Only Dir is required.
type Options struct {
	Dir         string       // the program's data directory; the engine's files go into its folder clickhouse
	Library     string       // path of libchdb; empty: see FindLibrary
	MaxMemory   int64        // bytes all statements and merges together may use; 0: DefaultMaxMemory
	Connections int          // statements at once; 0: DefaultConnections
	Logger      *slog.Logger // nil: silent
}

func (o Options) withDefaults() Options {
	if o.MaxMemory == 0 {
		o.MaxMemory = DefaultMaxMemory
	}
	if o.Connections == 0 {
		o.Connections = DefaultConnections
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Dir == "":
		return errors.New("open engine: no data directory given")
	case o.MaxMemory < 0:
		return fmt.Errorf("open engine: memory limit %d is negative", o.MaxMemory)
	case o.Connections < 0:
		return fmt.Errorf("open engine: %d connections", o.Connections)
	}
	return nil
}

// process is what libchdb keeps once per process: the library itself, which
// is never unloaded, and at most one running engine.
var process struct {
	sync.Mutex
	library *library
	path    string // of library
	running bool
}

// Engine is a running ClickHouse engine. All its methods are safe for
// concurrent use.
//
// Every statement runs in a new session, so that no database, setting or temporary
// table of one is seen by another. At most
// Options.Connections run at once; others wait for their turn or the end of
// their context.
type Engine struct {
	options Options
	lib     *library
	lock    *os.File
	hello   hello

	tableFunctions map[string]bool // see session.guard

	slots  chan struct{} // one token for each running statement
	serial atomic.Uint64

	controlMu sync.Mutex
	control   *session // keeps the engine alive between statements; kills

	watchMu  sync.Mutex
	watchers map[int]func(ctx context.Context, table string)
	watched  int // watchers so far

	mu       sync.Mutex
	closed   bool
	closing  chan struct{}
	closeErr chan error     // what close returned
	work     sync.WaitGroup // statements, even abandoned ones, and servers
}

// Open starts the engine on opts.Dir, which it creates if needed and locks
// until Close. Errors wrap ErrNoLibrary, ErrLocked or ErrBusy where they apply.
//
// A process runs one engine at a time. After Close another may be opened, on the same or
// another directory, but libchdb is meant to start once: keep one engine for the life of the
// process if possible.
//
// Open returns an error for a file that is not the library, and for damaged data that
// ClickHouse notices. Damage that makes ClickHouse's code fail with a signal (SIGSEGV,
// SIGABRT) ends the process and can't be caught.
func Open(ctx context.Context, opts Options) (*Engine, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("open engine in %q: %w", opts.Dir, err)
	}
	opts.Dir = dir

	process.Lock()
	defer process.Unlock()
	if process.running {
		return nil, fmt.Errorf("open engine in %q: %w", dir, ErrBusy)
	}
	lib, err := loadLibrary(opts.Library)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(TablesDir(dir))
	if err == nil {
		err = ownDir(lock)
	}
	if err != nil {
		return nil, fmt.Errorf("open engine in %q: %w", dir, err)
	}
	e := &Engine{
		options: opts,
		lib:     lib,
		lock:    lock,
		slots:   make(chan struct{}, opts.Connections),
		closing: make(chan struct{}),
	}
	if err := e.start(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open engine in %q: %w", dir, err)
	}
	process.running = true
	opts.Logger.Info("embedded engine started", "dir", dir, "version", e.hello.version)
	return e, nil
}

// LibraryVersion returns the version of the engine that a library holds; see FindLibrary for
// explicit. It starts the engine on an empty directory, which it removes, in half a second or so.
func LibraryVersion(ctx context.Context, explicit string) (version string, err error) {
	dir, err := os.MkdirTemp("", "fotspor-engine-")
	if err != nil {
		return "", fmt.Errorf("ask the engine for its version: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e, err := Open(ctx, Options{Dir: dir, Library: explicit, MaxMemory: LeastMaxMemory})
	if err != nil {
		return "", err
	}
	return e.Version(), e.Close()
}

// loadLibrary returns the library of this process. The caller holds process.
func loadLibrary(explicit string) (*library, error) {
	path, err := FindLibrary(explicit)
	if err != nil {
		return nil, err
	}
	if process.library == nil {
		lib, err := openLibrary(path)
		if err != nil {
			return nil, err
		}
		process.library, process.path = lib, path
	}
	if process.path != path {
		return nil, fmt.Errorf("load the engine %q: %q is loaded already: %w", path, process.path, ErrBusy)
	}
	return process.library, nil
}

// Exists reports whether an engine has run on the data directory dir before.
func Exists(dir string) bool {
	info, err := os.Stat(TablesDir(dir))
	return err == nil && info.IsDir()
}

// TablesDir returns the folder of the engine's tables in a data directory. It may be moved while
// no engine runs on it.
func TablesDir(dir string) string { return filepath.Join(dir, "clickhouse") }

// lockDir makes dir and takes an exclusive lock on it, which ends with the
// file returned or with the process.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %q: %w", dir, err)
	}
	return file, nil
}

// ownDir returns an error, and closes the directory, if it does not belong to this user: new
// files of this user in it would stop the owner's next start.
func ownDir(dir *os.File) error {
	info, err := dir.Stat()
	if err == nil {
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid != uint32(os.Geteuid()) {
			err = fmt.Errorf("%q belongs to %s, not to the user of this process", dir.Name(), trusted.UserName(uid))
		}
	}
	if err != nil {
		dir.Close()
	}
	return err
}

// start boots the engine with the control session.
func (e *Engine) start() error {
	forgotten, err := repairLogs(TablesDir(e.options.Dir))
	if err != nil {
		return err
	}
	if len(forgotten) > 0 {
		e.options.Logger.Warn("inserts were cut short when the engine died; they will be repeated", "parts", forgotten)
	}
	config, removeConfig, err := writeConfig(e.options.Dir, e.options.MaxMemory)
	if err != nil {
		return err
	}
	defer removeConfig()
	e.control, err = e.boot(config)
	if err != nil {
		if why := unreadable(TablesDir(e.options.Dir)); why != nil {
			return fmt.Errorf("%w: %w", ErrNotStarted, why)
		}
		return ErrNotStarted
	}
	e.hello, err = readHello(e.control)
	if err == nil {
		e.tableFunctions, err = readTableFunctions(e.control)
	}
	if err != nil {
		e.control.close()
		return err
	}
	e.warnOfDamage()
	return nil
}

// unreadable returns an error that names the first file below dir that this process
// can't open, or nil.
func unreadable(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return f.Close()
	})
}

// warnOfDamage logs the parts of tables that ClickHouse could not read and
// quarantined when it started: their rows are missing from every result.
func (e *Engine) warnOfDamage() {
	const sql = "SELECT database, table, name, reason FROM system.detached_parts WHERE reason LIKE '%broken%' LIMIT 20"
	lines, err := e.control.query(sql, "TSV", nil)
	if err != nil {
		e.options.Logger.Warn("look for damaged parts", "error", err)
	}
	for line := range strings.Lines(string(lines)) {
		e.options.Logger.Error("a damaged part of a table was quarantined", "part", strings.TrimSpace(line))
	}
}

// boot opens the first session, and then restores Go's signal handlers: those of the engine
// would end the process at a recovered nil-pointer panic of any goroutine. Later sessions do
// not change handlers, since the engine's are switched off.
func (e *Engine) boot(config string) (*session, error) {
	handlers := e.lib.saveHandlers()
	defer e.lib.restoreHandlers(handlers)
	e.lib.enableSignalHandlers(0)
	e.lib.restoreHandlers(handlers)
	return newSession(e.lib, append(e.sessionArgs("fotspor-control"), "--config-file="+config))
}

// sessionArgs returns the arguments of one session. Its statements have the log comment id in
// system.processes.
func (e *Engine) sessionArgs(id string) []string {
	return append([]string{"clickhouse", "--path=" + TablesDir(e.options.Dir), "--log_comment=" + id}, sessionSettings...)
}

// Version is the version of the ClickHouse engine, such as "26.7.2.1".
func (e *Engine) Version() string { return e.hello.version }

// closeTime is how long Close waits for running statements. Those that have not ended by then
// end with the process, as by kill -9.
const closeTime = 5 * time.Second

// Close refuses new statements, ends the servers of Serve, waits for running
// statements and releases the data directory. If that takes more than a few seconds it
// returns an error that matches ErrStuck, and the engine goes on. It may be called more
// than once.
func (e *Engine) Close() error {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		e.closeErr = make(chan error, 1)
		close(e.closing)
		go func() { e.closeErr <- e.close() }()
	}
	e.mu.Unlock()
	enough := time.NewTimer(closeTime)
	defer enough.Stop()
	select {
	case err := <-e.closeErr:
		e.closeErr <- err // for a later call
		return err
	case <-enough.C:
		return fmt.Errorf("close engine: %w", ErrStuck)
	}
}

func (e *Engine) close() error {
	e.work.Wait()
	process.Lock()
	defer process.Unlock()
	e.control.close()
	process.running = false
	if err := e.lock.Close(); err != nil {
		return fmt.Errorf("close engine: %w", err)
	}
	return nil
}

// enter adds a statement or server to e.work, unless the engine is closed. The caller calls
// e.work.Done when it has ended.
func (e *Engine) enter() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.work.Add(1)
	return nil
}

// killInterval is how often an abandoned statement is killed: the first attempt may come
// before the engine has registered it.
const killInterval = 100 * time.Millisecond

// run executes a statement. When ctx ends first, run returns at once: the
// statement is killed and its slot freed in the background.
func (e *Engine) run(ctx context.Context, st statement) ([]byte, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		e.work.Done()
		return nil, ctx.Err()
	}
	var (
		id   = "fotspor-" + strconv.FormatUint(e.serial.Add(1), 10)
		body []byte
		err  error
		done = make(chan struct{})
	)
	e.work.Add(1)
	go func() {
		defer e.work.Done()
		defer func() { <-e.slots }()
		defer close(done)
		body, err = e.execute(ctx, st, id)
	}()
	select {
	case <-done:
		e.work.Done()
		return body, err
	case <-ctx.Done():
		go func() {
			defer e.work.Done()
			e.kill(id, done)
		}()
		return nil, ctx.Err()
	}
}

// Watch has f called for each statement that may change tables, of this process and of others,
// once it has ended and before it is answered, whether it succeeded or not. f gets the context of
// the statement, which for one of this process is the caller's, and the table of an INSERT; it
// gets "" for all else that may change something. f is called for one statement after the other, and
// must be quick. stop ends the watch.
func (e *Engine) Watch(f func(ctx context.Context, table string)) (stop func()) {
	e.watchMu.Lock()
	defer e.watchMu.Unlock()
	id := e.watched
	e.watched++
	if e.watchers == nil {
		e.watchers = map[int]func(context.Context, string){}
	}
	e.watchers[id] = f
	return func() {
		e.watchMu.Lock()
		defer e.watchMu.Unlock()
		delete(e.watchers, id)
	}
}

// tell calls the watchers.
func (e *Engine) tell(ctx context.Context, table string) {
	e.watchMu.Lock()
	defer e.watchMu.Unlock()
	for _, f := range e.watchers {
		f(ctx, table)
	}
}

// execute runs a statement in a new session.
func (e *Engine) execute(ctx context.Context, st statement, id string) ([]byte, error) {
	if table, changes := st.changes(); changes {
		defer e.tell(ctx, table)
	}
	s, err := newSession(e.lib, e.sessionArgs(id))
	if err != nil {
		return nil, err
	}
	defer s.close()
	if st.guarded {
		if err := s.guard(&st, e.tableFunctions); err != nil {
			return nil, err
		}
	}
	if err := s.prepare(st); err != nil {
		return nil, err
	}
	if err := s.permit(st); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if st.data != nil {
		return nil, s.insert(ctx, st.sql, st.format, st.params, st.data)
	}
	return s.query(st.sql, st.format, st.params)
}

// kill stops the statement id. It returns when done is closed.
func (e *Engine) kill(id string, done <-chan struct{}) {
	tick := time.NewTicker(killInterval)
	defer tick.Stop()
	for {
		e.controlMu.Lock()
		_, err := e.control.query("KILL QUERY WHERE Settings['log_comment'] = "+quoteText(id), "Null", nil)
		e.controlMu.Unlock()
		if err != nil {
			e.options.Logger.Warn("stop an abandoned statement", "error", err)
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
