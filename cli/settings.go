package cli

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/collector/body"
	"github.com/fotspor/fotspor/collector/lines"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

//go:generate go test -run TestSettingsAsDocumented -update .

// setting is a flag of commands. Its name is also its key in a file of settings, unless it is
// an argument. Method twin returns its name in the environment.
type setting struct {
	name     string
	commands []string // the commands that have it
	help     string   // a sentence, with the kind of value in `backquotes`
	more     string   // further text for docs/settings.md, in Markdown
	none     string   // text for the default if that has none itself, such as "looked for"
	policy   bool     // a value of the policy: it sets that of a new store, and must agree with that of another
	argument bool     // given for one run only, such as --dry-run: not in the file of settings
	secret   bool     // may hold a password: shown nowhere, and read from a file that the environment names
	value    func(*call) flag.Value
	// check returns an error if the value can't be used; nil: no check. It runs when all
	// settings are read. It may read files, and opens nothing else.
	check func(*call) error
}

// twin returns the name of the setting in the environment.
func (s setting) twin() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

// prefix begins the name of each setting in the environment.
const prefix = "FOTSPOR_"

// Groups of commands.
var (
	serving    = []string{"serve", "collector", "dashboard", "retention"}
	public     = []string{"serve", "collector", "dashboard"}
	collecting = []string{"serve", "collector"}
	forSites   = []string{"site add", "site edit"}
	onTexts    = []string{"find", "access", "erase"} // select what a person asks about
)

// allBut returns the names of all commands except some.
func allBut(some ...string) []string {
	var names []string
	for _, cmd := range commands() {
		if !slices.Contains(some, cmd.name) {
			names = append(names, cmd.name)
		}
	}
	return names
}

// settings returns all settings of all commands, in the order of help and docs. A name that
// has different meanings in different commands has several entries.
func settings() []setting {
	toServers := allBut("engine", "move", "completion", "geo update", "healthcheck", "texts", "version")
	return []setting{
		{name: "config", commands: allBut("completion", "version"), help: "`file` of settings in TOML", none: DefaultConfig + ", if it is there",
			more:  "See [a file of settings](#a-file-of-settings).",
			value: func(c *call) flag.Value { return keep(&c.config, readText) }},
		{name: "data", commands: allBut("completion", "healthcheck", "texts", "version"), help: "`directory` of the spool and of the embedded engine",
			more:  "One process at a time owns it. It is made for its user alone; one that others may write to, or that is not of one user, is [refused](operations.md#the-data-directory).",
			value: func(c *call) flag.Value { return keep(&c.opts.Data, readDirectory) }},
		{name: "store", secret: true, commands: toServers, help: "`address` of a ClickHouse server: clickhouse://, http:// or https://", none: "the embedded engine",
			more:  "Such as `clickhouse://user:password@host:9000/database`. It may hold a password, and a command line can be read by every user of the machine: prefer a [file](#secrets).",
			value: func(c *call) flag.Value { return keep(&c.opts.Store, readText) },
			// Not in value, since the flag package adds the value to errors, with a password.
			check: func(c *call) error { return c.opts.StoreConfig().Validate() }},
		{name: "store-ca", commands: append([]string{"move"}, toServers...), help: "`file` of the authorities in PEM that a server's certificate may come from", none: "those of the system",
			more:  "For an address with TLS: https:// or clickhouse://…?secure=true. See [a store behind TLS](install.md#a-store-behind-tls).",
			value: func(c *call) flag.Value { return keep(&c.opts.StoreCA, readText) }},
		{name: "store-cert", commands: append([]string{"move"}, toServers...), help: "`file` of a certificate in PEM by which the server knows this program", none: "none",
			more:  "It is read anew for each connection.",
			value: func(c *call) flag.Value { return keep(&c.opts.StoreCert, readText) }},
		{name: "store-key", commands: append([]string{"move"}, toServers...), help: "`file` of the private key of --store-cert, in PEM", none: "none",
			value: func(c *call) flag.Value { return keep(&c.opts.StoreKey, readText) }},
		{name: "engine", commands: allBut("completion", "geo update", "healthcheck", "texts"), help: "`file` of the embedded engine's library, libchdb.so", none: "looked for",
			more:  "[Where it is looked for](install.md#whose-files-it-takes).",
			value: func(c *call) flag.Value { return keep(&c.opts.Engine, readText) },
			check: func(c *call) error {
				if c.opts.Engine == "" || c.cmd.name == "version" { // which says that it is not installed
					return nil
				}
				_, err := embedded.FindLibrary(c.opts.Engine)
				return err
			}},
		{name: "engine-memory", commands: allBut("completion", "geo update", "healthcheck", "texts", "version"), help: "most `memory` that statements and merges of the embedded engine take together, " + least(embedded.LeastMaxMemory),
			more:  "The process needs some more.",
			value: func(c *call) flag.Value { return size(&c.opts.EngineMemory, embedded.LeastMaxMemory) }},
		{name: "listen", commands: public, help: "`address` for browsers, or the proxy in front",
			value: func(c *call) flag.Value { return keep(&c.opts.Listen, readListen) }},
		{name: "listen", commands: []string{"engine"}, argument: true, help: "loopback `address` to answer on, with user and password",
			value: func(c *call) flag.Value {
				c.engineListen = DefaultEngineListen
				return keep(&c.engineListen, readLoopback)
			}},
		{name: "metrics-listen", commands: append([]string{"healthcheck", "doctor"}, serving...), help: "`address` of /metrics, /healthz and /readyz",
			more:  "There is no log-in: keep it from the public.",
			value: func(c *call) flag.Value { return keep(&c.opts.MetricsListen, readListen) }},
		{name: "tls-cert", commands: public, help: "`file` of a certificate, with those that lead to its root, in PEM; --listen then speaks HTTPS", none: "none: plain HTTP",
			more:  "See [TLS of its own](install.md#tls-of-its-own). A changed file is read anew.",
			value: func(c *call) flag.Value { return keep(&c.opts.TLSCert, readText) }},
		{name: "tls-key", commands: public, help: "`file` of the private key of --tls-cert, in PEM", none: "none",
			value: func(c *call) flag.Value { return keep(&c.opts.TLSKey, readText) },
			check: func(c *call) error { return c.opts.CheckTLS() }},
		{name: "tls-acme", commands: public, help: "`hosts` for which certificates are got by ACME, such as stats.example.org, separated by commas; --listen then speaks HTTPS", none: "none",
			more:  "See [TLS of its own](install.md#tls-of-its-own). Port 443 of the hosts must lead to --listen. With it you accept the terms of the authority.",
			value: func(c *call) flag.Value { return keep(&c.opts.TLSACME, readHosts) }},
		{name: "tls-acme-directory", commands: public, help: "`URL` of the directory of the certificate authority",
			value: func(c *call) flag.Value { return keep(&c.opts.ACMEDirectory, readHTTPS) }},
		{name: "public-url", commands: slices.Concat(public, forSites, []string{"papers", "doctor"}), help: "`URL` under which browsers reach the program", none: "http:// and the address listened on, https:// with --tls-cert, or the first host of --tls-acme",
			more:  "It is in the lines to paste, and makes cookies HTTPS-only if it begins with `https://`; browsers are then told to come by HTTPS alone (`Strict-Transport-Security`, two years). The store keeps what a running program was told last. The other commands take it from there, and so does a program that is not told, for the lines to paste and the links of the opt-out box.",
			value: func(c *call) flag.Value { return keep(&c.opts.PublicURL, baseurl.Parse) }},
		{name: "trusted-proxies", commands: append([]string{"doctor"}, public...), help: "`networks` of proxies whose headers on the client's address are believed, such as 10.0.0.0/8,127.0.0.1", none: "none",
			more:  "See [behind a reverse proxy](install.md#behind-a-reverse-proxy).",
			value: func(c *call) flag.Value { return keep(&c.opts.TrustedProxies, readNetworks) }},
		{name: "body-memory", commands: public, help: "most `memory` for the bodies of all running requests together, " + least(body.LeastBytes),
			more:  "See [operations](operations.md#floods-crashes-and-memory).",
			value: func(c *call) flag.Value { return size(&c.opts.BodyMemory, body.LeastBytes) }},
		{name: "geo", commands: append([]string{"doctor"}, public...), help: "GeoIP database `files`, DB-IP or MaxMind, separated by commas", none: "looked for",
			more:  "[Where they are looked for](install.md#whose-files-it-takes); what `fotspor geo update` has fetched comes first. A changed file is read anew.",
			value: func(c *call) flag.Value { return keep(&c.opts.Geo, readList) },
			check: func(c *call) error {
				_, err := geo.Open(c.opts.Geo, geo.Options{})
				return err
			}},
		{name: "geo-url", secret: true, commands: []string{"geo update"}, help: "`URLs` of GeoIP databases to fetch, separated by commas; {year} and {month} stand for those of today, or of the month before", none: geo.DefaultURL,
			more: "The default is IP to City Lite of DB-IP, under CC BY 4.0. See [region data](install.md#region-data). A URL may hold a password: prefer a [file](#secrets) then.",
			value: func(c *call) flag.Value {
				c.geoURLs = []string{geo.DefaultURL}
				return keep(&c.geoURLs, readList)
			},
			check: func(c *call) error {
				for _, u := range c.geoURLs {
					if err := geo.CheckURL(u); err != nil {
						return err
					}
				}
				return nil
			}},
		{name: "texts", commands: []string{"serve", "dashboard", "texts"}, help: "`directory` of texts of the dashboard, a file for each language, such as da.json", none: "the languages shipped",
			more:  "See [other languages](dashboard.md#other-languages). Read at the start.",
			value: func(c *call) flag.Value { return keep(&c.opts.Texts, readText) },
			check: func(c *call) error {
				_, err := c.opts.Languages()
				return err
			}},
		{name: "sources", commands: collecting, help: "`directory` of Matomo's lists SearchEngines.yml, Socials.yml and AIAssistants.yml", none: "the rules shipped",
			more:  "[Matomo's lists](https://github.com/matomo-org/searchengine-and-social-list), unchanged. They override the rules shipped. Changed files are read anew within a minute, and at SIGHUP.",
			value: func(c *call) flag.Value { return keep(&c.opts.Sources, readText) },
			check: func(c *call) error {
				if c.opts.Sources == "" {
					return nil
				}
				_, err := referrer.OpenSources(c.opts.Sources)
				return err
			}},
		{name: "referrer-spam", commands: collecting, help: "`file` of hosts whose visits are excluded, one a line", none: "the list shipped",
			more:  "Such as [Matomo's list](https://github.com/matomo-org/referrer-spam-list). A changed file is read anew within a minute, and at SIGHUP.",
			value: func(c *call) flag.Value { return keep(&c.opts.ReferrerSpam, readText) },
			check: func(c *call) error {
				if c.opts.ReferrerSpam == "" {
					return nil
				}
				_, err := referrer.OpenSpam(c.opts.ReferrerSpam)
				return err
			}},
		policySetting("record", "`what` to record: standard or minimal",
			"`minimal` keeps only page, the page before it and the first of the visit, time, browser and region. `standard` adds system, device class, language, source, campaign and events."),
		policySetting("retention", "`period` that raw rows live, such as 3y, 25m or 90d",
			"Totals without any address stay as long as `--totals` says."),
		policySetting("totals", "`period` that totals without any address live, such as 25m, or forever",
			"It is not shorter than `--retention`."),
		policySetting("backups", "`period` that a backup lives, such as 30d, or none",
			"See [backups](backup.md#how-long-they-live). What is deleted may be in one for so much longer, and the statement says so. With none, `fotspor backup` makes none."),
		policySetting("bits4", fmt.Sprintf("leading `bits` kept of an IPv4 address, 0 to %d", privacy.MaxBits4),
			"0 keeps nothing of it."),
		policySetting("bits6", fmt.Sprintf("leading `bits` kept of an IPv6 address, 0 to %d", privacy.MaxBits6),
			"0 keeps nothing of it."),
		policySetting("objections", "`what` to do with visitors whose browser objects by Sec-GPC or DNT: heed, which excludes them, or ignore",
			"Who has opted out is excluded in any case. See [privacy](privacy.md#when-somebody-asks). The statement says so."),
		policySetting("count-objections", "let the script of visitors who object send an empty message for each page, which is counted by site and day only",
			"See [privacy](privacy.md#when-somebody-asks). The statement says so."),
		policySetting("titles", "how many `visitors` must see the same title at a page on one day before that title is kept, 3 to 20; 0: no titles",
			"See [privacy](privacy.md#titles-of-pages). The statement says the number. The retention worker deletes titles that fewer visitors have seen, and all titles if it is 0."),
		policySetting("ageing", "what rows lose before they are deleted, as `stages` such as 90d:network,1y:hour, or none",
			"Stages are `network`, `hour` (minutes and seconds go), `version` (of the browser) and `region`. Totals stay. See [privacy](privacy.md#how-long). The statement says so."),
		policySetting("fold", fmt.Sprintf("lines of totals that fewer than so many `visitors` or times are in are folded when a month is over and its rows are deleted, %d to %d; 0: never", privacy.MinFoldBelow, privacy.MaxFoldBelow),
			"Such a page, search, source or the like is then counted as `[other]`, and its text is deleted. See [privacy](privacy.md#how-long). The statement says the number."),
		policySetting("rounding", fmt.Sprintf("to what `multiple` all counts that anybody is shown are rounded after adding up, 1 to %d; 1: they are exact", privacy.MaxRounding),
			"With 10 a page shows 40 for 37, and `< 10` for 3. Rows and totals in the store stay exact. See [privacy](privacy.md#how-long). The statement says the number."),
		{name: "audit-retention", commands: []string{"serve", "retention", "retention run", "restore", "papers"}, help: "`period` that lines of the audit log live, such as 12m, and at most ten years",
			more:  "The retention worker deletes older lines of the [audit log](operations.md#the-audit-log).",
			value: func(c *call) flag.Value { return keep(&c.opts.AuditRetention, readPeriod) }},
		{name: "spool-size", commands: append([]string{"doctor"}, collecting...), help: "most `space` on disk for hits that wait for the store, " + least(spool.LeastBytes),
			more:  "Below 64MiB a bulk request of 2,000 hits may never find the space that is reserved for it; each goal that its hits may reach takes as much again.",
			value: func(c *call) flag.Value { return size(&c.opts.SpoolBytes, spool.LeastBytes) }},
		{name: "durability", commands: collecting, help: "`what` an acknowledged hit survives: process (kill -9) or power (a power cut too)",
			more:  "With `power`, hits that come together are synced to disk together, and the store's inserts are, too. Answers take as long as the disk takes to sync. It sets the tables to sync as well, and does not take that back: `ALTER TABLE … RESET SETTING fsync_after_insert, fsync_part_directory, min_rows_to_fsync_after_merge` does.",
			value: func(c *call) flag.Value { return keep((*durability)(&c.opts.Power), readDurability) }},
		{name: "rate-limit", commands: collecting, help: "most `hits` a second from one network of 256 addresses; 0: no limit",
			more:  "A network is an IPv4 /24 or an IPv6 /48, and may send a minute's worth at once. What is beyond gets 429. A hit that tells its visitor's address with a token is not limited; the others in its request are.",
			value: func(c *call) flag.Value { return keep(&c.opts.RateLimit, readRate) }},
		{name: "visit-memory", commands: collecting, help: "most `memory` for the visitors of a day, " + least(visit.MinMemory),
			more:  "Beyond it the visitor whose last hit is oldest is forgotten, and counts as new on coming back: see [memory of visitors](operations.md#memory-of-visitors).",
			value: func(c *call) flag.Value { return size(&c.opts.VisitMemory, visit.MinMemory) }},
		{name: "line-memory", commands: collecting, help: "most `memory` for the values with their own lines in the reports, " + least(lines.MinMemory),
			more:  "Beyond it new values are counted together as others: see [lines of the reports](operations.md#lines-of-the-reports).",
			value: func(c *call) flag.Value { return size(&c.opts.LineMemory, lines.MinMemory) }},
		{name: "handover", commands: collecting, help: "`directory` in memory for handing visits over a restart", none: "none: a restart ends all visits",
			more:  "See [operations](operations.md#a-restart-in-the-middle-of-the-day).",
			value: func(c *call) flag.Value { return keep(&c.opts.Handover, readText) }},
		{name: "log-level", commands: allBut(), help: "least `level` of logs: debug, info, warn or error", none: "info for commands that serve, else warn",
			more:  "A process that serves reads it again from the file of settings when that changes, and at SIGHUP.",
			value: func(c *call) flag.Value { return keep(&c.logLevel, oneOf("debug", "info", "warn", "error")) }},
		{name: "log-format", commands: allBut(), help: "`format` of logs on standard error: text or json",
			value: func(c *call) flag.Value { return keep(&c.logFormat, oneOf("text", "json")) }},
		{name: "demo", commands: []string{"serve"}, help: "serve demo pages at /demo that send hits to this program",
			more:  "Their hits count for a site that is made for them. `make run` does this.",
			value: func(c *call) flag.Value { return keep(&c.opts.Demo, readBool) }},

		{name: "recipient", commands: []string{"backup"}, help: "public `keys` of age for which a backup is encrypted, such as age1…, separated by commas, or the path of a file of them", none: "none: it is not encrypted",
			more:  "See [backups](backup.md#make-one).",
			value: func(c *call) flag.Value { return keep(&c.recipients, readRecipients) }},
		{name: "identity", commands: []string{"restore", "upgrade", "backup verify"}, argument: true, help: "`file` with the secret key of age that opens an encrypted backup", none: "none",
			value: func(c *call) flag.Value { return keep(&c.identity, readText) }},
		{name: "to", commands: []string{"move"}, argument: true, secret: true, help: "`address` of the ClickHouse server: clickhouse://, http:// or https://",
			value: func(c *call) flag.Value { return keep(&c.moveTo, readText) },
			check: func(c *call) error {
				cfg := c.opts.StoreConfig()
				cfg.DSN = c.moveTo
				return cfg.Validate()
			}},
		{name: "check", commands: []string{"upgrade"}, argument: true, help: "try it on a copy of the store, and change nothing",
			value: func(c *call) flag.Value { return keep(&c.check, readBool) }},
		{name: "from", commands: []string{"upgrade"}, argument: true, help: "`directory` of backups, whose newest one is tried", none: "a backup is made for it",
			value: func(c *call) flag.Value { return keep(&c.backups, readText) }},
		{name: "older-than", commands: []string{"backup prune"}, argument: true, help: "shorter `period` than that of the policy, such as 7d", none: "that of the policy",
			value: func(c *call) flag.Value { return olderThan{keep(&c.olderThan, readPeriod)} }},
		{name: "create", commands: []string{"site add", "user add"}, argument: true, help: "make the store if there is none",
			value: func(c *call) flag.Value { return keep(&c.create, readBool) }},
		{name: "host", commands: forSites, argument: true, help: "`hosts` of the site, such as example.org, blåbær.no or *.example.org; several with commas, the main one first. Hits of other hosts are excluded",
			value: ofSite("host")},
		{name: "hosts", commands: forSites, argument: true, help: "`hosts`, as with --host",
			value: ofSite("host")},
		{name: "name", commands: forSites, argument: true, help: "`name` of the site", none: "its main host",
			value: ofSite("name")},
		{name: "timezone", commands: forSites, argument: true, help: "time `zone` in which the site's days begin and end",
			value: ofSite("timezone")},
		{name: "tags", commands: forSites, argument: true, help: "`tags` of the site, at most ten: the folders of the list of sites, such as Skole,Kultur", none: "none",
			value: ofSite("tags")},
		{name: "school-weeks", commands: forSites, argument: true, help: "`weeks` in which the schools around are closed in winter and in autumn, such as 8,40, which charts show; 0 for one that is not known", none: "none",
			value: ofSite("school-weeks")},
		{name: "parameters", commands: forSites, argument: true, help: "query `parameters` that are part of a page's address, such as id,page; all others are dropped", none: "none",
			value: ofSite("parameters")},
		{name: "exclude", commands: forSites, argument: true, help: "`paths` that are not counted, such as /admin/*,*/preview", none: "none",
			value: ofSite("exclude")},
		{name: "exclude-networks", commands: forSites, argument: true, help: "`networks` whose hits are not counted, such as 192.0.2.0/24 of your own office; of 256 addresses or more each, since no full address is kept", none: "none",
			value: ofSite("exclude-networks")},
		{name: "path-rules", commands: forSites, argument: true, help: "`rules` for paths that may name a person, such as /u/*,/bruker/*/profil,/sak/**: the part that * or ** matches is stored as [*]", none: "none",
			value: ofSite("path-rules")},
		{name: "trailing-slash", commands: forSites, argument: true, help: "`what` to do with a slash at the end of a path: keep, or strip for a site where /om/ and /om are one page",
			value: ofSite("trailing-slash")},
		{name: "ignore-referrers", commands: forSites, argument: true, help: "`hosts` that are a step of a visit and not its source, such as log-in and payment, with all hosts below them; default stands for those that the program knows, none for no host",
			value: ofSite("ignore-referrers")},
		{name: "search-parameters", commands: forSites, argument: true, help: "query `parameters` that hold a search term, such as q,query, or matomo for those that Matomo knows; the view of a page with one counts as a search", none: "none",
			value: ofSite("search-parameters")},
		{name: "search-category-parameters", commands: forSites, argument: true, help: "query `parameters` that hold the category of such a search", none: "none",
			value: ofSite("search-category-parameters")},
		{name: "search-count-parameters", commands: forSites, argument: true, help: "query `parameters` that hold the number of its results", none: "search_count",
			value: ofSite("search-count-parameters")},
		{name: "policy", commands: forSites, argument: true, help: "`what` to record of this site: standard or minimal, or default for that of the policy",
			value: ofSite("policy")},
		{name: "retention", commands: forSites, argument: true, help: "`period` that raw rows of this site live, such as 90d, not longer than that of the policy, or default for that of the policy",
			value: ofSite("retention")},
		{name: "objections", commands: forSites, argument: true, help: "`what` to do with visitors of this site whose browser objects: heed, ignore, or default for what the policy says",
			value: ofSite("objections")},
		{name: "guard", commands: forSites, argument: true, help: "`visitors` that must share a figure by county, language, version, campaign, search, event of your own, or by several properties at once, so that it is shown; 0 shows all",
			value: ofSite("guard")},
		{name: "controller", commands: forSites, argument: true, help: "`name` of the controller, for the statement of the site", none: "not said",
			value: ofSite("controller")},
		{name: "contact", commands: forSites, argument: true, help: "`where` people write to about their data: an e-mail address, a URL, or words", none: "not said",
			value: ofSite("contact")},
		{name: "officer", commands: forSites, argument: true, help: "`name` and address of the data protection officer, or that there is none. Here and in the four below, a line that begins with nb:, nn: or en: begins the text in that language", none: "not said",
			value: ofSite("officer")},
		{name: "purpose", commands: forSites, argument: true, help: "`purpose` of the counting", none: "not said",
			value: ofSite("purpose")},
		{name: "basis", commands: forSites, argument: true, help: "legal `basis` of the counting, with its article", none: "not said",
			value: ofSite("basis")},
		{name: "recipients", commands: forSites, argument: true, help: "`recipients` of what is stored: the processor and others", none: "not said",
			value: ofSite("recipients")},
		{name: "countries", commands: forSites, argument: true, help: "`countries` outside of the EEA that it comes to, and on what ground, or that there are none", none: "not said",
			value: ofSite("countries")},
		{name: "opt-out", commands: forSites, argument: true, help: "`URL` of a page of the site on which visitors choose whether they are counted, for a statement on another domain", none: "none",
			value: ofSite("opt-out")},
		{name: "page", commands: []string{"goal add"}, argument: true, help: "`path` of the page that is the goal, such as /takk or /kurs/*/takk; * matches any text", none: "none",
			value: func(c *call) flag.Value { return keep(&c.goal.page, readText) }},
		{name: "event", commands: []string{"goal add"}, argument: true, help: "`name` of the event that is the goal, as the dashboard shows it, such as 'Skjema / Send*'", none: "none",
			value: func(c *call) flag.Value { return keep(&c.goal.event, readText) }},
		{name: "download", commands: []string{"goal add"}, argument: true, help: "`target` of the download that is the goal: a path such as /rapport/*.pdf, with or without a host in front", none: "none",
			value: func(c *call) flag.Value { return keep(&c.goal.download, readText) }},
		{name: "outlink", commands: []string{"goal add"}, argument: true, help: "`target` of the outbound link that is the goal, such as vipps.no/*", none: "none",
			value: func(c *call) flag.Value { return keep(&c.goal.outlink, readText) }},
		{name: "id", commands: []string{"site add"}, argument: true, help: "`number` of the site, to keep the one it has in Matomo", none: "the next free one",
			value: func(c *call) flag.Value { return keep(&c.siteID, siteID) }},
		{name: "quiet", commands: []string{"site add", "token add"}, argument: true, help: "print only the id or the token",
			value: func(c *call) flag.Value { return keep(&c.quiet, readBool) }},
		{name: "yes", commands: []string{"site edit", "policy set", "erase"}, argument: true, help: "go on without asking",
			value: func(c *call) flag.Value { return keep(&c.yes, readBool) }},
		{name: "site", commands: []string{"policy set", "policy show"}, argument: true, help: "`host` or number of a site, whose own retention and objections are meant", none: "all sites",
			value: func(c *call) flag.Value { return keep(&c.siteName, readText) }},
		{name: "site", commands: []string{"token add"}, argument: true, help: "`sites` that the token allows, by host or number, separated by commas, or all",
			value: func(c *call) flag.Value {
				return keep(&c.sites, func(s string) (userSites, error) {
					sites, err := readSites(s)
					if err == nil && !sites.all && len(sites.names) == 0 {
						err = errors.New("want hosts or numbers of sites, or all")
					}
					return sites, err
				})
			}},
		{name: "name", commands: []string{"token add"}, argument: true, help: "`name` that says what the token is for",
			value: func(c *call) flag.Value { return keep(&c.name, readText) }},
		{name: "role", commands: []string{"user add"}, argument: true, help: "`role`: admin, editor, who writes notes, or viewer",
			value: func(c *call) flag.Value {
				c.role = site.Viewer
				return keep(&c.role, readRole)
			}},
		{name: "sites", commands: []string{"user add", "user role"}, argument: true, help: "`sites` that an editor or viewer sees, by host or number, separated by commas, or all or none; an admin sees all", none: "all; for a user who exists, unchanged",
			value: func(c *call) flag.Value {
				c.sites.all = true
				return keep(&c.sites, readSites)
			}},
		{name: "since", commands: []string{"audit"}, argument: true, help: "`time` or period, such as 2026-11-22 or 7d, from which lines are listed", none: "all",
			value: func(c *call) flag.Value { return keep(&c.from, since(c.opts.Now())) }},
		{name: "format", commands: []string{"query"}, argument: true, help: "`format` of the answer, a format of ClickHouse",
			value: func(c *call) flag.Value {
				c.format = store.DefaultFormat
				return keep(&c.format, readText)
			}},
		{name: "ip", commands: []string{"access", "erase"}, argument: true, help: "`address` of the person who asks, which is cut to its network at once",
			value: func(c *call) flag.Value { return keep(&c.ip, readAddr) }},
		{name: "network", commands: []string{"access", "erase"}, argument: true, help: "`network` that rows came from, such as 203.0.0.0/16", none: "none",
			value: func(c *call) flag.Value { return keep(&c.selection.Network, readText) }},
		{name: "text", commands: onTexts, argument: true, help: "`text` that stands in a page, search, event, link, source, campaign or title, in any case and encoding; a space stands for any of -_+. too", none: "none",
			value: func(c *call) flag.Value { return keep(&c.selection.Text, readText) }},
		{name: "path", commands: onTexts, argument: true, help: "`path` of a page; * at its end matches any text", none: "none",
			value: func(c *call) flag.Value { return keep(&c.selection.Path, readText) }},
		{name: "pattern", commands: onTexts, argument: true, help: "regular `expression` (RE2) that matches such a text", none: "none",
			value: func(c *call) flag.Value { return keep(&c.selection.Pattern, readText) }},
		{name: "marks", commands: onTexts, argument: true, help: "texts that would be marked if they came today",
			value: func(c *call) flag.Value { return keep(&c.selection.Marks, readBool) }},
		{name: "site", commands: onTexts, argument: true, help: "`host` or number of the site", none: "all",
			value: func(c *call) flag.Value { return keep(&c.siteName, readText) }},
		{name: "from", commands: onTexts, argument: true, help: "first `time`; for texts its day", none: "no limit",
			value: func(c *call) flag.Value { return keep(&c.from, readTime) }},
		{name: "to", commands: onTexts, argument: true, help: "end, a `time` that is not included", none: "no limit",
			value: func(c *call) flag.Value { return keep(&c.to, readTime) }},
		{name: "received", commands: []string{"access", "erase"}, argument: true, help: "`day` on which the person asked, for the letter", none: "not said",
			value: func(c *call) flag.Value { return keep(&c.received, readDay) }},
		{name: "case", commands: []string{"access", "erase"}, argument: true, help: "`number` of the case in the register of requests, for the letter and the day on which the person asked", none: "none",
			value: func(c *call) flag.Value { return keep(&c.caseNumber, readText) }},
		{name: "kind", commands: []string{"requests add"}, argument: true, help: "`right` that somebody uses: " + strings.Join(requestKinds(), ", "),
			value: func(c *call) flag.Value {
				c.requestKind = privacy.AskedAccess
				return keep(&c.requestKind, oneOf(privacy.RequestKinds...))
			}},
		{name: "received", commands: []string{"requests add"}, argument: true, help: "`day` on which the person asked", none: "today",
			value: func(c *call) flag.Value { return keep(&c.received, readDay) }},
		{name: "answered", commands: []string{"requests answer"}, argument: true, help: "`day` of the answer", none: "today",
			value: func(c *call) flag.Value { return keep(&c.answered, readDay) }},
		{name: "lang", commands: []string{"access", "erase", "papers"}, argument: true, help: "`language` of what is written: " + strings.Join(tags(i18n.Shipped()), ", "),
			value: func(c *call) flag.Value {
				c.language = tags(i18n.Shipped())[0]
				return keep(&c.language, oneOf(tags(i18n.Shipped())...))
			}},
		{name: "html", commands: []string{"papers", "access", "erase"}, argument: true, help: "write HTML",
			value: func(c *call) flag.Value { return keep(&c.asHTML, readBool) }},
		{name: "markdown", commands: []string{"access", "erase"}, argument: true, help: "write Markdown",
			value: func(c *call) flag.Value { return keep(&c.asMarkdown, readBool) }},
		{name: "json", commands: []string{"config show", "doctor", "site list", "goal list", "policy show", "policy list", "policy check", "token list", "user list", "spool list", "receipts list", "requests list", "backup list", "audit", "find"}, argument: true, help: "write JSON, an object a line",
			value: func(c *call) flag.Value { return keep(&c.asJSON, readBool) }},
		{name: "dry-run", commands: []string{"migrate", "retention run", "erase"}, argument: true, help: "only print what would be done",
			value: func(c *call) flag.Value { return keep(&c.dryRun, readBool) }},
		{name: "at", commands: []string{"retention run"}, argument: true, help: "`time` of the pass; only with --dry-run it may be in the future", none: "now",
			value: func(c *call) flag.Value { return keep(&c.at, readTime) }},
		{name: "confirm", commands: []string{"retention run", "restore"}, argument: true, help: "the `day` before which a dry run would delete; with it the pass is made although the clock is not trusted",
			value: func(c *call) flag.Value { return keep(&c.confirmed, readDay) }},
	}
}

// least returns the text of help for the least value of a size.
func least(size int64) string { return byteSize(size).String() + " or more" }

// tags returns the tags of some languages, the default first.
func tags(of *i18n.Catalogue) []string {
	var all []string
	for _, l := range of.All() {
		all = append(all, l.Tag)
	}
	return all
}

func readBool(s string) (bool, error) {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return b, errors.New("want true or false")
	}
	return b, nil
}

// settingsOf returns the settings of a command.
func settingsOf(command string) []setting {
	if strings.HasPrefix(command, "config ") { // of all commands
		return slices.DeleteFunc(settings(), func(s setting) bool { return s.argument && !slices.Contains(s.commands, command) })
	}
	return slices.DeleteFunc(settings(), func(s setting) bool { return !slices.Contains(s.commands, command) })
}

// readSettings reads the settings of the command from its arguments, in which flags and words
// may be mixed, from the environment and from a file, and checks them. It returns all
// mistakes.
func (c *call) readSettings() error {
	own := settingsOf(c.cmd.name)
	for _, s := range own {
		c.flags.Var(s.value(c), s.name, s.help)
	}
	mistakes, err := c.readWords()
	if err != nil {
		return err
	}
	mistakes = append(mistakes, c.setElsewhere(own), c.checkTogether())
	c.opts.PolicyTold = map[string]string{}
	for _, s := range own {
		if s.policy && c.given(s.name) {
			c.opts.PolicyTold[s.name] = c.origins[s.name]
		}
		if s.check == nil {
			continue
		}
		if err := s.check(c); err != nil {
			mistakes = append(mistakes, usageOr(err))
		}
	}
	return errors.Join(mistakes...)
}

// patient is the value of a flag that puts its mistakes aside, so that the flags behind it are
// read, too.
type patient struct {
	flag.Value
	name     string
	mistakes *[]error
}

func (p patient) Set(s string) error {
	if err := p.Value.Set(s); err != nil {
		*p.mistakes = append(*p.mistakes, usagef("invalid value %q for flag -%s: %w", s, p.name, err))
	}
	return nil
}

// IsBoolFlag reports whether the flag may stand without a value.
func (p patient) IsBoolFlag() bool {
	bare, ok := p.Value.(interface{ IsBoolFlag() bool })
	return ok && bare.IsBoolFlag()
}

// readWords reads flags and words. There must be as many words as cmd.args names but for one in
// brackets, or more if it ends in three dots. It returns all mistakes, or flag.ErrHelp.
func (c *call) readWords() (mistakes []error, err error) {
	c.flags.VisitAll(func(f *flag.Flag) { f.Value = patient{f.Value, f.Name, &mistakes} })
	defer c.flags.VisitAll(func(f *flag.Flag) { f.Value = f.Value.(patient).Value })
	args, want := c.Args, strings.Fields(c.cmd.args)
	unclear := 0 // words that may be the value of an unknown flag
	for {
		err := c.flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		rest := c.flags.Args()
		if err != nil {
			mistakes = append(mistakes, usageError{err})
		}
		if len(rest) == 0 {
			break
		}
		last := "" // the argument at which Parse stopped
		if n := len(args) - len(rest); n > 0 {
			last = args[n-1]
		}
		switch {
		case err != nil && strings.HasPrefix(err.Error(), "bad flag syntax"): // that of rest[0]
			args = rest[1:]
		case err != nil && !strings.Contains(last, "=") && !strings.HasPrefix(rest[0], "-"):
			unclear++
			args = rest[1:]
		case err != nil:
			args = rest
		case last == "--":
			c.words, args = append(c.words, rest...), nil
		default:
			c.words, args = append(c.words, rest[0]), rest[1:]
		}
	}
	switch {
	case len(c.words) > len(want) && !strings.HasSuffix(c.cmd.args, "..."):
		mistakes = append(mistakes, usagef("unexpected argument %q", c.words[len(want)]))
	case len(c.words)+unclear < len(want) && !strings.HasPrefix(want[len(c.words)], "["):
		mistakes = append(mistakes, usagef("missing argument %s", strings.TrimSuffix(want[len(c.words)], "...")))
	}
	return mistakes, nil
}

// given reports whether a setting has a value that is not its default.
func (c *call) given(name string) (is bool) {
	c.flags.Visit(func(f *flag.Flag) { is = is || f.Name == name })
	return is
}

// unknown returns the variables of an environment that begin with prefix and are not
// settings, sorted.
func unknown(environ map[string]string) []string {
	known := map[string]bool{}
	for _, s := range settings() {
		known[s.twin()] = true
		if s.secret {
			known[s.fileTwin()] = true
		}
	}
	var names []string
	for name := range environ {
		if strings.HasPrefix(name, prefix) && !known[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
