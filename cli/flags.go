package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
)

// usageError is a mistake in the command line: one line and exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// flags is a flag set whose flags have twins in the environment: --trusted-proxies
// is FOTSPOR_TRUSTED_PROXIES there. A flag given wins.
type flags struct {
	*flag.FlagSet
	getenv func(string) string
}

func newFlags(name string, getenv func(string) string) flags {
	f := flags{flag.NewFlagSet(name, flag.ContinueOnError), getenv}
	f.SetOutput(io.Discard)
	return f
}

// parse reads the environment and args, in which flags and words may mix, and
// returns the words. There must be as many as names says.
func (f flags) parse(args []string, names ...string) ([]string, error) {
	var err error
	f.VisitAll(func(fl *flag.Flag) {
		twin := envName(fl.Name)
		if value := f.getenv(twin); value != "" && err == nil {
			if e := f.Set(fl.Name, value); e != nil {
				err = usagef("%s=%q: %w", twin, value, e)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	var words []string
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usageError{err}
		}
		rest := f.Args()
		if len(rest) == 0 {
			break
		}
		if dashes := len(args) - len(rest) - 1; dashes >= 0 && args[dashes] == "--" {
			words = append(words, rest...)
			break
		}
		words, args = append(words, rest[0]), rest[1:]
	}
	switch {
	case len(words) > len(names):
		return nil, usagef("unexpected argument %q", words[len(names)])
	case len(words) < len(names):
		return nil, usagef("missing argument %s", names[len(words)])
	}
	return words, nil
}

func envName(flag string) string {
	return "FOTSPOR_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// logFormat is how logs are written.
type logFormat string

func (l *logFormat) String() string { return string(*l) }

func (l *logFormat) Set(s string) error {
	if s != "text" && s != "json" {
		return errors.New("want text or json")
	}
	*l = logFormat(s)
	return nil
}

func (l logFormat) logger(w io.Writer, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if l == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// bindStore adds the flags that say where the store is.
func (f flags) bindStore(o *app.Options) {
	f.Var((*directory)(&o.Data), "data", "`directory` of the spool and of the embedded engine")
	f.StringVar(&o.Store, "store", o.Store, "`address` of ClickHouse: clickhouse://, http:// or https:// (default: the embedded engine)")
	f.StringVar(&o.Engine, "engine", o.Engine, "`file` of the embedded engine's library (default: looked for)")
	f.Var((*byteSize)(&o.EngineMemory), "engine-memory", "most `memory` that the embedded engine takes, such as 512MiB (default: suits a server of 1 GB)")
}

// bindServing adds the flags of everything that listens.
func (f flags) bindServing(o *app.Options) {
	f.bindStore(o)
	f.Var((*listenAddr)(&o.MetricsListen), "metrics-listen", "`address` of /metrics, /healthz and /readyz")
}

// bindPublic adds the flags of what browsers reach.
func (f flags) bindPublic(o *app.Options) {
	f.Var((*listenAddr)(&o.Listen), "listen", "`address` for browsers")
	f.Var((*byteSize)(&o.BodyMemory), "body-memory", "most `memory` that bodies of requests under way take together, such as 64MiB (default: 64MiB)")
	f.StringVar(&o.PublicURL, "public-url", o.PublicURL, "`URL` under which browsers reach it (default: http:// and the address listened on)")
	f.Var((*prefixes)(&o.TrustedProxies), "trusted-proxies", "`networks` of proxies whose word on the client's address is taken, such as 10.0.0.0/8,127.0.0.1 (default: none)")
}

// bindGeo adds the flag of the region data, whose licence the dashboard shows.
func (f flags) bindGeo(o *app.Options) {
	f.Var((*list)(&o.Geo), "geo", "region `files`, DB-IP or MaxMind, separated by commas (default: looked for)")
}

// bindCollector adds the flags of the collector.
func (f flags) bindCollector(o *app.Options) {
	f.StringVar(&o.Sources, "sources", o.Sources, "`directory` of Matomo's lists SearchEngines.yml, Socials.yml and AIAssistants.yml (default: the rules shipped)")
	f.StringVar(&o.ReferrerSpam, "referrer-spam", o.ReferrerSpam, "`file` of hosts whose visits are left out, one a line (default: the list shipped)")
	f.Var((*record)(&o.Policy.Record), "record", "`what` to record: standard or minimal")
	f.BoolVar(&o.Policy.CountObjections, "count-objections", false, "have the script of visitors who object send an empty message, which is counted by site and day alone; the statement says so")
	f.Var((*byteSize)(&o.SpoolBytes), "spool-size", "most `room` on disk for hits that wait for the store, such as 1GiB (default: 1GiB)")
	f.Var((*durability)(&o.Power), "durability", "`what` an acknowledged hit survives: process (kill -9) or power (a power cut too)")
	f.Float64Var(&o.RateLimit, "rate-limit", o.RateLimit, "most `hits` a second from one network of 256 addresses; 0: no limit")
	f.StringVar(&o.Handover, "handover", o.Handover, "`directory` in memory by which visits outlive a restart (default: none, visits start afresh)")
	f.Var((*visitMemory)(&o.VisitMemory), "visit-memory", "most `memory` that the visitors of a day take, 8MiB or more (default: 256MiB)")
}

// bindRetention adds the flag of the promise on how long rows live.
func (f flags) bindRetention(o *app.Options) {
	f.Var((*period)(&o.Policy.Retention), "retention", "how `long` raw rows live, such as 3y, 25m or 90d")
}

// bindAudit adds the flag that says how long the audit log is kept.
func (f flags) bindAudit(o *app.Options) {
	f.Var((*period)(&o.AuditRetention), "audit-retention", "how `long` lines of the audit log live, such as 12m")
}

// The types below read one flag each.

type directory string

func (d *directory) String() string { return string(*d) }

func (d *directory) Set(s string) error {
	if s == "" {
		return errors.New("want a directory")
	}
	*d = directory(s)
	return nil
}

// listenAddr is where a server of the program listens.
type listenAddr string

func (a *listenAddr) String() string { return string(*a) }

func (a *listenAddr) Set(s string) error {
	*a = listenAddr(s)
	return app.ValidateListen(s)
}

type period privacy.Period

func (p *period) String() string { return privacy.Period(*p).String() }

func (p *period) Set(s string) error {
	parsed, err := privacy.ParsePeriod(s)
	*p = period(parsed)
	return err
}

type record privacy.Record

func (r *record) String() string { return string(*r) }

func (r *record) Set(s string) error {
	if s != string(privacy.Standard) && s != string(privacy.Minimal) {
		return errors.New("want standard or minimal")
	}
	*r = record(s)
	return nil
}

// durability is true for power.
type durability bool

func (d *durability) String() string {
	if *d {
		return "power"
	}
	return "process"
}

func (d *durability) Set(s string) error {
	if s != "process" && s != "power" {
		return errors.New("want process or power")
	}
	*d = s == "power"
	return nil
}

type addrFlag hit.Addr

func (a *addrFlag) String() string { return "" }

func (a *addrFlag) Set(s string) error {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return errors.New("want an internet address")
	}
	*a = addrFlag(hit.NewAddr(addr))
	return nil
}

type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = nil
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*l = append(*l, part)
		}
	}
	return nil
}

type prefixes []netip.Prefix

func (p *prefixes) String() string {
	var all []string
	for _, prefix := range *p {
		all = append(all, prefix.String())
	}
	return strings.Join(all, ",")
}

func (p *prefixes) Set(s string) error {
	var parts list
	parts.Set(s)
	*p = nil
	for _, part := range parts {
		prefix, err := netip.ParsePrefix(part)
		if addr, addrErr := netip.ParseAddr(part); err != nil && addrErr == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%q is no network such as 10.0.0.0/8", part)
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

// visitMemory is a byteSize that visitors can do with.
type visitMemory int64

func (m *visitMemory) String() string { return (*byteSize)(m).String() }

func (m *visitMemory) Set(s string) error {
	if err := (*byteSize)(m).Set(s); err != nil {
		return err
	}
	if *m < visit.MinMemory {
		return fmt.Errorf("want %d MiB or more", visit.MinMemory>>20)
	}
	return nil
}

type byteSize int64

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*b), 10)
}

func (b *byteSize) Set(s string) error {
	digits, factor := s, int64(1)
	for _, unit := range []struct {
		suffix string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}} {
		if before, ok := strings.CutSuffix(s, unit.suffix); ok {
			digits, factor = strings.TrimSpace(before), unit.factor
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/factor {
		return errors.New("want a size such as 512MiB")
	}
	*b = byteSize(n * factor)
	return nil
}
