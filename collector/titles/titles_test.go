package titles_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/collector/titles"
	"github.com/fotspor/fotspor/internal/race"
)

const (
	today   = calendar.Day(20_784)
	enough  = 5
	siteDay = 11
)

// seen shows a title to visitors from one number on up to another, and returns how often
// it was to be kept, and with how many visitors at last.
func seen(t *titles.Titles, v titles.View, from, to int) (times, visitors int) {
	for n := from; n < to; n++ {
		v.Visitor = uint8(n)
		if with, keep := t.See(v, enough); keep {
			times, visitors = times+1, with
		}
	}
	return times, visitors
}

func TestSee(t *testing.T) {
	view := titles.View{Day: today, SiteDay: siteDay, Path: "/om", Title: "Om oss"}
	type step struct {
		change         func(*titles.View)
		from, to       int
		times, visitor int
	}
	nothing := func(*titles.View) {}
	rival := func(v *titles.View) { v.Title = "Om" }
	for name, steps := range map[string][]step{
		"too few":                     {{nothing, 0, 4, 0, 0}},
		"enough, once":                {{nothing, 0, 60, 1, 5}},
		"one who comes back":          {{nothing, 7, 8, 0, 0}, {nothing, 7, 8, 0, 0}, {nothing, 7, 8, 0, 0}, {nothing, 7, 8, 0, 0}, {nothing, 7, 8, 0, 0}, {nothing, 7, 8, 0, 0}},
		"a number that two share":     {{nothing, 60, 68, 1, 5}, {nothing, 60, 68, 0, 0}},
		"of another page":             {{nothing, 0, 4, 0, 0}, {func(v *titles.View) { v.Path = "/" }, 4, 8, 0, 0}},
		"another title":               {{nothing, 0, 4, 0, 0}, {rival, 4, 8, 0, 0}},
		"another site":                {{nothing, 0, 4, 0, 0}, {func(v *titles.View) { v.SiteDay++ }, 4, 8, 0, 0}},
		"page and title in other cut": {{nothing, 0, 4, 0, 0}, {func(v *titles.View) { v.Path, v.Title = "/omOm", " oss" }, 4, 8, 0, 0}},
		"another day":                 {{nothing, 0, 9, 1, 5}, {func(v *titles.View) { v.Day, v.SiteDay = today+1, 12 }, 0, 9, 1, 5}},
		"a new title":                 {{nothing, 0, 6, 1, 5}, {rival, 0, 11, 0, 0}, {rival, 11, 40, 1, 12}, {nothing, 6, 23, 0, 0}, {nothing, 23, 64, 0, 0}},
		"back again":                  {{nothing, 0, 5, 1, 5}, {rival, 0, 10, 1, 10}, {nothing, 5, 20, 1, 20}, {rival, 10, 39, 0, 0}, {rival, 39, 40, 1, 40}},
	} {
		t.Run(name, func(t *testing.T) {
			all := titles.New(titles.Options{})
			for i, s := range steps {
				v := view
				s.change(&v)
				if times, visitors := seen(all, v, s.from, s.to); times != s.times || visitors != s.visitor {
					t.Errorf("step %d: kept %d times, at last with %d visitors, want %d and %d", i+1, times, visitors, s.times, s.visitor)
				}
			}
		})
	}
}

// TestNeverOfFewer: in a memory that is far too small, which forgets all the time, no title
// is kept that fewer visitors of a day have seen at its page.
func TestNeverOfFewer(t *testing.T) {
	race.Skip(t)
	type key struct {
		siteDay     uint64
		path, title string
	}
	random := rand.New(rand.NewPCG(1, 2))
	all, kept := titles.New(titles.Options{Memory: 2 << 10}), 0
	visitors := map[key]map[uint8]bool{}
	for range 300_000 {
		day := random.IntN(3)
		v := titles.View{
			Day: today + calendar.Day(day), SiteDay: uint64(100*day + random.IntN(2)), Visitor: uint8(random.IntN(200)),
			Path: fmt.Sprint("/", random.IntN(12)), Title: fmt.Sprint(int(random.ExpFloat64() * 8)),
		}
		k := key{v.SiteDay, v.Path, v.Title}
		if visitors[k] == nil {
			visitors[k] = map[uint8]bool{}
		}
		visitors[k][v.Visitor] = true
		n, keep := all.See(v, enough)
		if n > len(visitors[k]) {
			t.Fatalf("%+v: %d visitors, of which %d came", k, n, len(visitors[k]))
		}
		if keep {
			kept++
			if n < enough {
				t.Fatalf("%+v is kept with %d visitors", k, n)
			}
		}
	}
	if kept == 0 {
		t.Error("no title was kept")
	}
}

// TestAttack: a million titles take no memory beyond what was taken at first, none of them
// is kept, and what many have seen before stays known.
func TestAttack(t *testing.T) {
	registry := prometheus.NewRegistry()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	all := titles.New(titles.Options{Registerer: registry})
	real := titles.View{Day: today, SiteDay: siteDay, Path: "/om", Title: "Om oss"}
	if times, _ := seen(all, real, 0, 30); times != 1 {
		t.Fatalf("kept %d times, want once", times)
	}
	v := titles.View{Day: today, SiteDay: siteDay}
	for i := range 1_000_000 {
		v.Visitor, v.Path, v.Title = uint8(i/4), fmt.Sprint("/", i%1000), fmt.Sprint("Kjøp ", i/2)
		if _, keep := all.See(v, enough); keep {
			t.Fatal("a title of two visitors is kept")
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if most := int64(titles.DefaultMemory + 256<<10); grown > most {
		t.Errorf("the heap has grown by %d bytes, want at most %d", grown, most)
	}
	t.Logf("the heap has grown by %d bytes", grown)
	if times, _ := seen(all, real, 30, 60); times != 0 {
		t.Error("a title that was kept is kept again, since it was forgotten")
	}
	if bytes, kept := metric(t, registry, "bytes"), metric(t, registry, "kept_total"); bytes != titles.DefaultMemory || kept != 1 {
		t.Errorf("metrics tell of %v bytes and %v kept, want %d and 1", bytes, kept, titles.DefaultMemory)
	}
	was := metric(t, registry, "forgotten_total")
	if was < 100_000 {
		t.Errorf("%v titles were forgotten", was)
	}
	// What one day leaves is no burden to the next but one.
	for i := range 1000 {
		all.See(titles.View{Day: today + 2, SiteDay: 12, Path: fmt.Sprint("/", i), Title: "t"}, enough)
	}
	if n := metric(t, registry, "forgotten_total") - was; n > 0 {
		t.Errorf("%v titles of the day were forgotten for those of another", n)
	}
	runtime.KeepAlive(all)
}

// metric returns the value of a metric of titles.
func metric(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "fotspor_titles_"+name {
			return f.Metric[0].GetCounter().GetValue() + f.Metric[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func BenchmarkSee(b *testing.B) {
	all := titles.New(titles.Options{})
	paths := make([]string, 1000)
	for i := range paths {
		paths[i] = fmt.Sprint("/en/ganske/vanlig/sti/", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		all.See(titles.View{Day: today, SiteDay: siteDay, Visitor: uint8(i), Path: paths[i%1000], Title: "En tittel slik de er – Nettstedet"}, enough)
	}
}
