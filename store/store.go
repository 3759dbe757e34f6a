// Package store stores rows in ClickHouse, embedded in the process or on a server,
// and answers queries of package report. Every figure is a sum over rows.
package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/trusted"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store/embedded"
	"github.com/fotspor/fotspor/store/schema"
)

// Errors of Prepare. They are wrapped with the place of the store.
var (
	ErrNoStore    = schema.ErrNone  // there is no store
	ErrOlder      = schema.ErrOlder // the store lacks migrations that this version has
	ErrNewer      = schema.ErrNewer // a newer version of the program has changed the store
	ErrUnfinished = errors.New("the store is an unfinished copy")
	ErrForeign    = schema.ErrForeign // another program made the store, such as one from before the first release
)

// DefaultDatabase is the database if the DSN names none.
const DefaultDatabase = "fotspor"

// Config says where the store is.
type Config struct {
	// DSN is clickhouse://…, http://… or https://…, with user, password,
	// database and options as clickhouse-go reads them. Empty: the engine
	// embedded in this process.
	DSN string
	// CA is a file of certificates, in PEM, of the authorities that a server's certificate may come
	// from; empty: those of the system. Cert and Key are files of a certificate by which this
	// program tells the server who it is, and its key, read anew for each connection; both empty:
	// none. They are for a DSN with TLS.
	CA, Cert, Key string
	// Dir is the data directory of the embedded engine. If another process
	// has it open, the store uses the engine of that process through its socket.
	Dir string
	// Library is the path of the engine's shared library; empty: it is searched for.
	Library string
	// MaxMemory bounds the embedded engine, in bytes; 0: its default.
	MaxMemory int64
	// Engine is an embedded engine that runs in this process already. The caller closes
	// it. nil: one is opened when needed.
	Engine *embedded.Engine
	// Sync makes inserts, and later merges of their parts, sync to disk before they are
	// acknowledged. It is a property of the tables: Prepare sets it, for all processes
	// that insert, and never removes it, since others may rely on it.
	Sync bool
	// Database overrides DefaultDatabase for the embedded engine.
	Database string
	// Create lets Prepare make the database and its tables, or bring those of an older
	// version up to date. Without it nothing is created, and the right to read suffices.
	Create bool
	// Lazy makes Open return without touching the store. Prepare then opens it, the
	// embedded engine included.
	Lazy bool
	// Unfinished is for a store that CopyTo fills: Prepare succeeds on one that it has not filled to
	// its end, and one that Prepare makes is marked as such before anything else is made. Any other
	// is left as it is.
	Unfinished bool
	// Schema is the number of the last migration that Prepare carries out, of an older version of
	// the program; 0: all of this one.
	Schema int
	// RowsSince returns the first day of which all hits are still kept as rows. nil: all
	// days.
	RowsSince func() calendar.Day
	// Now is the clock by which rows are past their time; nil: time.Now.
	Now func() time.Time
	// Program is the version of this program, which is recorded with each migration.
	Program string

	Logger *slog.Logger
	// Registerer gets the metrics of the store; nil: none has them.
	Registerer prometheus.Registerer
}

// Place returns where the store is, for people to read: its address without the password,
// or the directory of the embedded engine.
func (cfg Config) Place() string {
	if cfg.DSN == "" {
		dir, err := filepath.Abs(cfg.Dir)
		if err != nil {
			dir = cfg.Dir
		}
		return dir
	}
	one, hosts := hostsOf(cfg.DSN)
	u, err := url.Parse(one)
	if err != nil {
		return "an address that is not a URL"
	}
	place := url.URL{Scheme: u.Scheme, Host: strings.Join(hosts, ","), Path: "/" + DefaultDatabase}
	if u.User != nil {
		place.User = url.User(u.User.Username())
	}
	if strings.Trim(u.Path, "/") != "" {
		place.Path = u.Path
	}
	return place.String()
}

// Validate returns an error if the DSN, or a file for it, is invalid. The error holds no password.
func (cfg Config) Validate() error {
	if cfg.DSN == "" {
		return cfg.secure(nil)
	}
	opts, err := parseDSN(cfg.DSN)
	if err != nil {
		return err
	}
	return cfg.secure(opts.TLS)
}

// secure has a TLS configuration, nil if there is none, use the files of CA, Cert and Key.
func (cfg Config) secure(config *tls.Config) error {
	switch {
	case cfg.CA+cfg.Cert+cfg.Key == "":
		return nil
	case config == nil:
		return errors.New("store-ca and store-cert: the address of the store has no TLS; want https:// or clickhouse://…?secure=true")
	case (cfg.Cert == "") != (cfg.Key == ""):
		return errors.New("store-cert and store-key: want both or none")
	}
	if cfg.CA != "" {
		path, err := trusted.File(cfg.CA)
		if err != nil {
			return fmt.Errorf("store-ca: %w", err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("store-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("store-ca: %q has no certificate in PEM", cfg.CA)
		}
	}
	if cfg.Cert == "" {
		return nil
	}
	read := func() (*tls.Certificate, error) {
		cert, err1 := trusted.File(cfg.Cert)
		key, err2 := trusted.File(cfg.Key)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("store-cert: %w", err)
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("store-cert %q with key %q: %w", cfg.Cert, cfg.Key, err)
		}
		return &pair, nil
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return read() }
	_, err := read()
	return err
}

// Store is an open store. It is safe for concurrent use.
type Store struct {
	cfg     Config
	opts    *clickhouse.Options
	server  bool         // the store is a server, not an embedded engine
	conn    driver.Conn  // writes only once the store is prepared
	direct  driver.Conn  // the same without this gate, for Prepare and Ping
	http    *httpQuerier // nil with ClickHouse's own protocol
	way     *embeddedWay // to the embedded engine; nil with a server or with Config.Engine
	version atomic.Value // string; not set until the store is prepared
	log     *slog.Logger
	gaps    atomic.Pointer[[]report.Gap] // once they will not change

	sees     atomic.Bool // all statements that change the store pass the engine of this process
	changes  changes
	unwatch  func() // ends the watch of Config.Engine; nil: there is none
	recalled struct {
		sites    recalled[uint32, site.Site]
		users    recalled[string, site.User]
		sessions recalled[string, site.Session]
		counted  recalled[uint32, calendar.Day]
		notes    recalled[uint32, []site.Note]
		titles   recalled[titlesKey, map[string]string]
		erased   recalled[uint32, []calendar.Day]
		recorded recalled[recordedKey, []report.Recorded]
	}

	statements *statements

	edits, deletions sync.Mutex // of this process, see edit and LockDeletions
	folded           sync.Map   // by folded: a hash of the parts in which there were no lines of few

	schema   *schema.Migrator
	attached chan struct{} // wakes Backfill
	outdated atomic.Bool   // a newer program must send what was tried before
}

// Open opens the store and, unless it is lazy, prepares it. It may be called from
// several processes at once. The caller closes the store. Without Config.Create it creates
// nothing, and returns an error that wraps ErrNoStore if there is no store.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{cfg: cfg, server: cfg.DSN != "", log: cfg.Logger}
	s.changes.tables, s.changes.days = map[string]uint64{}, map[calendar.Day]uint64{}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.opts, err = s.options(cfg); err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(s.opts) // does not connect yet
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.Close())
	}
	s.statements = newStatements(cfg.Registerer)
	s.direct = measured{bounded{conn}, s.statements}
	s.schema = &schema.Migrator{Conn: s.direct, Database: s.opts.Auth.Database, Place: s.Place(), Program: cfg.Program, Log: s.log}
	if cfg.Schema > 0 {
		s.schema.Migrations = schema.All()[:cfg.Schema]
	}
	s.attached = make(chan struct{}, 1)
	s.conn = gated{s.direct, func() bool { return s.Version() != "" }}
	if cfg.Lazy {
		return s, nil
	}
	if err := s.Prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Place returns where the store is, as Config.Place does.
func (s *Store) Place() string { return s.cfg.Place() }

// Prepare opens the embedded engine, if the store is one, and checks whether the store
// exists. With Config.Create it makes the database and its tables, or brings those of an
// older version up to date. Only a lazy store needs it. Before it has succeeded, methods
// that write return ErrNotPrepared, and others return errors unless another process has
// made the store. It may be called at any time, and again after an error; once it has
// succeeded it does nothing. Its error wraps ErrNoStore, ErrOlder, ErrNewer, ErrForeign or
// ErrUnfinished where they apply.
func (s *Store) Prepare(ctx context.Context) error {
	if s.Version() != "" {
		return nil
	}
	if s.way != nil {
		if err := s.way.Open(ctx); err != nil {
			return err
		}
	}
	if err := s.prepareSchema(ctx); err != nil {
		if s.way != nil {
			s.way.forget()
		}
		return err
	}
	if s.cfg.Create && s.cfg.Sync {
		if err := s.syncTables(ctx); err != nil {
			return err
		}
	}
	v, err := s.direct.ServerVersion()
	if err != nil {
		return fmt.Errorf("reach store: %w", err)
	}
	s.version.Store(v.Version.String())
	return nil
}

// syncTables makes the tables that Insert fills sync each part and its directory when an
// insert or a merge has written it. Merges are included, since their result replaces parts
// that were synced. The tables are those with deduplication by token.
func (s *Store) syncTables(ctx context.Context) error {
	const settings = "fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1"
	query := `
		SELECT name FROM system.tables
		WHERE database = currentDatabase() AND position(engine_full, 'deduplication_window') > 0 AND name NOT LIKE 'filling%'
			AND position(engine_full, {settings:String}) = 0`
	rows, err := s.conn.Query(bind(ctx, clickhouse.Parameters{"settings": settings}), query)
	if err != nil {
		return fmt.Errorf("read whether inserts are synced: %w", err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return fmt.Errorf("read whether inserts are synced: %w", err)
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read whether inserts are synced: %w", err)
	}
	for _, table := range tables {
		if err := s.direct.Exec(ctx, "ALTER TABLE "+table+" MODIFY SETTING "+settings); err != nil {
			return fmt.Errorf("make inserts into %s reach the disk: %w", table, err)
		}
	}
	return nil
}

// options returns the options of clickhouse-go for the store.
func (s *Store) options(cfg Config) (*clickhouse.Options, error) {
	if cfg.DSN != "" {
		opts, err := parseDSN(cfg.DSN)
		if err == nil {
			err = cfg.secure(opts.TLS)
		}
		if err == nil && opts.Protocol == clickhouse.HTTP {
			s.http = newQuerier(opts, &http.Transport{
				TLSClientConfig:     opts.TLS,
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: opts.DialTimeout}).DialContext,
				TLSHandshakeTimeout: opts.DialTimeout,
				IdleConnTimeout:     time.Minute,
			})
		}
		return opts, err
	}
	database := cfg.Database
	if database == "" {
		database = DefaultDatabase
	}
	opts := &clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{"engine"},
		Auth:        clickhouse.Auth{Database: database},
		DialTimeout: dialTime,
		ReadTimeout: max(deleteTime, queryTime),
	}
	var transport http.RoundTripper = cfg.Engine
	if cfg.Engine != nil {
		s.unwatch = cfg.Engine.Watch(s.changes.note)
		s.sees.Store(true)
	} else {
		s.way = &embeddedWay{open: func(ctx context.Context) (http.RoundTripper, error) { return s.openEngine(ctx, cfg) }}
		transport = s.way
	}
	s.http = newQuerier(opts, transport)
	opts.TransportFunc = func(*http.Transport) (http.RoundTripper, error) { return transport, nil }
	return opts, nil
}

// hostsOf returns a DSN with the first of its hosts alone, since a URL has one, and all hosts.
func hostsOf(dsn string) (one string, hosts []string) {
	scheme, rest, found := strings.Cut(dsn, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	begin := strings.LastIndexByte(rest[:end], '@') + 1
	hosts = strings.Split(rest[begin:end], ",")
	if !found {
		return dsn, hosts
	}
	return scheme + "://" + rest[:begin] + hosts[0] + rest[end:], hosts
}

// ports are those of ClickHouse by scheme, and by whether there is TLS.
var ports = map[string]map[bool]string{
	"clickhouse": {false: "9000", true: "9440"}, "http": {false: "8123"}, "https": {true: "8443"},
}

// parseDSN reads a DSN. Its errors hold no password.
func parseDSN(dsn string) (*clickhouse.Options, error) {
	dsn, hosts := hostsOf(dsn)
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("store address: not a URL")
	}
	switch u.Scheme {
	case "clickhouse", "http", "https":
	default:
		return nil, fmt.Errorf("store address %q: want clickhouse://, http:// or https://", u.Redacted())
	}
	query := u.Query()
	if u.Scheme == "https" && !query.Has("secure") {
		query.Set("secure", "true")
	}
	full := *u
	full.RawQuery = query.Encode()
	opts, err := clickhouse.ParseDSN(full.String())
	if err != nil {
		return nil, fmt.Errorf("store address %q: %w", u.Redacted(), err)
	}
	opts.Addr = hosts
	for i, addr := range opts.Addr {
		if strings.Trim(addr, "[]:") == "" {
			return nil, fmt.Errorf("store address %q: want a host", u.Redacted())
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			opts.Addr[i] = net.JoinHostPort(strings.Trim(addr, "[]"), ports[u.Scheme][opts.TLS != nil])
		}
	}
	for _, addr := range opts.Addr {
		if _, port, err := net.SplitHostPort(addr); err == nil {
			if _, err := strconv.ParseUint(port, 10, 16); err != nil {
				return nil, fmt.Errorf("store address %q: want a port of at most 65535", u.Redacted())
			}
		}
	}
	if opts.DialTimeout == 0 {
		opts.DialTimeout = dialTime
	}
	if opts.ReadTimeout == 0 { // each statement has a deadline already
		opts.ReadTimeout = max(deleteTime, queryTime)
	}
	if opts.Auth.Database == "" || strings.Trim(u.Path, "/") == "" {
		opts.Auth.Database = DefaultDatabase
	}
	return opts, nil
}

func (s *Store) createDatabase(ctx context.Context) error {
	opts, database := *s.opts, s.opts.Auth.Database
	opts.Auth.Database = "default"
	conn, err := clickhouse.Open(&opts)
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	defer conn.Close()
	if err := (bounded{conn}).Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quoteName(database)); err != nil {
		return fmt.Errorf("create database %q: %w", database, err)
	}
	return nil
}

// quoteName quotes an identifier.
func quoteName(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}

// Engine returns the engine that this store has opened and will close. It returns nil if
// the store is a server, uses the engine of another process or Config.Engine, or is not
// prepared.
func (s *Store) Engine() *embedded.Engine { return s.way.engine() }

// Version returns the version of the store's ClickHouse, "" until the store is prepared.
func (s *Store) Version() string {
	v, _ := s.version.Load().(string)
	return v
}

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.direct.Exec(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("ping store: %w", err)
	}
	return nil
}

// Close closes the connections and, if this store opened it, the engine. It waits a few
// seconds at most for running statements of the engine, and returns an error if they take
// longer.
func (s *Store) Close() error {
	var errs []error
	s.sees.Store(false)
	if s.unwatch != nil {
		s.unwatch()
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.http != nil {
		s.http.client.CloseIdleConnections()
	}
	if s.way != nil {
		errs = append(errs, s.way.Close())
	}
	return errors.Join(errs...)
}

// escaped escapes a text for the value of a ClickHouse parameter, as in its tab-separated
// format.
var escaped = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

// bind gives a query its named parameters, which the server substitutes.
func bind(ctx context.Context, params clickhouse.Parameters) context.Context {
	for name, value := range params {
		params[name] = escaped.Replace(value)
	}
	return clickhouse.Context(ctx, clickhouse.WithParameters(params))
}
