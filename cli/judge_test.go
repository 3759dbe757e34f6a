package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/store"
)

// TestJudges: what doctor makes of what it has found.
func TestJudges(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const day = 24 * time.Hour
	segment := func(state spool.State, rows, lost int, age time.Duration, err error) spool.Info {
		return spool.Info{State: state, Rows: rows, Lost: lost, Born: ago(age), Err: err}
	}
	torn := errors.New("torn")
	backups := func(oldest, newest time.Duration) map[string]store.Backups {
		return map[string]store.Backups{"a:/b": {Oldest: ago(oldest), Newest: ago(newest)}}
	}
	month := privacy.Period{Days: 30}
	lacking := func(names ...string) (all []store.Right) {
		for _, name := range []string{"SELECT", "INSERT", "CREATE VIEW"} {
			r := store.Right{Name: name, Rare: name == "CREATE VIEW", Given: true}
			for _, lacks := range names {
				r.Given = r.Given && lacks != name
			}
			all = append(all, r)
		}
		return all
	}
	dropped := func(reason, name string, n int64) hit.LedgerEntry {
		return hit.LedgerEntry{Reason: reason, Name: name, Count: n}
	}
	spooled := func(all ...spool.Info) string {
		var texts []string
		for _, f := range judgeSpool(all, now) {
			texts = append(texts, text(f))
		}
		return strings.Join(texts, "; ")
	}
	proxies := func(trusted string, counts ...any) string {
		var networks []netip.Prefix
		if trusted != "" {
			networks = append(networks, netip.MustParsePrefix(trusted))
		}
		metrics := map[string]float64{}
		for i := 0; i < len(counts); i += 3 {
			metrics[fmt.Sprintf("fotspor_client_address_requests_total{from=%q,header=%q}", counts[i], counts[i+1])] = float64(counts[i+2].(int))
		}
		var texts []string
		for _, f := range judgeProxies(networks, metrics) {
			texts = append(texts, text(f))
		}
		return strings.Join(texts, "; ")
	}
	for name, c := range map[string]struct {
		got  string
		want string // result, code and, after a colon, a part of what was found or is to do
	}{
		"certificate":    {text(judgeCertificate(float64(now.Add(60*day).Unix()), 0, now)), "ok valid the certificate of --listen is valid until 2027-01-27"},
		"a last week":    {text(judgeCertificate(float64(now.Add(6*day).Unix()), 0, now)), "look ends the certificate of --listen is valid until 2026-12-04"},
		"over":           {text(judgeCertificate(float64(now.Unix()), 2, now)), "broken ended the certificate of --listen ended at 2026-11-28"},
		"no certificate": {text(judgeCertificate(0, 2, now)), "broken none: port 443"},
		"half a pair":    {text(judgeCertificate(float64(now.Add(60*day).Unix()), 2, now)), "look refused the certificate of --listen is valid until 2027-01-27T12:00:00Z; 2 times"},
		"no proxy":       {proxies("", "this_machine", "none", 3, "public", "none", 300), "ok none"},
		"unknown proxy":  {proxies("", "this_machine", "x_forwarded_for", 3, "this_machine", "none", 2), "broken not_trusted 3 of 5 requests from this machine: --trusted-proxies 127.0.0.1,::1"},
		"in a container": {proxies("127.0.0.1/32", "private", "forwarded", 3, "private", "x_real_ip", 1), "broken not_trusted 4 of 4 requests from private networks"},
		"made up":        {proxies("", "public", "x_forwarded_for", 3, "public", "none", 200), "look not_believed 3 of 203 requests from public addresses"},
		"a CDN":          {proxies("", "public", "x_forwarded_for", 300, "public", "none", 2), "broken not_trusted: a CDN"},
		"past it":        {proxies("10.0.0.0/8", "trusted", "x_forwarded_for", 300, "public", "none", 2), "look past_proxies 2 requests"},
		"trusted":        {proxies("10.0.0.0/8", "trusted", "x_forwarded_for", 300, "trusted", "none", 20), "ok trusted headers of 1 networks are believed; 300 requests"},
		"no header":      {proxies("10.0.0.0/8", "trusted", "none", 300), "broken no_header 300 of 300"},
		"no header yet":  {proxies("10.0.0.0/8", "trusted", "none", 3), "look few_headers"},
		"everybody":      {proxies("0.0.0.0/0", "trusted", "none", 3), "broken all_trusted"},
		"disk":           {text(judgeDisk(2<<30, 0, 1<<30)), "ok space: 2.0 GiB"},
		"disk, little":   {text(judgeDisk(1<<29, 0, 1<<30)), "look little: lower --spool-size"},
		"disk, used":     {text(judgeDisk(1<<29, 3<<28, 1<<30)), "ok space: 512.0 MiB"},
		"disk, full":     {text(judgeDisk(1<<20, 0, 1<<30)), "broken full: free some space"},
		"spool full":     {text(judgeDisk(9<<30, 1<<30, 1<<30)), "broken spool_full: see to the store"},
		"spool":          {spooled(), "ok flows: 0 rows"},
		"spool, fresh":   {spooled(segment(spool.Filling, 3, 0, time.Second, torn), segment(spool.Sealed, 4, 0, time.Minute, nil)), "ok flows: 7 rows"},
		"spool, waits":   {spooled(segment(spool.Sealed, 4, 0, time.Hour, nil)), "broken waiting: 4 rows wait for the store, the oldest since 2026-11-28T11:00:00Z"},
		"spool, aside":   {spooled(segment(spool.Quarantined, 4, 0, day, nil)), "look quarantined: 1 segments"},
		"spool, damaged": {spooled(segment(spool.Damaged, 4, 2, day, torn)), "broken damaged: 1 segments are damaged, and 2 rows"},
		"spool, both":    {spooled(segment(spool.Quarantined, 4, 0, day, torn), segment(spool.Sealed, 1, 0, day, nil)), "; broken waiting"},
		"regions":        {text(judgeRegions(ago(20*day), now)), "ok fresh: 2026-11-08"},
		"regions, old":   {text(judgeRegions(ago(100*day), now)), "look old: 2026-08-20"},
		"regions, none":  {text(judgeRegions(time.Time{}, now)), "look none: unknown"},
		"rights":         {text(judgeRights(lacking())), "ok all"},
		"rights, few":    {text(judgeRights(lacking("INSERT"))), "broken missing: lacks INSERT"},
		"rights, rare":   {text(judgeRights(lacking("CREATE VIEW"))), "look no_migrations: GRANT CREATE VIEW on the database, or run fotspor migrate"},
		"rights, both":   {text(judgeRights(lacking("CREATE VIEW", "INSERT"))), "broken missing: GRANT INSERT, CREATE VIEW on the database"},
		"retention":      {text(judgeRetention(0, ago(day), now)), "ok passes: 2026-11-27"},
		"retention, ?":   {text(judgeRetention(0, time.Time{}, now)), "ok passes: no row"},
		"retention, old": {text(judgeRetention(0, ago(3*day), now)), "look old_pass"},
		"retention late": {text(judgeRetention(7, ago(day), now)), "broken overdue: 7 rows"},
		"backups":        {text(judgeBackups(backups(20*day, day), month, now)), "ok fresh: 2026-11-27"},
		"backups, old":   {text(judgeBackups(backups(20*day, 2*day), month, now)), "look old"},
		"backups, late":  {text(judgeBackups(backups(40*day, day), month, now)), "broken overdue: a backup of 2026-10-19"},
		"backups, none":  {text(judgeBackups(nil, month, now)), "look none"},
		"no backups":     {text(judgeBackups(nil, privacy.Period{}, now)), "ok none_wanted"},
		"unwanted":       {text(judgeBackups(backups(day, day), privacy.Period{}, now)), "broken overdue"},
		"site":           {text(judgeSite(ago(time.Hour), nil, now)), "ok counted: last hit 2026-11-28T11:00:00Z"},
		"site, drops":    {text(judgeSite(ago(time.Hour), []hit.LedgerEntry{dropped(hit.IsBot, "a", 3), dropped(hit.IsBot, "b", 4), dropped(hit.Objection, "", 9)}, now)), "ok counted: excluded in 7 days: objection 9, bot 7"},
		"site, none":     {text(judgeSite(time.Time{}, nil, now)), "look no_hit: paste"},
		"site, quiet":    {text(judgeSite(ago(8*day), nil, now)), "look quiet"},
		"site, host":     {text(judgeSite(time.Time{}, []hit.LedgerEntry{dropped(hit.ForeignHost, "b.example", 3)}, now)), "look foreign_host: fotspor site edit: b.example 3"},
		"site, few":      {text(judgeSite(ago(time.Hour), []hit.LedgerEntry{dropped(hit.ForeignHost, "b.example", 3)}, now)), "ok counted: foreign_host 3"},
		"site, others":   {text(judgeSite(ago(time.Hour), []hit.LedgerEntry{dropped(hit.ForeignHost, hit.Others, 300)}, now)), "ok counted"},
	} {
		start, part, _ := strings.Cut(c.want, ": ")
		if !strings.Contains(c.got, start) || !strings.Contains(c.got, part) {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
}

func text(f finding) string {
	return f.result + " " + f.code + " " + f.found + " -> " + f.do
}

// TestReadMetrics: series have the name and labels that Prometheus writes.
func TestReadMetrics(t *testing.T) {
	got := readMetrics("# HELP a b c\na 1\nb{x=\"y z\"} 2.5e+06\n\nnonsense\n")
	if len(got) != 2 || got["a"] != 1 || got[`b{x="y z"}`] != 2.5e6 {
		t.Errorf("read %v", got)
	}
}
