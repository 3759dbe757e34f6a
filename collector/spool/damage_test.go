package spool_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/collector/spool"
	"github.com/fotspor/fotspor/collector/spool/spooltest"
	"github.com/fotspor/fotspor/hit"
)

// written is a segment that a process left, with the offsets of its records.
type written struct {
	file    string // its name
	data    []byte
	sealed  bool
	records []extent
}

// extent is a record: its rows, and the bytes that must be intact to read them.
type extent struct {
	from, to int
	rows     []string
}

const recordEnd = 4 // bytes at the end of a record that are not needed to read it

// draw writes a segment of a few records.
func draw(t *rapid.T) written {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := spool.Open(dir, spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := written{sealed: rapid.Bool().Draw(t, "sealed")}
	size, n := 8, 0
	for range rapid.IntRange(1, 8).Draw(t, "records") {
		var b hit.Batch
		var names []string
		for range rapid.IntRange(1, 3).Draw(t, "rows") {
			if n++; rapid.Bool().Draw(t, "excluded") {
				names = append(names, fmt.Sprint("bot", n))
				b.Ledger = append(b.Ledger, hit.LedgerEntry{Site: 1, Reason: "bot", Name: names[len(names)-1], Count: 1})
				continue
			}
			names = append(names, fmt.Sprint("row", n))
			r := row(names[len(names)-1])
			// Texts that strangers send may look like any part of a segment.
			r.Path = rapid.SampledFrom([]string{"/", "/æøå", "fotspor\x02", strings.Repeat("\x00", 40), strings.Repeat("x", 200)}).Draw(t, "path")
			b.Rows = append(b.Rows, r)
		}
		if err := s.Append(b); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(only(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		w.records = append(w.records, extent{size, int(info.Size()) - recordEnd, names})
		size = int(info.Size())
	}
	if w.sealed {
		s.Close()
	}
	w.file = filepath.Base(only(t, dir))
	if w.data, err = os.ReadFile(filepath.Join(dir, w.file)); err != nil || len(w.data) != size {
		t.Fatalf("%d bytes are written, %v, want %d", len(w.data), err, size)
	}
	return w
}

func only(t *rapid.T, dir string) string {
	names, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("files %q, %v, want one", names, err)
	}
	return names[0]
}

// whole returns the rows of the records that are intact in data, and the number of other
// rows. data is the segment with a change between i and j. Records outside of the change
// are intact. One that it touches may be intact by chance, if the bytes that were cut
// equal those that follow.
func (w written) whole(data []byte, i, j int) (rows []string, lost int) {
	for _, r := range w.records {
		if i < r.to && j > r.from && !bytes.Contains(data, w.data[r.from:r.to]) {
			lost += len(r.rows)
		} else {
			rows = append(rows, r.rows...)
		}
	}
	return rowsFirst(rows), lost
}

// rowsFirst returns names in the order in which an Inserter gets them.
func rowsFirst(names []string) []string {
	slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(b[:3], a[:3]) })
	return names
}

// read stores a damaged segment twice, the second time as after a crash before the file
// was removed. It returns the rows, how many are reported lost, and the state of the
// segment at the end.
func (w written) read(t *rapid.T, data []byte) (rows []string, lost float64, state spool.State) {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var to store
	for range 2 {
		for _, old := range []string{"damaged", "quarantined"} {
			names, _ := filepath.Glob(filepath.Join(dir, "*."+old))
			for _, name := range names {
				os.Remove(name)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, w.file), data, 0o600); err != nil {
			t.Fatal(err)
		}
		reg := prometheus.NewPedanticRegistry()
		s, err := spool.Open(dir, spool.Options{Registerer: reg})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(context.Background(), spooltest.Whole(to.insert)); err != nil { // the fake refuses other rows under the same token
			t.Fatalf("Flush: %v", err)
		}
		infos, err := spool.List(dir)
		if err != nil || len(infos) > 1 {
			t.Fatalf("List = %v, %v", infos, err)
		}
		state = ""
		if len(infos) == 1 {
			state = infos[0].State
		}
		lost = testutil.ToFloat64(collectorOf(t, reg, "fotspor_spool_lost_rows_total"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return to.names, lost, state
}

// collectorOf returns a counter by its name.
func collectorOf(t *rapid.T, reg *prometheus.Registry, name string) prometheus.Collector {
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name})
			g.Set(f.GetMetric()[0].GetCounter().GetValue())
			return g
		}
	}
	t.Fatalf("no metric %s", name)
	return nil
}

// TestDamage changes any byte of a segment, or takes any range out. Every intact record
// is stored, once and in order, and nothing else is. Damage is reported if and only if an
// acknowledged record is lost; the file is kept then.
func TestDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		i := rapid.IntRange(0, len(w.data)-1).Draw(t, "from")
		j := i + 1
		data := bytes.Clone(w.data)
		flip := rapid.Bool().Draw(t, "flip")
		if flip {
			data[i] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
		} else {
			j = rapid.IntRange(i+1, len(w.data)).Draw(t, "to")
			data = slices.Delete(data, i, j)
		}
		want, missing := w.whole(data, i, j)
		got, lost, state := w.read(t, data)
		if !slices.Equal(got, want) {
			t.Fatalf("%v are stored, want %v", got, want)
		}
		if !w.sealed && bytes.HasPrefix(w.data, data) {
			missing = 0 // as after a kill: the end was never acknowledged
		}
		if !w.sealed && !flip && len(w.data)-j < recordEnd && j < len(w.data) {
			return // too few bytes after the cut to tell it from an unfinished write
		}
		if state == spool.Quarantined && len(want) == 0 && data[7] != w.data[7] {
			return // it may be a segment of another version, and is kept as such
		}
		switch {
		case missing > 0 && (lost == 0 || state != spool.Damaged), w.sealed && lost != float64(missing):
			t.Fatalf("%v rows are told to be lost, of %d, and the segment is %q", lost, missing, state)
		case missing == 0 && (lost > 0 || state != ""):
			t.Fatalf("%v rows are told to be lost, and the segment is %q: none is lost", lost, state)
		}
	})
}

// TestMuchDamage is TestDamage with damage in several places at once.
func TestMuchDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		data := bytes.Clone(w.data)
		for range rapid.IntRange(2, 5).Draw(t, "places") {
			i := rapid.IntRange(0, len(w.data)-1).Draw(t, "from")
			j := rapid.IntRange(i+1, min(i+300, len(w.data))).Draw(t, "to")
			for k := i; k < j; k++ {
				data[k] = rapid.SampledFrom([]byte{0, 1, 0xff}).Draw(t, "with")
			}
		}
		var want []string
		missing := 0
		for _, r := range w.records {
			if !bytes.Equal(data[r.from:r.to], w.data[r.from:r.to]) {
				missing += len(r.rows)
			} else {
				want = append(want, r.rows...)
			}
		}
		got, lost, state := w.read(t, data)
		if rowsFirst(want); !slices.Equal(got, want) {
			t.Fatalf("%v are stored, want %v", got, want)
		}
		if data[7] != w.data[7] && len(want) == 0 {
			return // it may look like a segment of another version, and is kept as such
		}
		if told := state == spool.Damaged; w.sealed && (lost != float64(missing) || told != (missing > 0)) {
			t.Fatalf("%v rows are told to be lost, of %d, and the segment is %q", lost, missing, state)
		}
	})
}

// TestKeptWhenDamaged: a damaged segment is listed, counts against the limit, can't be
// retried and can be dropped.
func TestKeptWhenDamaged(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, spool.Options{})
	mustAppend(t, s, "a", "b", "c")
	s.Close()
	file := files(t, dir)[0]
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewPedanticRegistry()
	s = mustOpen(t, dir, spool.Options{Registerer: reg})
	var to store
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil {
		t.Fatal(err)
	}
	wantNames(t, to.names, "a", "c")
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP fotspor_spool_damaged_segments Segments that lost acknowledged rows. Their other rows are stored; the files wait for fotspor spool drop.
# TYPE fotspor_spool_damaged_segments gauge
fotspor_spool_damaged_segments 1
# HELP fotspor_spool_lost_rows_total Acknowledged rows lost to damage of segments. A segment that a killed process left open may have lost more.
# TYPE fotspor_spool_lost_rows_total counter
fotspor_spool_lost_rows_total 1
`), "fotspor_spool_damaged_segments", "fotspor_spool_lost_rows_total"); err != nil {
		t.Error(err)
	}
	infos, err := spool.List(dir)
	if err != nil || len(infos) != 1 || infos[0].State != spool.Damaged || infos[0].Rows != 2 || infos[0].Lost != 1 || infos[0].Err == nil {
		t.Fatalf("List = %+v, %v; want one damaged segment of two rows, one lost", infos, err)
	}
	if err := spool.Retry(dir, infos[0].ID); err == nil {
		t.Error("a damaged segment, whose rows are stored, was sent again")
	}
	s.Close()
	s = mustOpen(t, dir, spool.Options{}) // and it is not stored again by the next process
	if err := s.Flush(t.Context(), spooltest.Whole(to.insert)); err != nil || to.calls != 1 {
		t.Errorf("Flush = %v, %d inserts, want one", err, to.calls)
	}
	if spool.Used(s) != int64(len(data)) {
		t.Errorf("%d bytes count, want those of the damaged segment, %d", spool.Used(s), len(data))
	}
	if err := spool.Drop(dir, infos[0].ID); err != nil || len(files(t, dir)) != 0 {
		t.Errorf("Drop = %v, left %q", err, files(t, dir))
	}
}
