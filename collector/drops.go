package collector

import (
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// Bounds of what is kept of excluded hits. A name is at most maxSource bytes, so that all
// of them together take less than 3 MB.
const (
	dropSites    = 256            // sites with drops
	dropsOfSite  = 32             // drops of a site
	dropLife     = 48 * time.Hour // age of a drop, from the beginning of its day
	hostsOfSite  = 50             // foreign hosts named for a site and day
	hostsOfSites = 5000           // foreign hosts named for all sites together and day
)

// Drops returns the latest excluded hits of a site, latest first. Hits of one day with the
// same reason, rule and name are one drop with a count. Drops are in memory only, for two
// days.
func (c *Collector) Drops(site uint32) []hit.Drop { return c.recent.of(site, c.Now()) }

// recentDrops keeps the latest excluded hits of each site. It is safe for concurrent use.
type recentDrops struct {
	mu    sync.Mutex
	sites map[uint32][]hit.Drop // latest last
}

// add adds an excluded hit. For an objection it keeps the day without a time.
func (r *recentDrops) add(e hit.LedgerEntry, now time.Time) {
	if e.Reason == string(noVisit) { // pings of tabs that were left open
		return
	}
	d := hit.Drop{LedgerEntry: e}
	if e.Reason != hit.Objection {
		d.Last = now.UTC().Truncate(time.Second)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	drops, ok := r.sites[e.Site]
	if !ok {
		if r.sites == nil {
			r.sites = map[uint32][]hit.Drop{}
		}
		for site := range r.sites { // removes any site
			if len(r.sites) < dropSites {
				break
			}
			delete(r.sites, site)
		}
	}
	for i, old := range drops {
		if old.Count = e.Count; old.LedgerEntry == e {
			d.Count += drops[i].Count
			drops = slices.Delete(drops, i, i+1)
			break
		}
	}
	if len(drops) == dropsOfSite {
		drops = slices.Delete(drops, 0, 1)
	}
	r.sites[e.Site] = append(drops, d)
}

// forget removes the drops of a site.
func (r *recentDrops) forget(site uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sites, site)
}

func (r *recentDrops) of(site uint32, now time.Time) []hit.Drop {
	r.mu.Lock()
	defer r.mu.Unlock()
	var drops []hit.Drop
	for _, d := range slices.Backward(r.sites[site]) {
		if age := now.Sub(d.Day.Time()); age < dropLife {
			drops = append(drops, d)
		}
	}
	return drops
}

// foreignName returns the name under which the ledger keeps a host that is not the site's,
// and "" for a text that is not a host.
func (c *Collector) foreignName(p *hitContext, host string) string {
	if strings.ContainsRune(host, utf8.RuneError) {
		return ""
	}
	return c.foreign.name(p.site.ID, p.entry(foreignHost).Day, p.now, short(p.scrubHost(host)))
}

// Recall counts the hosts that entries of the ledger name against the bounds of their days, so
// that a restart starts no new count.
func (c *Collector) Recall(entries []hit.LedgerEntry) {
	for _, e := range entries {
		if e.Reason == hit.ForeignHost && e.Name != "" && e.Name != hit.Others {
			c.foreign.add(e.Site, e.Day, c.Now(), e.Name, false)
		}
	}
}

// foreignHosts bounds how many hosts that are not a site's are named in its ledger, since
// anybody can send any host. The first hosts of each day of the site are named, all others
// count as hit.Others. Days before yesterday, which only hits with a token are of, share the
// bounds of yesterday. It is safe for concurrent use.
type foreignHosts struct {
	mu   sync.Mutex
	days map[calendar.Day]*foreignDay // yesterday, today and tomorrow in UTC
}

type foreignDay struct {
	n     int // of all sites
	sites map[uint32]map[uint64]bool
}

// foreignSeed is that of the hashes of named hosts.
var foreignSeed = maphash.MakeSeed()

// name returns host, or hit.Others beyond the bounds.
func (f *foreignHosts) name(site uint32, day calendar.Day, now time.Time, host string) string {
	if !f.add(site, day, now, host, true) {
		return hit.Others
	}
	return host
}

// add reports whether a host has a name, and gives it one unless it is beyond the bounds.
func (f *foreignHosts) add(site uint32, day calendar.Day, now time.Time, host string, bounded bool) bool {
	yesterday := calendar.DayOf(now.UTC()) - 1
	day = max(day, yesterday)
	hash := maphash.String(foreignSeed, host)
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.days, func(d calendar.Day, _ *foreignDay) bool { return d < yesterday })
	of := f.days[day]
	if of == nil {
		of = &foreignDay{sites: map[uint32]map[uint64]bool{}}
		if f.days == nil {
			f.days = map[calendar.Day]*foreignDay{}
		}
		f.days[day] = of
	}
	named := of.sites[site]
	switch {
	case named[hash]:
		return true
	case bounded && (len(named) >= hostsOfSite || of.n >= hostsOfSites):
		return false
	case named == nil:
		named = map[uint64]bool{}
		of.sites[site] = named
	}
	named[hash] = true
	of.n++
	return true
}
