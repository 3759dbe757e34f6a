package dashboard

import (
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/site"
)

// works says whether hits of a site arrive, and why the last ones were excluded.
type works struct {
	Last   string // when the last hit was; "" if there is none, or it is deleted
	Recent string // hits of the last 30 minutes
	Drops  []notice
	Looked string // when the page looked, by the clock of the site
}

// toldDrops is of how many excluded hits a page tells the reason.
const toldDrops = 3

// works asks whether hits of the site of a call arrive.
func (d *Dashboard) works(c *call) (works, error) {
	w := works{Looked: clockOf(c.lang, c.now.In(c.site.Location))}
	pulse, err := d.store.Pulse(c.r.Context(), c.site.ID, c.now)
	if err != nil {
		return w, err
	}
	if !pulse.Last.IsZero() {
		w.Last, w.Recent = momentOf(c.lang, pulse.Last, c.now, c.site.Location), d.tally().said(c.lang, "works.recent", pulse.Sum())
	}
	w.Drops, err = d.toldDrops(c)
	return w, err
}

// clockOf writes a time of the day to the second.
func clockOf(l *i18n.Language, t time.Time) string { return l.Say("clock", l.Clock(t), t.Format("05")) }

// momentOf writes a time with its day, unless that is today.
func momentOf(l *i18n.Language, t, now time.Time, zone *time.Location) string {
	t = t.In(zone)
	day := calendar.DayOf(t)
	if day == calendar.DayOf(now.In(zone)) {
		return clockOf(l, t)
	}
	return l.Say("moment", l.Day(day), l.Clock(t))
}

// lastDrops returns the hits of the site of a call that were excluded last. Where the
// collector is in another process, they are those of the ledger since yesterday.
func (d *Dashboard) lastDrops(c *call) ([]hit.Drop, error) {
	if d.drops != nil {
		return d.drops(c.site.ID), nil
	}
	today := calendar.DayOf(c.now.In(c.site.Location))
	entries, err := d.store.Excluded(c.r.Context(), c.site.ID, calendar.Range{From: today - 1, To: today}, longTable)
	var drops []hit.Drop
	for _, e := range entries {
		drops = append(drops, hit.Drop{LedgerEntry: e})
	}
	return drops, err
}

// toldDrops tells the reasons for which hits were excluded last, and what can be done.
func (d *Dashboard) toldDrops(c *call) ([]notice, error) {
	drops, err := d.lastDrops(c)
	var all []notice
	for _, drop := range drops[:min(len(drops), toldDrops)] {
		all = append(all, toldDrop(c.lang, d.tally(), drop, c.site, c.user.Role == site.Admin))
	}
	return all, err
}

// toldDrop tells why hits were excluded. To admins it names the setting that would let them
// in.
func toldDrop(l *i18n.Language, t tally, drop hit.Drop, of site.Site, admin bool) notice {
	name := hostname.Display(drop.Name)
	key := "told." + drop.Reason
	if drop.Reason == hit.ForeignHost && (name == "" || drop.Name == hit.Others) {
		key += ".unnamed"
	}
	n := notice{Claim: t.said(l, "told", drop.Count), Reason: spans(l, key, name)}
	to := ""
	switch drop.Reason {
	case hit.ForeignHost:
		if !strings.HasSuffix(key, ".unnamed") {
			to = settingsURL(of.ID) + "?host=" + name + "#host"
		}
	case hit.ExcludedPath:
		to = settingsURL(of.ID) + "#exclude"
	case hit.ExcludedNetwork:
		to = settingsURL(of.ID) + "#exclude-networks"
	}
	if admin && to != "" {
		n.Reason = append(n.Reason, span{Text: " "}, span{l.Say("way." + drop.Reason), to})
	}
	return n
}
