package collector

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

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
	return c.foreign.name(p.site.ID, p.now, short(p.scrubHost(host)))
}

// foreignHosts bounds how many hosts that are not a site's are named in its ledger, since
// anybody can send any host. The first hosts of each day (UTC) are named, all others count
// as hit.Others. It is safe for concurrent use.
type foreignHosts struct {
	mu    sync.Mutex
	day   int64
	n     int
	sites map[uint32]map[string]bool
}

// name returns host, or hit.Others beyond the bounds.
func (f *foreignHosts) name(site uint32, now time.Time, host string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if day := now.Unix() / 86400; f.sites == nil || day != f.day {
		f.day, f.n, f.sites = day, 0, map[uint32]map[string]bool{}
	}
	named := f.sites[site]
	switch {
	case named[host]:
		return host
	case len(named) == hostsOfSite || f.n == hostsOfSites:
		return hit.Others
	case named == nil:
		named = map[string]bool{}
		f.sites[site] = named
	}
	named[host] = true
	f.n++
	return host
}
