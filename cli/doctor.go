package cli

import (
	"cmp"
	"context"
	"crypto/sha512"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/embedded"
)

// Results of a check.
const (
	fine   = "ok"
	look   = "look"   // somebody should look at it
	broken = "broken" // it does not work, or will soon not
)

// Bounds between results.
const (
	geoOld      = 90 * 24 * time.Hour // age of region data
	backupOld   = 36 * time.Hour      // age of the newest backup, as FotsporBackupOld has it
	waitingOld  = 5 * time.Minute     // age of the oldest segment, as FotsporSpoolOld has it
	certificate = 14 * 24 * time.Hour // until the certificate of the public URL ends
	leastFiles  = 1024                // open files
	lastDays    = 7                   // in which a site should have hits, and whose drops are told

	publicTime = 5 * time.Second // bound of each step of the check of the public URL
	mostScript = 1 << 20         // bytes that are read of what it answers
	mostText   = 4 << 20         // bytes of metrics
)

// finding is the result of a check. It holds no address of a visitor.
type finding struct {
	check string // what was checked
	about string // of what, where there are several, such as "site 1, example.org"
	result,
	code, // names what was found, and stays the same between versions
	found, do string
}

// errBroken is the error of doctor where a check has the result broken.
var errBroken = errors.New("something is broken")

// diagnosis is one run of doctor.
type diagnosis struct {
	*call
	findings []finding
	metrics  map[string]float64 // of the running program, by their name and labels; nil: none answers
}

// runDoctor runs all checks. It changes nothing, but that it opens the embedded engine if no
// other process has.
func runDoctor(ctx context.Context, c *call) error {
	d := &diagnosis{call: c}
	d.process(ctx)
	d.proxies()
	d.limits()
	owned := d.data()
	if owned {
		d.disk()
		d.spool()
	}
	d.regions()
	d.certificate()
	if owned || d.opts.Store != "" {
		d.stored(ctx)
	}
	if err := d.write(); err != nil {
		return err
	}
	n := 0
	for _, f := range d.findings {
		if f.result == broken {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%w: see %d above", errBroken, n)
	}
	return nil
}

// add adds a finding.
func (d *diagnosis) add(check, result, code, found, do string) {
	d.addAbout(check, "", result, code, found, do)
}

func (d *diagnosis) addAbout(check, about, result, code, found, do string) {
	d.findings = append(d.findings, finding{check, about, result, code, found, do})
}

// failed adds that a check could not be done.
func (d *diagnosis) failed(check string, err error) {
	d.add(check, broken, "failed", strings.ReplaceAll(err.Error(), "\n", "; "), "")
}

// write writes the findings: a table, in which what to do stands below what was found, or JSON.
func (d *diagnosis) write() error {
	if d.asJSON {
		l := d.list("check", "about", "result", "code", "found", "do")
		for _, f := range d.findings {
			if err := l.add(f.check, f.about, f.result, f.code, f.found, f.do); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(d.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RESULT\tCHECK\tFOUND")
	for _, f := range d.findings {
		found := f.found
		if f.about != "" {
			found = f.about + ": " + found
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.result, f.check, found)
		if f.do != "" {
			fmt.Fprintf(table, "\t\t-> %s\n", f.do)
		}
	}
	return table.Flush()
}

// process asks the running program how it is.
func (d *diagnosis) process(ctx context.Context) {
	const check = "process"
	_, text, err := d.askProgram(ctx, "/metrics", mostText)
	if err != nil {
		d.add(check, look, "not_running", "nothing answers on "+d.opts.MetricsListen, "start fotspor serve, or name its address with --metrics-listen; what only a running program knows is left out below")
		return
	}
	d.metrics = readMetrics(string(text))
	running := ""
	for series := range d.metrics {
		if rest, ok := strings.CutPrefix(series, "fotspor_build_info{"); ok {
			_, after, _ := strings.Cut(rest, `version="`)
			running, _, _ = strings.Cut(after, `"`)
		}
	}
	switch status, ready, err := d.askProgram(ctx, "/readyz", 4<<10); {
	case running == "":
		d.metrics = nil
		d.add(check, broken, "foreign", "another program answers on "+d.opts.MetricsListen, "name the address of fotspor with --metrics-listen")
	case err != nil:
		d.failed(check, err)
	case status != http.StatusOK:
		d.add(check, broken, "not_ready", strings.TrimSpace(string(ready)), "its log says more")
	case running != d.opts.Version:
		d.add(check, look, "other_version", "version "+running+" runs, and this is "+d.opts.Version, "restart it after an upgrade")
	default:
		d.add(check, fine, "ready", "version "+running+" runs and is ready", "")
	}
}

// readMetrics reads the Prometheus text format.
func readMetrics(text string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			all[line[:at]] = v
		}
	}
	return all
}

// proxies checks whose headers on the client's address are believed, and which came from where.
func (d *diagnosis) proxies() {
	d.findings = append(d.findings, judgeProxies(d.opts.TrustedProxies, d.metrics)...)
}

// senders name the kinds of connections of collector.CountSenders that are not trusted, and how
// to trust one.
var senders = []struct{ from, text, do string }{
	{"this_machine", "this machine", "if a proxy is there, --trusted-proxies 127.0.0.1,::1"},
	{"private", "private networks", "name the address of the proxy there with --trusted-proxies"},
	{"public", "public addresses", "if a proxy or a CDN is in front, name its networks with --trusted-proxies; else visitors made the header up, and it is not believed"},
}

// manyRequests is from how many requests of a proxy on it is no chance that none has a header.
const manyRequests = 100

// judgeProxies judges whose headers are believed, and which the running program has got. Where
// most requests from somewhere that is not trusted bring one, there is a proxy.
func judgeProxies(trusted []netip.Prefix, metrics map[string]float64) (all []finding) {
	add := func(result, code, found, do string) {
		all = append(all, finding{check: "proxies", result: result, code: code, found: found, do: do})
	}
	if slices.ContainsFunc(trusted, func(n netip.Prefix) bool { return n.Bits() == 0 }) {
		add(broken, "all_trusted", "--trusted-proxies has all addresses, so that every visitor may choose one", "name the proxies alone")
		return all
	}
	count := func(from string) (with, without float64) {
		for series, n := range metrics {
			if !strings.HasPrefix(series, `fotspor_client_address_requests_total{from="`+from+`"`) {
				continue
			}
			if strings.HasSuffix(series, `,header="none"}`) {
				without += n
			} else {
				with += n
			}
		}
		return with, without
	}
	for _, s := range senders {
		with, without := count(s.from)
		found := fmt.Sprintf("%.0f of %.0f requests from %s brought a header on the client's address, which is not believed", with, with+without, s.text)
		switch {
		case with > without:
			add(broken, "not_trusted", found+": all that come through that proxy have its address", s.do)
		case with > 0:
			add(look, "not_believed", found, s.do)
		}
		if s.from == "public" && len(trusted) > 0 && without > 0 {
			add(look, "past_proxies", fmt.Sprintf("%.0f requests came from public addresses and past the trusted proxies", without), "if none should, let --listen and the firewall admit the proxies alone")
		}
	}
	with, without := count("trusted")
	found := fmt.Sprintf("%.0f of %.0f requests from trusted proxies brought no header on the client's address", without, with+without)
	switch {
	case with == 0 && without >= manyRequests:
		add(broken, "no_header", found+": all visitors have the address of the proxy", "let the proxy set X-Forwarded-For")
	case without > with:
		add(look, "few_headers", found, "let the proxy set X-Forwarded-For; its own health checks need none")
	}
	switch {
	case len(all) > 0:
	case len(trusted) == 0:
		add(fine, "none", "no header on the client's address is believed", "")
	default:
		add(fine, "trusted", fmt.Sprintf("headers of %d networks are believed; %.0f requests brought one", len(trusted), with), "")
	}
	return all
}

// limits checks the open files and the memory of the running program, or else of this process.
func (d *diagnosis) limits() {
	files := d.metrics["process_max_fds"]
	if files == 0 {
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			d.failed("limits", err)
			return
		}
		files = float64(limit.Cur)
	}
	text := fmt.Sprintf("%.0f open files are allowed", files)
	open := d.metrics["process_open_fds"]
	if open > 0 {
		text = fmt.Sprintf("%.0f open files of %.0f", open, files)
	}
	const more = "raise LimitNOFILE of the unit, or ulimit -n"
	switch {
	case open > files*9/10:
		d.add("limits", broken, "files_used_up", text, more)
	case files < leastFiles:
		d.add("limits", look, "few_files", text, more)
	default:
		d.add("limits", fine, "files", text, "")
	}
	total, err := memlimit.FromCgroup()
	if err != nil {
		d.add("memory", fine, "no_limit", "no cgroup limits the memory of this command", "")
		return
	}
	var engine int64
	if d.opts.Store == "" {
		engine = d.opts.EngineMemory
	}
	text = roughly(int64(min(total, 1<<62))) + " by the cgroup of this command"
	if _, enough := goMemory(total, engine, true); !enough {
		d.add("memory", look, "little", text+", of which the engine may take "+roughly(engine), "give the program more, or lower --engine-memory")
		return
	}
	d.add("memory", fine, "limit", text, "")
}

// data takes the data directory, and reports whether its files can be looked at.
func (d *diagnosis) data() bool {
	err := takeData(d.opts.Data, false)
	if err == nil {
		_, err = os.Stat(d.opts.Data)
	}
	if errors.Is(err, fs.ErrNotExist) && d.opts.Store != "" {
		d.add("data", look, "missing", fmt.Sprintf("there is no data directory %q on this machine", d.opts.Data), "a collector has its spool there: run doctor on its machine")
		return false
	}
	if errors.Is(err, fs.ErrNotExist) {
		d.add("data", broken, "missing", fmt.Sprintf("there is no data directory %q", d.opts.Data), "name the right directory with --data")
		return false
	}
	if err != nil {
		d.add("data", broken, "refused", err.Error(), "name the right directory with --data")
		return false
	}
	d.add("data", fine, "owned", store.Config{Dir: d.opts.Data}.Place()+" is of one user alone", "")
	return true
}

// roughly returns a size for people.
func roughly(bytes int64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

// disk compares what is free of the disk with what the spool may take.
func (d *diagnosis) disk() {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(d.opts.Data, &disk); err != nil {
		d.failed("disk", err)
		return
	}
	var used int64
	segments, err := spool.List(d.spoolDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.failed("disk", err)
		return
	}
	for _, s := range segments {
		used += s.Bytes
	}
	d.findings = append(d.findings, judgeDisk(int64(disk.Bavail)*int64(disk.Bsize), used, d.opts.SpoolBytes))
}

// judgeDisk judges how many bytes are free, beside those that the spool has of its share.
func judgeDisk(free, used, share int64) finding {
	left := max(share-used, 0)
	f := finding{check: "disk", result: fine, code: "space", found: fmt.Sprintf("%s are free; the spool has %s and may have %s", roughly(free), roughly(used), roughly(share))}
	switch {
	case left < 2*spool.MaxRow:
		f.result, f.code, f.do = broken, "spool_full", "see to the store, into which the spool empties itself, or raise --spool-size"
	case free < left/10:
		f.result, f.code, f.do = broken, "full", "free some space"
	case free < left:
		f.result, f.code, f.do = look, "little", "free some space, or lower --spool-size: the disk is full before the spool is"
	}
	return f
}

// spool looks at its segments.
func (d *diagnosis) spool() {
	segments, err := spool.List(d.spoolDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.failed("spool", err)
		return
	}
	d.findings = append(d.findings, judgeSpool(segments, d.opts.Now())...)
}

// judgeSpool judges the segments of a spool.
func judgeSpool(segments []spool.Info, now time.Time) (all []finding) {
	count := map[spool.State]int{}
	lost, unread, waiting := 0, 0, 0
	oldest := now
	for _, s := range segments {
		count[s.State]++
		lost += s.Lost
		if s.Err != nil && s.State != spool.Filling { // which may end in a write under way
			unread++
		}
		if s.State == spool.Sealed || s.State == spool.Filling {
			waiting += s.Rows
			if s.Born.Before(oldest) {
				oldest = s.Born
			}
		}
	}
	add := func(result, code, found, do string) {
		all = append(all, finding{check: "spool", result: result, code: code, found: found, do: do})
	}
	if n := count[spool.Quarantined]; n > 0 {
		add(look, "quarantined", fmt.Sprintf("%d segments were quarantined", n), "fotspor spool list says why; then fotspor spool retry, or drop")
	}
	if n := max(count[spool.Damaged], unread); n > 0 {
		add(broken, "damaged", fmt.Sprintf("%d segments are damaged, and %d rows or more are lost", n, lost), "suspect the disk; fotspor spool list, then fotspor spool drop")
	}
	if age := now.Sub(oldest); age > waitingOld {
		add(broken, "waiting", fmt.Sprintf("%d rows wait for the store, the oldest since %s", waiting, oldest.UTC().Format(time.RFC3339)), "see to the store, or start the collector, which empties its spool")
	}
	if len(all) == 0 {
		add(fine, "flows", fmt.Sprintf("%d rows wait for the store", waiting), "")
	}
	return all
}

// regions looks at the GeoIP databases.
func (d *diagnosis) regions() {
	db, err := geo.Open(d.opts.GeoFiles(), geo.Options{})
	if err != nil {
		d.failed("regions", err)
		return
	}
	d.findings = append(d.findings, judgeRegions(db.Built(), d.opts.Now()))
	if n := d.metrics["fotspor_geo_reload_failures_total"]; n > 0 {
		d.add("regions", look, "refused", fmt.Sprintf("%.0f changed files could not be used; the last good ones are", n), "fetch the file again, such as by fotspor geo update; the log says what is wrong with it")
	}
}

// judgeRegions judges the time at which region data was built.
func judgeRegions(built, now time.Time) finding {
	f := finding{check: "regions", result: fine, code: "fresh", found: "region data of " + built.Format(time.DateOnly)}
	switch {
	case built.IsZero():
		f.result, f.code, f.found, f.do = look, "none", "there is no region data: countries and regions stay unknown", "fotspor geo update fetches it, or name a GeoIP database with --geo"
	case now.Sub(built) > geoOld:
		f.result, f.code, f.do = look, "old", "fotspor geo update fetches a newer one, or replace the file; a running program reads it within a minute"
	}
	return f
}

// stored checks the store and what is in it.
func (d *diagnosis) stored(ctx context.Context) {
	if d.opts.Store == "" {
		path, err := embedded.FindLibrary(d.opts.Engine)
		if err != nil {
			d.add("engine", broken, "no_library", err.Error(), "")
			return
		}
		d.add("engine", fine, "library", "the library is "+path, "")
	}
	cfg := d.opts.StoreConfig()
	cfg.Lazy = true
	st, err := store.Open(ctx, cfg)
	if err != nil {
		d.failed("store", err)
		return
	}
	if d.answers(ctx, st) {
		if d.opts.Store != "" {
			d.rights(ctx, st)
		}
		d.clock(ctx, st)
		d.address(ctx, st)
		d.policy(ctx, st)
		d.receipts(ctx, st)
		d.sites(ctx, st)
	}
	if err := st.Close(); err != nil {
		d.failed("engine", err)
	}
}

// answers reports whether the store answers with the tables of this version.
func (d *diagnosis) answers(ctx context.Context, st *store.Store) bool {
	err := st.Prepare(ctx)
	switch {
	case err == nil:
		d.add("engine", fine, "answers", "ClickHouse "+st.Version()+" answers for "+st.Place(), "")
		pending, err := st.Pending(ctx)
		if err != nil {
			d.failed("schema", err)
			return true
		}
		if len(pending) > 0 {
			d.add("schema", look, "unfinished", fmt.Sprintf("%d migrations are not finished", len(pending)), "a running collector finishes them; fotspor migrate --dry-run lists them")
			return true
		}
		d.add("schema", fine, "current", "its tables are those of this version", "")
		return true
	case errors.Is(err, store.ErrNoStore):
		d.add("store", broken, "none", err.Error(), "name the right place with --data or --store, or make one with fotspor migrate")
	case errors.Is(err, store.ErrOlder):
		d.add("schema", broken, "older", err.Error(), "fotspor migrate, or restart the collector")
	case errors.Is(err, store.ErrNewer):
		d.add("schema", broken, "newer", err.Error(), "run the version that changed it")
	case errors.Is(err, store.ErrForeign):
		d.add("schema", broken, "foreign", err.Error(), "begin with a new store")
	default:
		d.add("engine", broken, "silent", strings.ReplaceAll(err.Error(), "\n", "; "), "see the section on a store that can't be opened in docs/operations.md")
	}
	return false
}

// rights checks what the user of the server may do.
func (d *diagnosis) rights(ctx context.Context, st *store.Store) {
	all, err := st.Rights(ctx)
	if err != nil {
		d.failed("rights", err)
		return
	}
	d.findings = append(d.findings, judgeRights(all))
}

// judgeRights judges the rights of a user.
func judgeRights(all []store.Right) finding {
	f := finding{check: "rights", result: fine, code: "all", found: "the user has all rights that the program takes"}
	var lacks, names []string
	for _, r := range all {
		if r.Given {
			continue
		}
		lacks, names = append(lacks, r.Name+" ("+r.For+")"), append(names, r.Name)
		if !r.Rare {
			f.result, f.code = broken, "missing"
		} else if f.result == fine {
			f.result, f.code = look, "no_migrations"
		}
	}
	if f.result != fine {
		f.found = "the user lacks " + strings.Join(lacks, ", ")
		f.do = "GRANT " + strings.Join(names, ", ") + " on the database"
	}
	if f.result == look {
		f.do += ", or run fotspor migrate with another user after each upgrade"
	}
	return f
}

// clock checks whether the time is trusted. The running program knows more, such as how long it has
// run.
func (d *diagnosis) clock(ctx context.Context, st *store.Store) {
	v := d.opts.NewClock(st, d.component("clock"), nil).Judge(ctx, d.opts.Now())
	trusted, known := d.metrics["fotspor_clock_trusted"]
	const do = "start NTP; or, if the clock is right, fotspor retention run says how to confirm it"
	now := d.opts.Now().UTC().Format(time.RFC3339)
	switch {
	case known && trusted == 0:
		d.add("clock", broken, "not_trusted", "the running program does not trust the clock, "+now+", and deletes nothing by it: "+v.Why, do)
	case !known && !v.Trusted:
		d.add("clock", look, "not_confirmed", "nothing confirms the clock, "+now+": "+v.Why, do)
	case known:
		d.add("clock", fine, "trusted", "the running program trusts the clock", "")
	default:
		d.add("clock", fine, "trusted", v.Why, "")
	}
}

// certificate looks at that of --listen, where it has one.
func (d *diagnosis) certificate() {
	at := d.metrics["fotspor_tls_certificate_expiry_timestamp_seconds"]
	if failures := d.metrics["fotspor_tls_reload_failures_total"]; at > 0 || failures > 0 {
		d.findings = append(d.findings, judgeCertificate(at, failures, d.opts.Now()))
	}
}

// judgeCertificate judges when a certificate ends, in Unix time, 0 if there is none, and how often
// another could not be had.
func judgeCertificate(ends, failures float64, now time.Time) finding {
	until := time.Unix(int64(ends), 0).UTC()
	f := finding{check: "certificate", result: fine, code: "valid", found: "the certificate of --listen is valid until " + until.Format(time.RFC3339)}
	const do = "the log says why: with --tls-acme the names must lead to this machine on port 443, with --tls-cert the files must be a pair that its user can read"
	switch {
	case ends == 0:
		f.result, f.code, f.found, f.do = broken, "none", "--listen has no certificate yet", do
	case !now.Before(until):
		f.result, f.code, f.found, f.do = broken, "ended", "the certificate of --listen ended at "+until.Format(time.RFC3339), do
	case until.Before(now.Add(certificate)):
		f.result, f.code, f.do = look, "ends", do
	case failures > 0:
		f.result, f.code, f.found, f.do = look, "refused", fmt.Sprintf("%s; %.0f times another could not be had or used", f.found, failures), do
	}
	return f
}

// address checks the public URL: that its name is known, and that this program answers.
func (d *diagnosis) address(ctx context.Context, st *store.Store) {
	const check = "address"
	url := d.opts.PublicURL
	if url.IsZero() {
		kept, err := st.PublicURL(ctx)
		if errors.Is(err, site.ErrNotFound) {
			d.add(check, look, "unknown", "the public URL is not known", "start the program with --public-url")
			return
		}
		if err == nil {
			url, err = baseurl.Parse(kept.Value)
		}
		if err != nil {
			d.failed(check, err)
			return
		}
	}
	d.findings = append(d.findings, d.visit(ctx, url))
}

// visit asks the public URL for the script that every page of a site asks it for.
func (d *diagnosis) visit(ctx context.Context, url baseurl.URL) finding {
	f := finding{check: "address", about: url.String(), result: broken}
	ctx, cancel := context.WithTimeout(ctx, 2*publicTime)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", url.Hostname())
	if err != nil || len(found) == 0 {
		f.code, f.found, f.do = "no_name", "DNS does not know the name", "add it to DNS, or correct --public-url"
		return f
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url.String()+"/fotspor.js", nil)
	if err != nil {
		f.code, f.found = "failed", err.Error()
		return f
	}
	client := http.Client{
		Timeout:       publicTime,
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if _, refused := errors.AsType[*tls.CertificateVerificationError](err); refused {
		f.code, f.found, f.do = "certificate_refused", "its certificate is refused, as browsers do: "+err.Error(), "get one for this name from an authority that browsers trust, and serve those that lead to its root with it; SSL_CERT_FILE names an authority of your own"
		return f
	}
	if err != nil {
		f.code, f.found, f.do = "silent", "nothing answers: "+err.Error(), "see to the proxy, its certificate and the firewall"
		return f
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostScript))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		f.code, f.found, f.do = "silent", err.Error(), "see to the proxy"
		return f
	}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		f.code, f.found, f.do = "redirect", "it leads to "+resp.Header.Get("Location"), "name the address to which it leads with --public-url, since hits do not follow"
	case resp.StatusCode != http.StatusOK:
		f.code, f.found, f.do = "foreign", fmt.Sprintf("/fotspor.js answers %d", resp.StatusCode), "let the proxy pass all paths on to the program; a dashboard alone does not have this one"
	case !ownScript(body):
		f.code, f.found, f.do = "foreign", "/fotspor.js is not that of this version", "let the proxy pass all paths on to this program, and keep no copy"
	case resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 && resp.TLS.PeerCertificates[0].NotAfter.Before(d.opts.Now().Add(certificate)):
		f.result, f.code, f.found, f.do = look, "certificate", "its certificate ends at "+resp.TLS.PeerCertificates[0].NotAfter.UTC().Format(time.RFC3339), "renew it"
	default:
		f.result, f.code, f.found = fine, "ours", "this program answers"
	}
	return f
}

// ownScript reports whether a script is one that this build serves.
func ownScript(body []byte) bool {
	sum := sha512.Sum384(body)
	is := "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
	for _, objections := range []bool{false, true} {
		if own, err := script.Integrity(objections); err == nil && own == is {
			return true
		}
	}
	return false
}

// policy checks what the policy asks for: deletion passes, and backups that do not grow too old.
func (d *diagnosis) policy(ctx context.Context, st *store.Store) {
	policy, err := st.Policy(ctx)
	if errors.Is(err, privacy.ErrNoPolicy) {
		d.add("policy", look, "none", "there is no policy yet", "start fotspor serve, or fotspor policy set")
		return
	}
	if err != nil {
		d.failed("policy", err)
		return
	}
	now := d.opts.Now()
	late, err := st.Before(ctx, policy.Retention.Cutoff(now.AddDate(0, 0, -2))) // passes are once a day
	if err != nil {
		d.failed("retention", err)
	} else {
		overdue := max(late.Rows, int64(d.metrics["fotspor_retention_overdue_rows"])) // which knows sites that keep rows shorter
		var last time.Time
		if at := d.metrics["fotspor_retention_last_success_timestamp_seconds"]; at > 0 {
			last = time.Unix(int64(at), 0).UTC()
		}
		d.findings = append(d.findings, judgeRetention(overdue, last, now))
	}
	all, err := st.Backups(ctx)
	if err != nil {
		d.failed("backups", err)
		return
	}
	d.findings = append(d.findings, judgeBackups(all, policy.Backups, now))
}

// judgeRetention judges how many rows are past their time though a pass should have been, and the
// last pass of the running program; zero: not known.
func judgeRetention(late int64, last, now time.Time) finding {
	f := finding{check: "retention", result: fine, code: "passes", found: "no row is past its time"}
	if !last.IsZero() {
		f.found += "; the last pass was at " + last.Format(time.RFC3339)
	}
	const do = "fotspor retention run says what stands in the way"
	switch {
	case late > 0:
		f.result, f.code, f.do = broken, "overdue", do
		f.found = fmt.Sprintf("%d rows are past their time", late)
	case !last.IsZero() && now.Sub(last) > 48*time.Hour:
		f.result, f.code, f.do = look, "old_pass", do
	}
	return f
}

// judgeBackups judges the backups that are noted in the store.
func judgeBackups(all map[string]store.Backups, keep privacy.Period, now time.Time) finding {
	f := finding{check: "backups", result: fine, code: "fresh"}
	var newest, oldest time.Time
	for _, b := range all {
		if b.Newest.After(newest) {
			newest = b.Newest
		}
		if oldest.IsZero() || b.Oldest.Before(oldest) {
			oldest = b.Oldest
		}
	}
	none := keep == privacy.Period{}
	switch {
	case len(all) == 0 && none:
		f.code, f.found = "none_wanted", "the policy wants no backups, and none is noted"
		return f
	case len(all) == 0:
		f.result, f.code, f.found, f.do = look, "none", "no backup is noted", "fotspor backup DIR, every night"
		return f
	}
	f.found = "the newest backup is of " + newest.UTC().Format(time.RFC3339)
	switch {
	case none || oldest.Before(keep.Cutoff(now)):
		f.result, f.code, f.do = broken, "overdue", "fotspor backup prune DIR"
		f.found = "a backup of " + oldest.UTC().Format(time.RFC3339) + " is older than the policy allows"
	case now.Sub(newest) > backupOld:
		f.result, f.code, f.do = look, "old", "see whether the timer of fotspor backup runs"
	}
	return f
}

// receipts verifies the chain of receipts.
func (d *diagnosis) receipts(ctx context.Context, st *store.Store) {
	var chain receipt.Chain
	err := st.Receipts(ctx, chain.Add)
	switch {
	case errors.Is(err, receipt.ErrBroken):
		d.add("receipts", broken, "broken", err.Error(), "somebody or a fault has changed the table receipts: compare it with an export or a backup")
	case err != nil:
		d.failed("receipts", err)
	case chain.Count == 0:
		d.add("receipts", fine, "none", "nothing was deleted yet", "")
	default:
		d.add("receipts", fine, "whole", fmt.Sprintf("%d receipts are whole, signed and in order; the last is of %s", chain.Count, chain.Last.Ended.UTC().Format(time.RFC3339)), "")
	}
}

// sites looks for the last hit of each site, and for what was excluded in the last days.
func (d *diagnosis) sites(ctx context.Context, st *store.Store) {
	all, err := st.Sites(ctx)
	if err != nil {
		d.failed("sites", err)
		return
	}
	if len(all) == 0 {
		d.add("sites", look, "none", "there is no site", "fotspor site add")
	}
	now := d.opts.Now()
	for _, one := range all {
		pulse, err := st.Pulse(ctx, one.ID, now)
		var out []hit.LedgerEntry
		if err == nil {
			today := calendar.DayOf(now.In(one.Location))
			out, err = st.Excluded(ctx, one.ID, calendar.Range{From: today - lastDays + 1, To: today}, 1000)
		}
		if err != nil {
			d.failed("site", err)
			continue
		}
		f := judgeSite(pulse.Last, out, now)
		f.about = fmt.Sprintf("site %d, %s", one.ID, one.Name)
		d.findings = append(d.findings, f)
	}
}

// judgeSite judges the last hit of a site and what was excluded in the last days.
func judgeSite(last time.Time, out []hit.LedgerEntry, now time.Time) finding {
	f := finding{check: "site", result: fine, code: "counted"}
	by, hosts := map[string]int64{}, map[string]int64{}
	for _, e := range out {
		by[e.Reason] += e.Count
		if e.Reason == hit.ForeignHost && e.Name != "" && e.Name != hit.Others {
			hosts[e.Name] += e.Count
		}
	}
	f.found = "no hit yet"
	if !last.IsZero() {
		f.found = "last hit " + last.UTC().Format(time.RFC3339)
	}
	if len(by) > 0 {
		f.found += fmt.Sprintf("; excluded in %d days: %s", lastDays, most(by, len(by)))
	}
	quiet := now.Sub(last) > lastDays*24*time.Hour
	switch {
	case by[hit.ForeignHost] > 0 && len(hosts) > 0 && (quiet || by[hit.ForeignHost] >= 100):
		f.result, f.code = look, "foreign_host"
		f.do = "if it is the site's, add its host with fotspor site edit: " + most(hosts, 3)
	case last.IsZero():
		f.result, f.code, f.do = look, "no_hit", "paste the lines of fotspor site add into its pages, and open one; X-Fotspor of the answer says why a hit was excluded"
	case quiet:
		f.result, f.code, f.do = look, "quiet", "open one of its pages, and look for the request in the browser's network panel"
	}
	return f
}

// most returns the n names with the largest counts, and these.
func most(counts map[string]int64, n int) string {
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(names[:min(n, len(names))], ", ")
}
