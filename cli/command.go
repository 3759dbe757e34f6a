// Package cli holds the commands of the program. Main runs the one that the arguments name.
package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// Env is the environment of a command.
type Env struct {
	Args           []string // without the name of the program
	Environ        []string // as os.Environ
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// The clock, and whether the kernel reports it as synchronised. nil: those of this
	// machine.
	Now          func() time.Time
	Synchronised func() bool
}

// command is a command of the program. Its name is one word or two.
type command struct {
	name, args, about string
	run               func(context.Context, *call) error
}

// commands returns all commands, in the order of the help text.
func commands() []command {
	return []command{
		{"serve", "", "collector, dashboard and retention in one process", serveParts(true, true, true)},
		{"collector", "", "the collector alone", serveParts(true, false, false)},
		{"dashboard", "", "the dashboard alone", serveParts(false, true, false)},
		{"retention", "", "the retention worker alone", serveParts(false, false, true)},
		{"retention run", "", "one deletion pass and its report", runRetention},
		{"engine", "", "the embedded engine alone, as a ClickHouse HTTP endpoint", runEngine},
		{"migrate", "", "make the store, or bring one of an older version up to date", migrate},
		{"backup", "DIR", "back up the store and the keys into a directory, while the program runs or not", makeBackup},
		{"backup list", "DIR", "list the backups in a directory", listBackups},
		{"backup verify", "DIR", "verify that the backups in a directory are what was written", verifyBackups},
		{"backup prune", "DIR", "delete the backups that are older than the policy allows", pruneBackups},
		{"restore", "DIR", "make a store from a backup, or the newest one in a directory", restore},
		{"move", "", "copy the store of the embedded engine to a ClickHouse server", move},
		{"upgrade", "", "say whether this version can take over the store, tried on a copy", checkUpgrade},
		{"site add", "", "add a site; prints its id and the snippet to paste", addSite},
		{"site edit", "SITE", "change the settings of a site", editSite},
		{"site list", "", "list the sites", listSites},
		{"goal add", "SITE NAME", "count the visits of a site that reach a page, event, download or outbound link", addGoal},
		{"goal list", "", "list the goals of all sites", listGoals},
		{"goal remove", "SITE NAME", "stop counting a goal; its figures stay", removeGoal},
		{"policy show", "", "the policy in force: what is recorded, and for how long", showPolicy},
		{"policy list", "", "all versions of the policy, with from when on and by whom", listPolicies},
		{"policy set", "NAME=VALUE...", "change the policy, such as retention=25m; says first what would be deleted", setPolicy},
		{"policy check", "cnil", "the points of the CNIL's self-assessment, as the settings in the store fill them in", checkPolicy},
		{"token add", "", "make a token, with which a tracker may send the addresses and times of visitors", addToken},
		{"token list", "", "list the tokens", listTokens},
		{"token remove", "ID", "remove a token", removeToken},
		{"user add", "NAME", "add a user; the password is read from standard input", addUser},
		{"user list", "", "list the users", listUsers},
		{"user password", "NAME", "set a new password, read from standard input, and log the user out", setPassword},
		{"user role", "NAME ROLE", "make a user an admin, an editor or a viewer, and log the user out", setRole},
		{"user sites", "NAME SITES", "set the sites that an editor or viewer sees, and log the user out", setSites},
		{"user remove", "NAME", "remove a user", removeUser},
		{"audit", "", "who did what: log-ins, and changes of users, sites and tokens", listAudit},
		{"spool list", "", "list the segments that wait for the store, were quarantined or are damaged", listSpool},
		{"spool retry", "SEGMENT", "send a segment that was quarantined to the store again", retrySpool},
		{"spool drop", "SEGMENT", "delete a segment that was quarantined, and its hits, or is damaged", dropSpool},
		{"query", "SQL", "read from the store", runQuery},
		{"find", "[TEXT]", "where a text, a page or a pattern stands: in rows, totals, titles and the spool", findTexts},
		{"access", "", "what is held on a network, text, page or time (GDPR article 15)", access},
		{"erase", "", "erase what is held on a network, text, page or time (GDPR article 17)", erase},
		{"requests list", "", "list the register of requests: which are open, and until when to answer", listRequests},
		{"requests add", "CASE", "note in the register that somebody asked; CASE is the number in your own case system", addRequest},
		{"requests extend", "CASE", "extend the time for the answer by two months, if you told the person why (GDPR article 12(3))", extendRequest},
		{"requests answer", "CASE", "note that a request is answered", answerRequest},
		{"requests remove", "CASE", "delete a request from the register, such as one that was typed wrongly", removeRequest},
		{"geo update", "", "fetch the newest region data into the data directory, check it, and keep what was there if it is bad", updateGeo},
		{"texts", "LANGUAGE", "write the texts of the dashboard in a language, to translate them", writeTexts},
		{"receipts list", "", "list the receipts of deletions", listReceipts},
		{"receipts verify", "[DIR]", "verify that all receipts are whole, signed and in order, and go on from an older export", verifyReceipts},
		{"receipts export", "DIR", "write all receipts as files that openssl can verify", exportReceipts},
		{"papers", "", "drafts of the papers of a controller: record of processing, impact assessment, retention, accessibility, cookies", writePapers},
		{"config check", "", "check the settings of all commands, and open nothing", checkConfig},
		{"config show", "", "the settings of all commands and where each comes from, without secrets", showConfig},
		{"healthcheck", "", "ask the running program whether it lives; exit status 1 if not", checkHealth},
		{"doctor", "", "check all that commonly goes wrong, and say what to do; exit status 1 if something is broken", runDoctor},
		{"completion", "SHELL", "script that completes commands and flags in bash, zsh or fish", writeCompletion},
		{"version", "", "version, commit and version of the engine", printVersion},
	}
}

// call is one run of a command.
type call struct {
	Env
	cmd     command
	environ map[string]string
	flags   *flag.FlagSet
	words   []string // the arguments named in cmd.args

	opts      app.Options
	config    string            // file of settings; "": DefaultConfig
	origins   map[string]string // where the value of a setting comes from; a default is not in it
	logFormat string
	logLevel  string // "": by command
	level     slog.LevelVar

	engineListen string
	arguments
}

// arguments are the values of flags that are not options of the program.
type arguments struct {
	create, quiet, dryRun, yes, asJSON, asHTML, asMarkdown bool

	name, format, language  string
	selection               privacy.Selection
	received, answered      time.Time
	caseNumber              string
	requestKind             privacy.RequestKind
	role                    site.Role
	siteID                  uint32
	siteName                string
	goal                    goalPatterns
	sites                   userSites
	ip                      hit.Addr
	from, to, at, confirmed time.Time

	recipients recipients
	identity   string
	geoURLs    []string
	olderThan  privacy.Period
	moveTo     string
	check      bool
	backups    string
}

// Main runs the command that env names and returns the exit status: 0, 1 after a
// failure, 2 after a mistake in the command line. Errors are one line.
func Main(ctx context.Context, env Env) int {
	cmd, args, err := find(env.Args)
	if err == nil && cmd.run == nil {
		help(env.Stdout, cmd.name)
		return 0
	}
	if err == nil {
		env.Args = args
		err = newCall(env, cmd).do(ctx)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(env.Stderr, "fotspor%s: %s\n", spaced(cmd.name), strings.ReplaceAll(err.Error(), "\n", "; "))
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}

func newCall(env Env, cmd command) *call {
	c := &call{
		Env: env, cmd: cmd, environ: map[string]string{}, origins: map[string]string{}, flags: flag.NewFlagSet(cmd.name, flag.ContinueOnError),
		opts: app.DefaultOptions(), logFormat: "text",
	}
	c.flags.SetOutput(io.Discard)
	for _, variable := range env.Environ {
		name, text, _ := strings.Cut(variable, "=")
		c.environ[name] = text
	}
	c.opts.Out = env.Stdout
	c.opts.Version, c.opts.Commit = version, commit
	if env.Now != nil {
		c.opts.Now = env.Now
	}
	if env.Synchronised != nil {
		c.opts.Synchronised = env.Synchronised
	}
	return c
}

// do reads the settings of the command, and runs it.
func (c *call) do(ctx context.Context) error {
	err := c.readSettings()
	if errors.Is(err, flag.ErrHelp) {
		c.help(c.Stdout)
		return nil
	}
	if err != nil {
		return err
	}
	if names := unknown(c.environ); len(names) > 0 {
		fmt.Fprintf(c.Stderr, "fotspor %s: warning: no setting: %s\n", c.cmd.name, strings.Join(names, ", "))
	}
	c.opts.Logger = c.logger()
	return c.cmd.run(audit.As(ctx, audit.Actor{Via: audit.Command, Name: account(c.environ["SUDO_USER"])}), c)
}

// levels are the values of --log-level.
var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// leastLevel returns the least level of logs.
func (c *call) leastLevel() slog.Level {
	if level, given := levels[c.logLevel]; given {
		return level
	}
	if slices.Contains(serving, c.cmd.name) || c.cmd.name == "engine" {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// reread reads the settings again, and takes over the level of logs. If one of them is bad,
// all stays.
func (c *call) reread() error {
	fresh := newCall(c.Env, c.cmd)
	if err := fresh.readSettings(); err != nil {
		return err
	}
	c.level.Set(fresh.leastLevel())
	return nil
}

// component returns the logger of a part.
func (c *call) component(name string) *slog.Logger { return c.opts.Logger.With("component", name) }

// logger returns the logger of the command.
func (c *call) logger() *slog.Logger {
	c.level.Set(c.leastLevel())
	o := &slog.HandlerOptions{Level: &c.level}
	if c.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(c.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(c.Stderr, o))
}

// usageError is a mistake in the command line: one line and exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func spaced(name string) string {
	if name == "" {
		return ""
	}
	return " " + name
}

// find returns the command with which args begin, and the rest of args. If args ask for help,
// it returns a command without run, whose name is the group of commands to help with.
func find(args []string) (command, []string, error) {
	asks := len(args) == 0
	if !asks && (args[0] == "help" || isHelp(args[0])) {
		asks, args = true, args[1:]
	}
	if len(args) > 0 && (args[0] == "--version" || args[0] == "-version") {
		args = append([]string{"version"}, args[1:]...)
	}
	var found command
	var group bool // the first of args is that of several commands
	for _, cmd := range commands() {
		words := strings.Fields(cmd.name)
		if len(words) <= len(args) && strings.Join(args[:len(words)], " ") == cmd.name && len(cmd.name) > len(found.name) {
			found = cmd
		}
		group = group || len(words) > 1 && len(args) > 0 && words[0] == args[0]
	}
	switch alone := len(args) == 1 || len(args) == 2 && isHelp(args[1]); {
	case len(args) == 0:
		return command{}, nil, nil
	case found.run != nil && asks:
		return found, []string{"--help"}, nil
	case found.run != nil:
		return found, args[len(strings.Fields(found.name)):], nil
	case group && alone && (asks || len(args) == 2):
		return command{name: args[0]}, nil, nil
	}
	name := args[0]
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		name += " " + args[1]
	}
	return command{}, nil, usagef("unknown command %q; fotspor help lists them", name)
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// help lists the commands of a group, all if it is "".
func help(w io.Writer, group string) {
	if group == "" {
		fmt.Fprint(w, "Fotspor counts footprints, not people: web analytics that keep nobody's identity.\n\nCommands:\n")
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cmd := range commands() {
		if first, _, _ := strings.Cut(cmd.name, " "); group == "" || first == group {
			fmt.Fprintf(table, "  %s\t%s\n", strings.TrimSpace(cmd.name+" "+cmd.args), cmd.about)
		}
	}
	table.Flush()
	if group == "" {
		fmt.Fprint(w, "\nfotspor help COMMAND lists the flags of a command. Every flag has a twin in the environment\n(--trusted-proxies is FOTSPOR_TRUSTED_PROXIES there), and every setting a key in a file.\n")
	}
}

func (c *call) help(w io.Writer) {
	fmt.Fprintf(w, "fotspor %s: %s\n\nFlags:\n", strings.TrimSpace(c.cmd.name+" "+c.cmd.args), c.cmd.about)
	for _, s := range settingsOf(c.cmd.name) {
		f := c.flags.Lookup(s.name)
		kind, text := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s %s\n        %s", s.name, kind, text)
		if standard := cmp.Or(s.none, f.DefValue); standard != "" {
			fmt.Fprintf(w, " (default: %s)", standard)
		}
		fmt.Fprintln(w)
	}
}

// withStore opens the store and runs f with it.
func (c *call) withStore(ctx context.Context, f func(st *store.Store) error) error {
	return c.withStoreAs(ctx, false, f)
}

// withUnprepared is withStore with a store that f has to prepare.
func (c *call) withUnprepared(ctx context.Context, f func(st *store.Store) error) error {
	return c.withStoreAs(ctx, true, f)
}

func (c *call) withStoreAs(ctx context.Context, lazy bool, f func(st *store.Store) error) error {
	cfg := c.opts.StoreConfig()
	cfg.Create, cfg.Lazy = c.create, lazy
	if cfg.DSN == "" {
		if err := takeData(cfg.Dir, cfg.Create); err != nil {
			return err
		}
	}
	st, err := store.Open(ctx, cfg)
	if err == nil {
		err = errors.Join(f(st), st.Close())
	}
	if errors.Is(err, store.ErrNoStore) {
		advice := "fotspor serve or fotspor migrate makes one"
		if c.flags.Lookup("create") != nil {
			advice = "start fotspor serve first, or make one with --create"
		}
		return fmt.Errorf("%w (if that is where it should be: %s)", err, advice)
	}
	return err
}

// nameStore writes from which store a report comes.
func nameStore(w io.Writer, st *store.Store) { fmt.Fprintf(w, "store: %s\n", st.Place()) }

func migrate(ctx context.Context, c *call) error {
	c.create = true
	if c.dryRun {
		cfg := c.opts.StoreConfig()
		cfg.Create, cfg.Lazy = false, true
		st, err := store.Open(ctx, cfg)
		if err != nil {
			return err
		}
		nameStore(c.Stdout, st)
		return errors.Join(writePending(ctx, c.Stdout, st, true), st.Close())
	}
	return c.withStore(ctx, func(st *store.Store) error {
		nameStore(c.Stdout, st)
		return writePending(ctx, c.Stdout, st, false)
	})
}

// writePending writes which migrations a store needs. With all it adds the first line of each
// of their statements.
func writePending(ctx context.Context, w io.Writer, st *store.Store, all bool) error {
	steps, err := st.Pending(ctx)
	if err != nil {
		return err
	}
	var b strings.Builder
	if len(steps) == 0 {
		b.WriteString("its tables are those of this version\n")
	}
	for _, step := range steps {
		fmt.Fprintf(&b, "%s: %s, %s\n", step.Name, step.Kind(), step.State)
		if !all {
			continue
		}
		for _, statement := range step.Statements() {
			first, _, _ := strings.Cut(statement, "\n")
			fmt.Fprintf(&b, "    %s\n", first)
		}
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// serveParts returns the command that runs some parts until ctx ends.
func serveParts(collector, dashboard, retention bool) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		o := &c.opts
		o.Collector, o.Dashboard, o.Retention = collector, dashboard, retention
		if acme := len(o.TLSACME) > 0; o.Store == "" || collector || retention || acme {
			if err := takeData(o.Data, collector || acme); err != nil {
				return err
			}
		}
		c.harden()
		c.limitMemory(o.Store == "")
		signals, stop := catchHangups()
		defer stop()
		o.Hangups, o.Reread, o.Settings = signals, c.reread, cmp.Or(c.configPath(), DefaultConfig)
		err := app.Run(ctx, *o)
		if _, contradicts := errors.AsType[*privacy.Contradiction](err); contradicts {
			return usageError{err}
		}
		return err
	}
}

// catchHangups catches SIGHUP, which ends a process that does not catch it. A service manager
// sends it to reload, and a terminal when it is closed.
func catchHangups() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() {
		signal.Stop(c)
		signal.Ignore(syscall.SIGHUP) // until the process has ended
	}
}

// harden hardens a process that serves, and logs a warning if that fails.
func (c *call) harden() {
	if err := harden(); err != nil {
		c.component("program").Warn("secrets in memory are less protected than they could be", "err", err)
	}
}

func runQuery(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		return st.Query(ctx, c.words[0], c.format, c.Stdout)
	})
}

// writeTexts writes the texts of a language.
func writeTexts(ctx context.Context, c *call) error {
	languages, err := c.opts.Languages()
	if err != nil {
		return err
	}
	l := languages.Find(c.words[0])
	if l == nil {
		return usageError{fmt.Errorf("language %q: want one of %s", c.words[0], strings.Join(tags(languages), ", "))}
	}
	return l.Write(c.Stdout)
}

// printVersion asks the library for the engine's version, which is another number than that of its
// package. What is known without it is written before, since a damaged library may end the process.
func printVersion(ctx context.Context, c *call) error {
	if _, err := fmt.Fprintf(c.Stdout, "fotspor %s, commit %s, engine package %s", c.opts.Version, c.opts.Commit, EngineVersion); err != nil {
		return err
	}
	engine, err := embedded.LibraryVersion(ctx, c.opts.Engine)
	text := "ClickHouse " + engine
	if errors.Is(err, embedded.ErrNoLibrary) {
		text = "which is not installed here"
	} else if err != nil {
		fmt.Fprintf(c.Stderr, "fotspor version: warning: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		text = "which does not start here"
	}
	_, err = fmt.Fprintf(c.Stdout, ", %s\n", text)
	return err
}

// EngineVersion is the version of the package of the embedded engine for which this program is
// made. It is pinned in package.json.
const EngineVersion = "26.7.3-stable.1"

// Set by the linker: see the Makefile.
var version, commit = "devel", "unknown"
