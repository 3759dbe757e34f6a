package collector

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fotspor/fotspor/hit"
)

// Bounds of what is remembered of excluded hits: a name is at most maxSource bytes, so
// that all of it together is below 3 MB.
const (
	dropSites    = 256            // of which drops are remembered
	dropsOfSite  = 32             // that are told apart
	dropLife     = 48 * time.Hour // from the beginning of their day
	hostsOfSite  = 50             // that are named a day
	hostsOfSites = 5000           // of all sites
)

// Drops returns the hits of a site that were excluded last, the latest first: what came
// for the same reason, rule and name is one of them. They are in memory only, for
// two days.
func (c *Collector) Drops(site uint32) []hit.Drop { return c.recent.of(site, c.Now()) }

// recentDrops remembers the excluded hits of each site. It is safe for concurrent use.
type recentDrops struct {
	mu    sync.Mutex
	sites map[uint32][]hit.Drop // the latest last
}

// add remembers a hit. Of an objection it remembers the day and no time.
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
		for site := range r.sites { // any one
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

// foreignName returns what the ledger keeps of a host that is not the site's: "" if it is
// no host.
func (c *Collector) foreignName(p *hitContext, host string) string {
	if strings.ContainsRune(host, utf8.RuneError) {
		return ""
	}
	return c.foreign.name(p.site.ID, p.now, short(p.scrubHost(host)))
}

// foreignHosts bounds how many hosts that are not a site's are named in its ledger:
// anybody can send any. The first of each day (UTC) are, and all others are one. It is
// safe for concurrent use.
type foreignHosts struct {
	mu    sync.Mutex
	day   int64
	n     int
	sites map[uint32]map[string]bool
}

// name returns host, or what stands for it.
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
