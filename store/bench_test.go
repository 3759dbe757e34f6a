package store_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store/storetest"
)

// BenchmarkInsert stores segments of 100,000 rows, and tells how many rows a second
// of this process's time is enough for, that of the engine included.
func BenchmarkInsert(b *testing.B) {
	st := storetest.Open(b)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	rows := someRows(rand.New(rand.NewPCG(1, 2)), 100_000, now, 1, oslo)
	b.ReportAllocs()
	start, segments := cpuTime(b), 0
	for b.Loop() {
		segments++
		if err := st.Insert(b.Context(), hit.Batch{Rows: rows}, "segment-"+strconv.Itoa(segments)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(segments*len(rows))/(cpuTime(b)-start).Seconds(), "rows/cpu-s")
}

// BenchmarkColumns prints how much memory the rows of a large segment take until they are sent: of
// rows like those of bench, and of 40 MiB of texts of which none is like another.
func BenchmarkColumns(b *testing.B) {
	st := storetest.Open(b)
	rows := someRows(rand.New(rand.NewPCG(1, 2)), 200_000, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), 1, oslo)
	strange := slices.Clone(rows)
	for i := range strange {
		r := &strange[i]
		r.Path = fmt.Sprintf("/%0*d", 40<<20/len(strange)/3, i) // a path stands in a row three times
		r.EntryPath, r.PreviousPath = r.Path, r.Path
	}
	live := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	for name, rows := range map[string][]hit.Row{"rows": rows, "texts": strange} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := live()
				in := st.Begin()
				in.Add(rows)
				b.ReportMetric(live()-before, "MB")
				runtime.KeepAlive(in)
			}
			runtime.KeepAlive(rows)
		})
	}
}

// cpuTime returns what this process has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
