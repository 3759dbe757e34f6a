package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/store/schema"
)

// TestGaps: what a backfill has not reached, and what it can never count since the rows were
// gone, is told, and so is how many days are left while a process waits for one that died.
func TestGaps(t *testing.T) {
	const gone = "ALTER TABLE hits DELETE WHERE day < '%s' SETTINGS mutations_sync = 2"
	want := func(p *place, before string, last bool) {
		t.Helper()
		gaps, end, err := p.program(4).Gaps(t.Context())
		if err != nil || end != last {
			t.Errorf("%v, last %v; want last %v", err, end, last)
		}
		var got []string
		for _, g := range gaps {
			if attached := p.text("SELECT maxIf(at, state = 'attached') FROM migrations WHERE number = 4"); attached > "1970-01-02" && g.Attached.UTC().Format("2006-01-02 15:04:05.000000") != attached {
				t.Errorf("attached at %s, want %s", g.Attached, attached)
			}
			if g.Before == 0 {
				continue
			}
			got = append(got, g.Table+" "+g.Before.String())
		}
		all := []string{"hosts " + before, "daily " + before}
		if before == "" {
			all = nil
		}
		if fmt.Sprint(got) != fmt.Sprint(all) {
			t.Errorf("gaps %v, want %v", got, all)
		}
	}
	p := newPlace(t)
	p.migrate(3)
	p.mustInsert("a", 10, "2026-01-30", "2026-02-02", "2026-02-04")
	p.exec(fmt.Sprintf(gone, "2026-02-01"))
	want(p, "2149-06-06", false)
	p.migrate(4)
	want(p, "2026-02-05", false)
	p.exec("INSERT INTO filled SELECT 4, toDate('2026-02-04')") // and the process is killed
	want(p, "2026-02-03", false)
	_, unlock, err := p.program(4).Lock(t.Context()) // by one that does not know that it is dead
	if err != nil {
		t.Fatal(err)
	}
	m := p.program(4)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := m.Migrate(ctx); err == nil || m.Filling() != 1 {
		t.Errorf("while it waits: %v, %d days left, want 1", err, m.Filling())
	}
	unlock()
	if err := m.Fill(t.Context(), nil); err != nil || m.Filling() != 0 {
		t.Errorf("%v, %d days left", err, m.Filling())
	}
	want(p, "2026-01-31", true)
	p.mustInsert("import", 1, "2026-01-01")
	want(p, "2026-01-31", true)

	p = newPlace(t) // a store with no row
	p.migrate(3)
	p.mustInsert("a", 10, "2026-01-30", "2026-02-02")
	p.exec(fmt.Sprintf(gone, "2026-03-01"))
	p.migrate(4)
	if err := p.program(4).Fill(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	want(p, "2026-02-03", true)

	p = newPlace(t) // a new one
	p.migrate(4)
	if err := p.program(4).Fill(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	p.mustInsert("a", 10, "2026-01-30")
	want(p, "", true)
}

// TestFillWaits: a backfill makes no line of rows that are past their time: it waits until they are
// deleted, from its clone too, and then counts the rest.
func TestFillWaits(t *testing.T) {
	p := newPlace(t)
	p.migrate(3)
	p.mustInsert("a", 10, "2026-01-30", "2026-02-02", "2026-02-04")
	p.migrate(4)
	due := func(context.Context) (string, error) {
		return "day < '2026-02-01' OR host = 'b' AND day < '2026-02-03'", nil
	}
	if err := p.program(4).Fill(t.Context(), due); !errors.Is(err, schema.ErrDue) || !strings.HasSuffix(err.Error(), "there are 15") {
		t.Errorf("fill: %v", err)
	}
	p.want("SELECT count() FROM hosts", "0")
	err := p.program(4).Rows(t.Context(), func(ctx context.Context, tables []string) error {
		for _, name := range tables {
			if err := p.conn.Exec(ctx, "ALTER TABLE "+name+" DELETE WHERE day < '2026-02-01' OR host = 'b' AND day < '2026-02-03' SETTINGS mutations_sync = 2"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.program(4).Fill(t.Context(), due); err != nil {
		t.Fatal(err)
	}
	p.want("SELECT groupArray((toString(day), host, n)) FROM (SELECT day, host, sum(n) AS n FROM hosts GROUP BY ALL ORDER BY ALL)",
		"[('2026-02-02','a',5),('2026-02-04','a',5),('2026-02-04','b',5)]")
}
