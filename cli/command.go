// Package cli holds the commands of the program. Main runs the one that its arguments
// name.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/trusted"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store"
)

// Env is what a command gets of the world.
type Env struct {
	Args           []string // without the name of the program
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// The clock of the machine, and whether its kernel calls it synchronised. nil:
	// as they are.
	Now          func() time.Time
	Synchronised func() bool
}

// command is a command of the program. Its name may be two words.
type command struct {
	name, args, about string
	run               func(context.Context, *call) error
}

// commands are all commands, in the order of the help text.
func commands() []command {
	return []command{
		{"serve", "", "collector, dashboard and retention in one process", serveParts(true, true, true)},
		{"collector", "", "the collector alone", serveParts(true, false, false)},
		{"dashboard", "", "the dashboard alone", serveParts(false, true, false)},
		{"retention", "", "the retention worker alone", serveParts(false, false, true)},
		{"retention run", "", "one deletion pass and its report", runRetention},
		{"engine", "", "the embedded engine alone, as a ClickHouse HTTP endpoint", runEngine},
		{"migrate", "", "make the store, or bring one of an older version up to date", migrate},
		{"site add", "", "add a site; prints its id and what to paste", addSite},
		{"site edit", "ID", "change what is said of a site", editSite},
		{"site list", "", "list the sites", listSites},
		{"token add", "", "make a token, with which a tracker may tell addresses and times", addToken},
		{"token list", "", "list the tokens", listTokens},
		{"token remove", "ID", "remove a token", removeToken},
		{"user add", "NAME", "add a user; the password is read from standard input", addUser},
		{"user list", "", "list the users", listUsers},
		{"user password", "NAME", "set a new password, read from standard input, and log the user out", setPassword},
		{"user role", "NAME ROLE", "make a user an admin or a viewer, and log the user out", setRole},
		{"user sites", "NAME SITES", "say which sites a viewer sees, and log the user out", setSites},
		{"user remove", "NAME", "remove a user", removeUser},
		{"audit", "", "who did what: log-ins, and changes of users, sites and tokens", listAudit},
		{"spool list", "", "list the segments that wait for the store, were set aside or are damaged", listSpool},
		{"spool retry", "SEGMENT", "send a segment that was set aside to the store again", retrySpool},
		{"spool drop", "SEGMENT", "delete a segment that was set aside, and its hits, or is damaged", dropSpool},
		{"query", "SQL", "read from the store", runQuery},
		{"access", "", "what is held on the network of an address (GDPR article 15)", access},
		{"erase", "", "erase what is held on the network of an address (GDPR article 17)", erase},
		{"version", "", "version, commit and version of the engine", printVersion},
	}
}

// call is one run of a command.
type call struct {
	*Env
	command
	flags
	opts app.Options
	log  logFormat

	create bool // a store that is not there is made
}

// Main runs the command that env names and returns the exit status: 0, 1 after a
// failure, 2 after a mistake in the command line. Errors are one line.
func Main(ctx context.Context, env Env) int {
	cmd, args, err := find(env.Args)
	if err == nil && cmd.run == nil {
		help(env.Stdout)
		return 0
	}
	if err == nil {
		c := &call{Env: &env, command: cmd, flags: newFlags(cmd.name, env.Getenv), opts: app.DefaultOptions(), log: "text"}
		c.opts.Out = env.Stdout
		c.opts.Version, c.opts.Commit = version, commit
		if env.Now != nil {
			c.opts.Now = env.Now
		}
		if env.Synchronised != nil {
			c.opts.Synchronised = env.Synchronised
		}
		c.Args = args
		c.Var(&c.log, "log-format", "`format` of logs on standard error: text or json")
		err = cmd.run(store.As(ctx, store.Actor{Via: store.Command, Name: account(env.Getenv)}), c)
		if errors.Is(err, flag.ErrHelp) {
			c.help(env.Stdout)
			return 0
		}
	}
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(env.Stderr, "fotspor%s: %v\n", spaced(cmd.name), oneLine(err))
		return 2
	default:
		fmt.Fprintf(env.Stderr, "fotspor%s: %v\n", spaced(cmd.name), oneLine(err))
		return 1
	}
}

func spaced(name string) string {
	if name == "" {
		return ""
	}
	return " " + name
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// find returns the command that args begin with, and the rest of args. The zero
// command asks for help.
func find(args []string) (command, []string, error) {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		return command{}, nil, nil
	}
	var found command
	for _, cmd := range commands() {
		words := strings.Fields(cmd.name)
		if len(words) <= len(args) && strings.Join(args[:len(words)], " ") == cmd.name && len(cmd.name) > len(found.name) {
			found = cmd
		}
	}
	if found.run == nil {
		name := args[0]
		if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
			name += " " + args[1]
		}
		return command{}, nil, usagef("unknown command %q; fotspor help lists them", name)
	}
	return found, args[len(strings.Fields(found.name)):], nil
}

func help(w io.Writer) {
	fmt.Fprint(w, "Fotspor counts footprints, not people: web analytics that keep nobody's identity.\n\nCommands:\n")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-16s %s\n", strings.TrimSpace(cmd.name+" "+cmd.args), cmd.about)
	}
	fmt.Fprint(w, "\nfotspor COMMAND --help lists the flags of a command. Every flag has a twin in the\nenvironment: --trusted-proxies is FOTSPOR_TRUSTED_PROXIES there.\n")
}

func (c *call) help(w io.Writer) {
	fmt.Fprintf(w, "fotspor %s: %s\n\nFlags:\n", strings.TrimSpace(c.name+" "+c.args), c.about)
	c.VisitAll(func(f *flag.Flag) {
		arg, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s %s\n        %s", f.Name, arg, usage)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			fmt.Fprintf(w, " (default: %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
}

// parse reads flags and words, and makes the logger that commands share.
func (c *call) parse(level slog.Level, names ...string) ([]string, error) {
	words, err := c.flags.parse(c.Args, names...)
	if err != nil {
		return nil, err
	}
	c.opts.Logger = c.log.logger(c.Stderr, level)
	if err := c.opts.StoreConfig().Validate(); err != nil { // not by flag, whose errors show the value
		return nil, usageError{err}
	}
	return words, nil
}

// parseForStore reads flags, those of the store among them, and words.
func (c *call) parseForStore(names ...string) ([]string, error) {
	c.bindStore(&c.opts)
	return c.parse(slog.LevelWarn, names...)
}

// bindCreate adds the flag by which a command makes its store.
func (c *call) bindCreate() {
	c.BoolVar(&c.create, "create", false, "make the store if there is none")
}

// withStore opens the store and runs f with it.
func (c *call) withStore(ctx context.Context, f func(st *store.Store) error) error {
	cfg := c.opts.StoreConfig()
	cfg.Create = c.create
	if cfg.DSN == "" {
		if err := takeData(cfg.Dir, cfg.Create); err != nil {
			return err
		}
	}
	st, err := store.Open(ctx, cfg)
	if errors.Is(err, store.ErrNoStore) {
		advice := "fotspor serve or fotspor migrate makes one"
		if c.Lookup("create") != nil {
			advice = "start fotspor serve first, or make one with --create"
		}
		return fmt.Errorf("%w (if that is where it should be: %s)", err, advice)
	}
	if err != nil {
		return err
	}
	return errors.Join(f(st), st.Close())
}

// nameStore says which store a report is of.
func nameStore(w io.Writer, st *store.Store) { fmt.Fprintf(w, "store: %s\n", st.Place()) }

func migrate(ctx context.Context, c *call) error {
	c.create = true
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		nameStore(c.Stdout, st)
		_, err := fmt.Fprintln(c.Stdout, "its tables are those of this version")
		return err
	})
}

// serveParts is the command that runs some parts until ctx ends.
func serveParts(collector, dashboard, retention bool) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		o := &c.opts
		o.Collector, o.Dashboard, o.Retention = collector, dashboard, retention
		c.bindServing(o)
		c.bindRetention(o) // the statement that the collector serves tells of it
		if retention {
			c.bindAudit(o)
		}
		if collector || dashboard {
			c.bindPublic(o)
			c.bindGeo(o)
		}
		if collector {
			c.bindCollector(o)
		}
		if collector && dashboard {
			c.BoolVar(&o.Demo, "demo", false, "serve pages at /demo that track themselves")
		}
		if _, err := c.parse(slog.LevelInfo); err != nil {
			return err
		}
		if err := o.Validate(); err != nil {
			return usageError{err}
		}
		if err := o.CheckFiles(); err != nil {
			if errors.Is(err, trusted.ErrRefused) || errors.Is(err, fs.ErrPermission) {
				return err
			}
			return usageError{err}
		}
		if o.Store == "" || collector || retention {
			if err := takeData(o.Data, collector); err != nil {
				return err
			}
		}
		c.harden()
		c.limitMemory(o.Store == "")
		signals, stop := catchHangups()
		defer stop()
		o.Hangups = signals
		return app.Run(ctx, *o)
	}
}

// catchHangups catches SIGHUP, which a terminal sends when it is closed, and a service
// manager to reload. It ends a process that does not catch it.
func catchHangups() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() {
		signal.Stop(c)
		signal.Ignore(syscall.SIGHUP) // until the process has ended
	}
}

// harden hardens a process that serves, and logs where it can't.
func (c *call) harden() {
	if err := harden(); err != nil {
		c.opts.Logger.Warn("secrets in memory are less protected than they could be", "err", err)
	}
}

// timeFlag is a moment: a day, or a time in RFC 3339.
type timeFlag struct{ time.Time }

func (t *timeFlag) String() string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func (t *timeFlag) Set(s string) (err error) {
	if t.Time, err = time.Parse(time.RFC3339, s); err != nil {
		t.Time, err = time.Parse(time.DateOnly, s)
	}
	if err != nil {
		return errors.New("want a time such as 2026-11-22 or 2026-11-22T10:00:00Z")
	}
	return nil
}

func runQuery(ctx context.Context, c *call) error {
	format := c.String("format", store.DefaultFormat, "`format` of the answer, as in ClickHouse")
	words, err := c.parseForStore("SQL")
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		return st.Query(ctx, words[0], *format, c.Stdout)
	})
}

// askedOf reads the flags that access and erase share, and runs f with the network
// of the address, which goes no further.
func (c *call) askedOf(ctx context.Context, f func(st *store.Store, network string, from, to time.Time) error) error {
	var addr addrFlag
	var from, to timeFlag
	c.Var(&addr, "ip", "`address` of the person who asks")
	c.Var(&from, "from", "first `time` asked of (default: no limit)")
	c.Var(&to, "to", "`time` up to which it is asked, which is not included (default: no limit)")
	c.bindRetention(&c.opts)
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	network := geo.Cut(hit.Addr(addr), c.opts.Policy.Bits4, c.opts.Policy.Bits6)
	if network == "" {
		return usagef("missing --ip, such as --ip 192.0.2.1")
	}
	return c.withStore(ctx, func(st *store.Store) error {
		return f(st, network, from.Time, to.Time)
	})
}

func access(ctx context.Context, c *call) error {
	return c.askedOf(ctx, func(st *store.Store, network string, from, to time.Time) error {
		report, err := privacy.Access(ctx, st, c.opts.Policy, network, from, to)
		if err != nil {
			return err
		}
		report.Store = st.Place()
		_, err = report.WriteTo(c.Stdout)
		return err
	})
}

func erase(ctx context.Context, c *call) error {
	return c.askedOf(ctx, func(st *store.Store, network string, from, to time.Time) error {
		report, err := privacy.Erase(ctx, st, c.opts.Policy, network, from, to)
		if err != nil {
			return err
		}
		report.Store = st.Place()
		_, err = report.WriteTo(c.Stdout)
		return err
	})
}

func printVersion(ctx context.Context, c *call) error {
	if _, err := c.flags.parse(c.Args); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.Stdout, "fotspor %s, commit %s, engine %s\n", c.opts.Version, c.opts.Commit, EngineVersion)
	return err
}

// EngineVersion is the version of the embedded engine that this program is made
// for, and that package.json pins.
const EngineVersion = "26.7.3-stable.1"

// Set by the linker: see the Makefile.
var version, commit = "devel", "unknown"
