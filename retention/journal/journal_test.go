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

// took returns the times of the erasures that took out a value.
func took(l *journal.Log, site uint32, column, value string) (all []span) {
	for _, e := range l.Erasures {
		if part, took := e.Took(site, column, value); took {
			all = append(all, span{e.From.Unix(), e.To.Unix(), part})
		}
	}
	return all
}

type span struct {
	from, to int64
	part     bool
}

// erased is the erasure of a value in the first half of a day.
func erased(site uint32, column, value string) journal.Erased {
	return journal.Erased{Site: site, Column: column, Value: value, From: day, To: day.Add(12 * time.Hour)}
}

var day = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// TestTook: a value is found in its site and column alone, erasures are told apart and in their
// order, and those from before a backup are none of its.
func TestTook(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := journal.Read(dir, time.Time{}); !errors.Is(err, journal.ErrNone) {
		t.Errorf("without a journal: %v", err)
	}
	j := open(t, dir, now)
	first, second := span{day.Unix(), day.Unix() + 43200, false}, span{day.Unix() + 1, day.Unix() + 43200, true}
	add(t, j, now, erased(1, "path", "/ansatt/kari"), erased(2, "name", "kari"))
	part := erased(1, "path", "/ansatt/kari")
	part.Part, part.From = true, part.From.Add(time.Second)
	add(t, open(t, dir, now.Add(time.Hour)), now.Add(24*time.Hour), part)
	add(t, j, now.Add(25*time.Hour), erased(3, "", ""), erased(4, "", ""))
	add(t, j, now.Add(26*time.Hour), erased(1, "network", "10.0.0.0/16"))
	l := mustRead(t, dir, time.Time{})
	if !l.Since.Equal(now) || len(l.Erasures) != 4 {
		t.Errorf("since %s, %d erasures", l.Since, len(l.Erasures))
	}
	for _, c := range []struct {
		site          uint32
		column, value string
		want          []span
	}{
		{1, "path", "/ansatt/kari", []span{first, second}},
		{2, "path", "/ansatt/kari", nil},
		{1, "name", "/ansatt/kari", nil},
		{1, "path", "/ansatt/Kari", nil},
		{1, "path", "/ansatt", nil},
		{2, "name", "kari", []span{first}},
		{3, "", "", nil},
		{1, "network", "10.0.0.0/16", []span{first}},
	} {
		if got := took(l, c.site, c.column, c.value); !slices.Equal(got, c.want) {
			t.Errorf("site %d, %s %q: %v, want %v", c.site, c.column, c.value, got, c.want)
		}
	}
	for i, e := range l.Erasures {
		if sites := e.Sites(); slices.Equal(sites, []uint32{3, 4}) != (i == 2) || e.OfNetworks() != (i == 3) {
			t.Errorf("erasure %d: all rows of %v, networks: %t", i, sites, e.OfNetworks())
		}
	}
	later := mustRead(t, dir, now.Add(time.Minute))
	if got := took(later, 1, "path", "/ansatt/kari"); !slices.Equal(got, []span{second}) {
		t.Errorf("after a minute: %v", got)
	}
}

// TestHoldsNoValue: neither file tells a value, both are the owner's alone, and the same value
// has another hash in another journal.
func TestHoldsNoValue(t *testing.T) {
	var files [][]byte
	for range 2 {
		dir := t.TempDir()
		add(t, open(t, dir, now), now, erased(1, "path", "/ansatt/kari"))
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
// begins its own line. A whole line that is none is an error.
func TestCutShort(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, journal.File)
	add(t, open(t, dir, now), now, erased(1, "path", "/a"))
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin := bytes.IndexByte(whole, '\n') + 1
	for size := begin; size < len(whole); size++ {
		if err := os.WriteFile(file, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if l := mustRead(t, dir, time.Time{}); len(l.Erasures) > 0 {
			t.Fatalf("of %d bytes a value is read", size)
		}
		add(t, open(t, dir, now), now, erased(1, "path", "/b"))
		l := mustRead(t, dir, time.Time{})
		if len(took(l, 1, "path", "/a")) > 0 || len(took(l, 1, "path", "/b")) != 1 {
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
	add(t, j, now, erased(1, "path", "/a"))
	add(t, j, now.Add(time.Hour), erased(1, "path", "/b"))
	at := now.Add(time.Minute)
	if err := errors.Join(journal.Prune(dir, at), journal.Prune(dir, now), journal.Prune(t.TempDir(), now)); err != nil {
		t.Fatal(err)
	}
	l := mustRead(t, dir, time.Time{})
	if !l.Since.Equal(at) || len(took(l, 1, "path", "/a")) > 0 || len(took(l, 1, "path", "/b")) != 1 {
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
				if err = j.Add(now.Add(time.Hour), []journal.Erased{erased(1, "path", fmt.Sprint(i, n))}); err == nil {
					err = journal.Prune(dir, now.Add(time.Duration(n)*time.Second))
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
			if len(took(l, 1, "path", fmt.Sprint(i, n))) != 1 {
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
