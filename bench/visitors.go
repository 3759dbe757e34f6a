package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/fotspor/fotspor/collector/visit"
	"github.com/fotspor/fotspor/hit"
)

const (
	honestVisitors = 200_000
	honestBytes    = 200      // of live heap, which an honest visitor takes at most
	attackBudget   = 32 << 20 // that attacks are tried against
	attackFactor   = 1.2      // of the budget, which live heap stays within
)

// measureVisitors prints what visitors take of the memory, those of a website and those
// that attackers make up. It needs no server. An error says that it is too much.
func measureVisitors(out io.Writer) error {
	bytes, visitors, hits := honestTraffic(honestVisitors)
	fmt.Fprintf(out, "memory of %d honest visitors, %.1f hits each: %.0f bytes each\n",
		visitors, float64(hits)/float64(visitors), bytes)
	if bytes > honestBytes {
		return fmt.Errorf("an honest visitor takes %.0f bytes, want at most %d", bytes, honestBytes)
	}
	for _, a := range attacks {
		bytes := a.run()
		fmt.Fprintf(out, "memory under attack, %s: %.1f MiB, %.2f of a budget of %d MiB\n",
			a.name, bytes/(1<<20), bytes/attackBudget, attackBudget>>20)
		if bytes > attackFactor*attackBudget {
			return fmt.Errorf("visitors take %.0f bytes, more than %v of the budget", bytes, attackFactor)
		}
	}
	return nil
}

// honestTraffic counts what the visitors of a website do on a day, and returns what each
// of them takes, how many they were, and their hits.
func honestTraffic(people int) (bytes float64, visitors, hits int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	all := make([]visitor, people)
	for i := range all {
		all[i] = newVisitor(rnd)
	}
	pages := rand.NewZipf(rnd, 1.2, 4, trafficPaths-1)
	who := rand.NewZipf(rnd, 1.1, 50, uint64(people-1))
	bytes = liveHeap(func() any {
		tr := visit.New(visit.Options{})
		for ; hits < 4*people; hits++ {
			v := newView(rnd, int(pages.Uint64()), int(who.Uint64()))
			row := hit.Row{Channel: "website", Source: v.referrer}
			row.Path, row.Campaign, _ = strings.Cut(strings.TrimPrefix(v.page, "https://example.org"), "?")
			if observe(tr, all[v.visitor].addr, all[v.visitor].headers, row) {
				visitors++
			}
		}
		return tr
	})
	runtime.KeepAlive(all)
	return bytes / float64(visitors), visitors, hits
}

// attack is somebody who makes up visitors.
type attack struct {
	name  string
	hits  int
	addr  func(i int) netip.Addr
	row   func(i int) hit.Row
	pages int // that each visitor sees
}

var attacks = []attack{
	{"a User-Agent a hit from one address", 200_000, func(int) netip.Addr { return netip.MustParseAddr("203.0.113.7") }, shortTexts, 1},
	{"a network a hit with short texts", 300_000, anyNetwork, shortTexts, 1},
	{"a network a hit with long texts", 25_000, anyNetwork, longTexts, 1},
	{"a network a hit and all pages", 20_000, anyNetwork, shortTexts, visit.MaxPages},
	{"short texts and then long ones", 300_000, anyNetwork, func(i int) hit.Row {
		if i < 285_000 {
			return shortTexts(i)
		}
		return longTexts(i)
	}, 1},
}

func anyNetwork(i int) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], 0x2a02<<48|uint64(i)<<16)
	return netip.AddrFrom16(b)
}

func shortTexts(i int) hit.Row {
	return hit.Row{Path: fmt.Sprint("/", i), Channel: "website", Source: fmt.Sprint(i, ".example")}
}

func longTexts(i int) hit.Row {
	long := fmt.Sprintf("%08d", i) + strings.Repeat("x", visit.MaxText-8)
	return hit.Row{
		Path: long, Channel: "campaign", Source: long, Campaign: long[:100], CampaignSource: long[:100],
		CampaignMedium: long[:100], CampaignTerm: long[:100], CampaignContent: long[:100],
	}
}

// run returns what visitors take of the memory after the attack.
func (a attack) run() float64 {
	return liveHeap(func() any {
		tr := visit.New(visit.Options{Memory: attackBudget})
		for i := range a.hits {
			row := a.row(i)
			for page := range a.pages {
				if page > 0 {
					row.Path = fmt.Sprint("/", page)
				}
				observe(tr, a.addr(i), fmt.Sprint(i), row)
			}
		}
		return tr
	})
}

// observe gives a tracker a page view of now, and reports whether the visitor is new.
func observe(tr *visit.Tracker, addr netip.Addr, agent string, row hit.Row) bool {
	tr.Observe(&hit.Hit{Site: 1, Time: time.Now(), Kind: hit.Pageview, Addr: hit.NewAddr(addr), UserAgent: agent}, &row, time.UTC)
	return row.Visitors == 1
}

// liveHeap returns the bytes that what f returns takes of the heap.
func liveHeap(f func() any) float64 {
	live := func() float64 {
		runtime.GC()
		runtime.GC() // what finalizers and pools let go
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := live()
	kept := f()
	after := live()
	runtime.KeepAlive(kept)
	return after - before
}
