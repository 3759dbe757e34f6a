package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/retention/journal"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string, at time.Time) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func mustRead(t *testing.T, dir string, after time.Time) *journal.Log {
	t.Helper()
	l, err := journal.Read(dir, after)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func add(t *testing.T, j *journal.Journal, at time.Time, all ...journal.Erased) {
	t.Helper()
	if err := j.Add(at, all); err != nil {
		t.Fatal(err)
	}
}

// TestDays: a value is found in its site and column alone, and erasures from before a backup
// are none of its.
func TestDays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := journal.Read(dir, time.Time{}); !errors.Is(err, journal.ErrNone) {
		t.Errorf("without a journal: %v", err)
	}
	j := open(t, dir, now)
	first, second := calendar.Range{From: 0, To: 20784}, calendar.Range{From: 20700, To: 20785}
	add(t, j, now, journal.Erased{Site: 1, Column: "path", Value: "/ansatt/kari", Days: first}, journal.Erased{Site: 2, Column: "name", Value: "kari", Days: first})
	add(t, open(t, dir, now.Add(time.Hour)), now.Add(24*time.Hour), journal.Erased{Site: 1, Column: "path", Value: "/ansatt/kari", Days: second}, journal.Erased{Site: 3, Column: "", Value: "", Days: second})
	l := mustRead(t, dir, time.Time{})
	if !l.Since.Equal(now) || l.Empty() {
		t.Errorf("since %s, empty %t", l.Since, l.Empty())
	}
	for _, c := range []struct {
		site          uint32
		column, value string
		want          []calendar.Range
	}{
		{1, "path", "/ansatt/kari", []calendar.Range{first, second}},
		{2, "path", "/ansatt/kari", nil},
		{1, "name", "/ansatt/kari", nil},
		{1, "path", "/ansatt/Kari", nil},
		{1, "path", "/ansatt", nil},
		{2, "name", "kari", []calendar.Range{first}},
		{3, "", "", nil},
	} {
		if got := l.Days(c.site, c.column, c.value); !slices.Equal(got, c.want) {
			t.Errorf("site %d, %s %q: %v, want %v", c.site, c.column, c.value, got, c.want)
		}
	}
	if got := l.Rows(3); !slices.Equal(got, []calendar.Range{second}) || l.Rows(1) != nil {
		t.Errorf("all rows of site 3: %v; of site 1: %v", got, l.Rows(1))
	}
	later := mustRead(t, dir, now.Add(time.Minute))
	if got := later.Days(1, "path", "/ansatt/kari"); !slices.Equal(got, []calendar.Range{second}) {
		t.Errorf("after a minute: %v", got)
	}
}

// TestHoldsNoValue: neither file tells a value, both are the owner's alone, and the same value
// has another hash in another journal.
func TestHoldsNoValue(t *testing.T) {
	var files [][]byte
	for range 2 {
		dir := t.TempDir()
		add(t, open(t, dir, now), now, journal.Erased{Site: 1, Column: "path", Value: "/ansatt/kari", Days: calendar.One(20000)})
		for _, name := range []string{journal.File, journal.KeyFile} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
			data, _ := os.ReadFile(filepath.Join(dir, name))
			if bytes.Contains(data, []byte("kari")) {
				t.Errorf("%s holds the value: %s", name, data)
			}
			files = append(files, data)
		}
		if left, _ := os.ReadDir(dir); len(left) != 2 {
			t.Errorf("the directory holds %v", left)
		}
	}
	if bytes.Equal(files[0], files[2]) || bytes.Equal(files[1], files[3]) {
		t.Error("two journals have one key")
	}
}

// TestCutShort: of a line that a process left unfinished nothing is read, and the next erasure
// begins a line of its own. A whole line that is none is an error.
func TestCutShort(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, journal.File)
	days := calendar.One(20000)
	add(t, open(t, dir, now), now, journal.Erased{Site: 1, Column: "path", Value: "/a", Days: days})
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin := bytes.IndexByte(whole, '\n') + 1
	for size := begin; size < len(whole); size++ {
		if err := os.WriteFile(file, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if l := mustRead(t, dir, time.Time{}); !l.Empty() {
			t.Fatalf("of %d bytes a value is read", size)
		}
		add(t, open(t, dir, now), now, journal.Erased{Site: 1, Column: "path", Value: "/b", Days: days})
		l := mustRead(t, dir, time.Time{})
		if l.Days(1, "path", "/a") != nil || !slices.Equal(l.Days(1, "path", "/b"), []calendar.Range{days}) {
			t.Fatalf("after %d bytes: %+v", size, l)
		}
	}
	for _, text := range []string{"", "x\n", `{"journal":2}` + "\n", string(whole[:begin]) + "x\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := journal.Read(dir, time.Time{}); err == nil {
			t.Errorf("%q is read as %+v", text, l)
		}
	}
}

// TestPrune: what was erased before is forgotten, and the journal says from when on it knows.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, now)
	days := calendar.One(20000)
	add(t, j, now, journal.Erased{Site: 1, Column: "path", Value: "/a", Days: days})
	add(t, j, now.Add(time.Hour), journal.Erased{Site: 1, Column: "path", Value: "/b", Days: days})
	at := now.Add(time.Minute)
	if err := errors.Join(j.Prune(at), j.Prune(now)); err != nil {
		t.Fatal(err)
	}
	l := mustRead(t, dir, time.Time{})
	if !l.Since.Equal(at) || l.Days(1, "path", "/a") != nil || l.Days(1, "path", "/b") == nil {
		t.Errorf("since %s: %+v", l.Since, l)
	}
}

// TestAtOnce: of several writers, and one that prunes, no line is lost.
func TestAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			j, err := journal.Open(dir, now)
			for n := 0; n < 25 && err == nil; n++ {
				if err = j.Add(now.Add(time.Hour), []journal.Erased{{1, "path", fmt.Sprint(i, n), calendar.One(20000)}}); err == nil {
					err = j.Prune(now.Add(time.Duration(n) * time.Second))
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	l := mustRead(t, dir, time.Time{})
	for i := range 4 {
		for n := range 25 {
			if l.Days(1, "path", fmt.Sprint(i, n)) == nil {
				t.Errorf("writer %d, line %d is lost", i, n)
			}
		}
	}
}

// TestBadKey: a key that is none is refused by name.
func TestBadKey(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, now)
	file := filepath.Join(dir, journal.KeyFile)
	if err := os.WriteFile(file, []byte("00"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(dir, now)
	_, err2 := journal.Read(dir, time.Time{})
	for _, err := range []error{err, err2} {
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("a bad key: %v", err)
		}
	}
}
