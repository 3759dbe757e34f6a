package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/dchest/siphash"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// Bounds of what one erasure takes out. Its conditions are lists of numbers in statements.
const (
	maxChosen    = 20_000 // texts, of about a kilobyte at most each
	hashesAtOnce = 5_000  // in one statement that changes something
)

// ErrManyTexts means that a selection chooses more texts than an erasure can take out at once.
var ErrManyTexts = fmt.Errorf("more than %d different texts: choose fewer, as by --site or --from and --to", maxChosen)

// The texts of strangers in tables that package report does not know.
var (
	titlePlaces = []report.Place{
		{Table: "titles", Column: "path", Field: fieldNamed("path")}, {Table: "titles", Column: "title", Field: privacy.TitleField},
	}
	ledgerLines = report.Lines{
		Table: "ledger", Day: "day", Keys: []string{"site", "day", "reason", "rule", "name"}, Measures: []string{"hits"},
		Places: []report.Place{{Table: "ledger", Column: "name", Field: fieldNamed("host")}},
	}
)

func fieldNamed(name string) hit.Field {
	f, _ := hit.FindField(name)
	return f
}

// places returns all columns in which texts of strangers stand.
func places() []report.Place {
	return slices.Concat(report.Places(), ledgerLines.Places, titlePlaces)
}

// sums returns the tables of sums in which texts may stand. That by month is not among them: what
// is added to that by day goes there too.
func sums() []report.Lines {
	var all []report.Lines
	for _, r := range report.Rollups {
		if l := r.Lines(); len(l.Places) > 0 && l.Day == "day" {
			all = append(all, l)
		}
	}
	return append(all, ledgerLines)
}

// FindTexts calls f with each text that a selection chooses, and where it stands, until f
// returns an error, which it returns. Each distinct text of a site is read once from every
// column; what is compared never reaches the engine.
func (s *Store) FindTexts(ctx context.Context, sel privacy.Selection, f func(privacy.FoundText) error) error {
	match, err := sel.Matcher()
	if err != nil {
		return err
	}
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	for _, p := range places() {
		err := s.texts(ctx, p, sel, func(found privacy.FoundText) error {
			if !match(found.Site, p.Field, found.Value) {
				return nil
			}
			return f(found)
		})
		if err != nil {
			return fmt.Errorf("look for texts in %s of %s: %w", p.Column, p.Table, err)
		}
	}
	return s.findWritten(ctx, sel, match, func(_ uint64, found privacy.FoundText) error { return f(found) })
}

// texts calls f with each distinct text in a place on the days of a selection.
func (s *Store) texts(ctx context.Context, p report.Place, sel privacy.Selection, f func(privacy.FoundText) error) error {
	days := sel.Days()
	if p.Day() == "month" {
		days.From = days.From.FirstOfMonth()
	}
	query := fmt.Sprintf(`
		SELECT site, toString(%[1]s) AS text, count(), toInt32(min(%[2]s)), toInt32(max(%[2]s)) FROM %[3]s
		WHERE %[1]s != '' AND %[2]s BETWEEN {from:Date} AND {to:Date}`, p.Column, p.Day(), p.Table)
	params := clickhouse.Parameters{"from": days.From.String(), "to": days.To.String()}
	if sel.Site != 0 {
		query += " AND site = {site:UInt32}"
		params["site"] = fmt.Sprint(sel.Site)
	}
	if p.Dimension != "" {
		query += " AND dimension = {dimension:String}"
		params["dimension"] = p.Dimension
	}
	// Groups that do not fit into memory are on disk meanwhile.
	rows, err := s.conn.Query(bind(ctx, params), query+" GROUP BY site, text SETTINGS max_bytes_before_external_group_by = 134217728")
	if err != nil {
		return err
	}
	defer rows.Close()
	found := privacy.FoundText{Table: p.Table, Dimension: p.Dimension, Column: p.Field.Name}
	for rows.Next() {
		var n uint64
		var first, last int32
		if err := rows.Scan(&found.Site, &found.Value, &n, &first, &last); err != nil {
			return err
		}
		found.Lines, found.First, found.Last = int64(n), calendar.Day(first), calendar.Day(last)
		if err := f(found); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Choice is what a selection chose when it was made.
type Choice struct {
	privacy.Held // how much that was
	of           *choice
}

// choice is what an erasure takes out.
type choice struct {
	privacy.Selection
	texts    []privacy.Chosen
	erasures []report.Erasure    // of all texts together; none for a selection by time alone
	lines    map[string][]uint64 // ids of saved views and notes, by table
}

// choose looks for what a selection chooses.
func (s *Store) choose(ctx context.Context, sel privacy.Selection) (*choice, error) {
	c := &choice{Selection: sel}
	switch sel.Kind() {
	case "time":
		return c, nil
	case "network":
		return c, s.chooseNetworks(ctx, c)
	}
	match, err := sel.Matcher()
	if err != nil {
		return nil, err
	}
	fields := map[string]hit.Field{}
	for _, p := range places() {
		fields[p.Field.Name] = p.Field
	}
	err = s.FindTexts(ctx, sel, func(found privacy.FoundText) error {
		return c.add(privacy.Chosen{Site: found.Site, Column: found.Column, Value: found.Value, Whole: match.Whole(found.Site, fields[found.Column], found.Value)})
	})
	if err != nil {
		return nil, err
	}
	c.hash()
	return c, s.written(ctx, sel.Site, func(line uint64, found privacy.FoundText) error {
		if c.took(found.Site)(site.Text{Kind: found.Column, Text: found.Value}) {
			c.keep(found.Table, line)
		}
		return nil
	})
}

// chooseNetworks adds the networks of rows that lie within that of the selection.
func (s *Store) chooseNetworks(ctx context.Context, c *choice) error {
	within, err := netip.ParsePrefix(c.Network)
	if err != nil {
		return errors.New("network: want the CIDR form of what an address is cut to")
	}
	p := report.Place{Table: "hits", Column: "network", Field: fieldNamed("network")}
	err = s.texts(ctx, p, c.Selection, func(found privacy.FoundText) error {
		if !privacy.Within(found.Value, within) {
			return nil
		}
		return c.add(privacy.Chosen{Site: found.Site, Column: found.Column, Value: found.Value, Whole: true})
	})
	if err != nil {
		return fmt.Errorf("look for networks: %w", err)
	}
	c.hash()
	return nil
}

// add adds a text, which may have been found in several places.
func (c *choice) add(one privacy.Chosen) error {
	at, known := slices.BinarySearchFunc(c.texts, one, privacy.Chosen.Compare)
	if known {
		return nil
	}
	if len(c.texts) == maxChosen {
		return ErrManyTexts
	}
	c.texts = slices.Insert(c.texts, at, one)
	return nil
}

// hash divides the texts into erasures, under their own keys.
func (c *choice) hash() {
	for texts := range slices.Chunk(c.texts, hashesAtOnce) {
		var key [16]byte
		rand.Read(key[:]) // never fails
		e := report.Erasure{
			Key:  [2]uint64{binary.BigEndian.Uint64(key[:8]), binary.BigEndian.Uint64(key[8:])},
			Days: c.Days(), Whole: map[string][]uint64{}, Part: map[string][]uint64{},
		}
		for _, t := range texts {
			of := e.Part
			if t.Whole {
				of = e.Whole
			}
			of[t.Column] = append(of[t.Column], siphash.Hash(e.Key[0], e.Key[1], fmt.Appendf(nil, "%d %s", t.Site, t.Value)))
		}
		c.erasures = append(c.erasures, e)
	}
}

// rows is the condition of the rows that are chosen, or hold a text that is; "" for none.
func (c *choice) rows() string {
	places := report.PlacesOf("hits")
	if !c.OfTexts() {
		places = []report.Place{{Table: "hits", Column: "network", Field: fieldNamed("network")}}
	}
	where := c.chosen(places)
	if c.Kind() == "time" {
		where = fmt.Sprintf("day BETWEEN toDate('%s') AND toDate('%s')", c.Days().From, c.Days().To)
		if c.Site != 0 {
			where += fmt.Sprintf(" AND site = %d", c.Site)
		}
	}
	if where != "" && !c.OfTexts() {
		where = fmt.Sprintf("(%s) AND time >= toDateTime('%s', 'UTC') AND time < toDateTime('%s', 'UTC')", where, sqlTime(c.From), sqlTime(c.To))
	}
	return where
}

// chosen is the condition of lines with a text in some places of a table; "" for none.
func (c *choice) chosen(places []report.Place) string {
	var any []string
	for _, e := range c.erasures {
		if is := e.Chosen(places); is != "" {
			any = append(any, is)
		}
	}
	if len(any) < 2 {
		return strings.Join(any, "")
	}
	return "(" + strings.Join(any, ") OR (") + ")"
}

// long allows statements with the hashes of many texts.
func long(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_query_size": 64 << 20}))
}

// Held counts the rows that a selection chooses, or that hold texts that it chooses, and the
// lines of totals and titles with these.
func (s *Store) Held(ctx context.Context, sel privacy.Selection) (privacy.Held, error) {
	c, err := s.Choose(ctx, sel)
	return c.Held, err
}

// Choose looks for what a selection chooses, for Erase, and counts it as Held does.
func (s *Store) Choose(ctx context.Context, sel privacy.Selection) (Choice, error) {
	c, err := s.choose(ctx, sel)
	if err != nil {
		return Choice{}, err
	}
	held, err := s.heldOf(ctx, c)
	return Choice{held, c}, err
}

func (s *Store) heldOf(ctx context.Context, c *choice) (held privacy.Held, err error) {
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	if where := c.rows(); where != "" {
		if held, err = s.held(long(ctx), where, nil); err != nil {
			return held, fmt.Errorf("count rows by %s: %w", c.Kind(), err)
		}
	}
	if !c.OfTexts() {
		return held, nil
	}
	tables := map[string][]report.Place{}
	for _, p := range places() {
		if p.Table != "hits" {
			tables[p.Table] = append(tables[p.Table], p)
		}
	}
	for table, places := range tables {
		where := c.chosen(places)
		if where == "" {
			continue
		}
		var n uint64
		if err := s.conn.QueryRow(long(ctx), "SELECT count() FROM "+table+" WHERE "+where).Scan(&n); err != nil {
			return held, fmt.Errorf("count lines of %s by %s: %w", table, c.Kind(), err)
		}
		held.Lines += int64(n)
	}
	for table, count := range map[string]*int64{"saved_views": &held.Views, "notes": &held.Notes} {
		if where := c.writtenIn(table); where != "" {
			var n uint64
			if err := s.conn.QueryRow(long(ctx), "SELECT uniqExact(id) FROM "+table+" WHERE "+where).Scan(&n); err != nil {
				return held, fmt.Errorf("count lines of %s by %s: %w", table, c.Kind(), err)
			}
			*count = int64(n)
		}
	}
	held.Goals, held.Settings, err = s.heldInSettings(ctx, c)
	return held, err
}

// Erase takes out what Choose has chosen, and returns when it has left the disk. Of what came
// since then it takes out what is of the same networks, times or texts. Before it changes anything
// it calls note with all texts and networks.
//
// Rows of a network or a time are deleted, and subtracted from the rollups that live as long as
// rows. The rollups that live longer know neither, so it first notes the sites and days: see
// report.Result.Erased. Texts are replaced in rows and sums by hit.Erased, titles,
// saved views and notes deleted, and settings of sites changed: see site.Site.Without.
// Inserts wait while rollups are corrected.
func (s *Store) Erase(ctx context.Context, chosen Choice, note func([]privacy.Chosen) error) error {
	if chosen.All() == 0 {
		return nil
	}
	c := chosen.of
	err := note(c.texts)
	if err != nil {
		return err
	}
	ctx = long(ctx)
	if c.OfTexts() {
		err = s.eraseTexts(ctx, c)
	} else {
		err = s.eraseRows(ctx, chosen.Held, c.rows())
	}
	if err != nil {
		return fmt.Errorf("erase by %s: %w", c.Kind(), err)
	}
	return nil
}

// eraseRows deletes the rows of a condition.
func (s *Store) eraseRows(ctx context.Context, held privacy.Held, where string) error {
	days := calendar.Range{From: calendar.DayOf(held.First) - 1, To: calendar.DayOf(held.Last) + 1}
	return s.deleteRows(ctx, days, func(ctx context.Context, tables []string) error {
		if err := s.conn.Exec(ctx, "INSERT INTO erased SELECT DISTINCT site, day FROM hits WHERE "+where); err != nil {
			return fmt.Errorf("note the days: %w", err)
		}
		err := s.schema.Hold(ctx, func(ctx context.Context) error {
			for _, r := range expiring() {
				if err := s.takeOut(ctx, r, where); err != nil {
					return err
				}
			}
			return nil
		})
		for _, table := range tables {
			if err == nil {
				err = s.mutate(ctx, table, where)
			}
		}
		return err
	})
}

// once are settings of an insert that corrects sums: it is one block, so that a process that
// is killed leaves all of it or nothing, and is not taken for an earlier one that was the same.
const once = " SETTINGS insert_deduplicate = 0, min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 0, max_insert_threads = 1"

// eraseTexts takes texts out of rows, sums and titles, and saved views and notes with one away.
func (s *Store) eraseTexts(ctx context.Context, c *choice) error {
	ctx, end := withDeadline(ctx, deleteTime)
	defer end()
	return s.schema.Rows(ctx, func(ctx context.Context, tables []string) error {
		parts := map[string][]string{} // of tables of sums
		for _, l := range append(sums(), monthly()) {
			var err error
			if parts[l.Table], err = s.partitions(ctx, l.Table, c.chosen(l.Places)); err != nil {
				return err
			}
		}
		months, err := s.monthsOf(ctx, c)
		if err != nil {
			return err
		}
		err = s.schema.Hold(ctx, func(ctx context.Context) error {
			for _, e := range c.erasures {
				for _, l := range sums() {
					if statement := l.Erase(e); statement != "" {
						if err := s.conn.Exec(ctx, statement+once); err != nil {
							return fmt.Errorf("correct %s: %w", l.Table, err)
						}
					}
				}
			}
			for _, month := range months { // a process may have been killed between daily and monthly
				_, heal := report.HealMonthly(month)
				if err := s.conn.Exec(ctx, heal+once); err != nil {
					return fmt.Errorf("correct the sums of %s: %w", month, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, e := range c.erasures {
			if where := e.Chosen(titlePlaces); where != "" {
				if err := s.mutate(ctx, "titles", where); err != nil {
					return fmt.Errorf("titles: %w", err)
				}
			}
			for _, table := range tables {
				if statement := e.Update(table); statement != "" {
					if err := s.conn.Exec(ctx, statement+" SETTINGS mutations_sync = 2"); err != nil {
						return fmt.Errorf("%s: %w", table, err)
					}
				}
			}
		}
		for table, some := range parts {
			if err := s.wipe(ctx, table, some); err != nil {
				return err
			}
		}
		for _, table := range append(tables, "titles") {
			if err := s.awaitWiped(ctx, table, calendar.Range{To: c.Days().To}); err != nil {
				return err
			}
		}
		if err := s.eraseWritten(ctx, c); err != nil {
			return err
		}
		return s.eraseSettings(ctx, c)
	})
}

func monthly() report.Lines {
	at := slices.IndexFunc(report.Rollups, func(r report.Rollup) bool { return r.Name == "monthly" })
	return report.Rollups[at].Lines()
}

// partitions returns the partitions of a table with lines of a condition.
func (s *Store) partitions(ctx context.Context, table, where string) (all []string, err error) {
	if where == "" {
		return nil, nil
	}
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT _partition_id FROM "+table+" WHERE "+where)
	if err != nil {
		return nil, fmt.Errorf("list the partitions of %s: %w", table, err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, fmt.Errorf("list the partitions of %s: %w", table, err)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// lastDay is the last that ClickHouse's type Date holds.
const lastDay = calendar.Day(65535)

// wipe merges partitions of a table of sums, so that lines whose sums are zero disappear, and
// waits until the parts that had them have left the disk.
func (s *Store) wipe(ctx context.Context, table string, partitions []string) error {
	if len(partitions) == 0 {
		return nil
	}
	for _, one := range partitions {
		if err := s.conn.Exec(ctx, "OPTIMIZE TABLE "+table+" PARTITION ID '"+one+"' FINAL"); err != nil {
			return fmt.Errorf("merge %s of %s: %w", one, table, err)
		}
	}
	return s.awaitWiped(ctx, table, calendar.Range{To: lastDay})
}

// monthsOf returns the months of which sums by day or month hold a text. One whose sums by month
// are deleted is not among them.
func (s *Store) monthsOf(ctx context.Context, c *choice) (all []calendar.Range, err error) {
	of := map[string]string{}
	for _, l := range append(sums(), monthly()) {
		of[l.Table] = c.chosen(l.Places)
	}
	if of["daily"] == "" {
		return nil, nil
	}
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT toUInt16(first) FROM (SELECT toStartOfMonth(day) AS first FROM daily WHERE "+of["daily"]+
		" UNION ALL SELECT month AS first FROM monthly WHERE "+of["monthly"]+") WHERE first IN (SELECT month FROM monthly)")
	if err != nil {
		return nil, fmt.Errorf("list the months: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var first uint16
		if err := rows.Scan(&first); err != nil {
			return nil, fmt.Errorf("list the months: %w", err)
		}
		all = append(all, calendar.Month(calendar.Day(first)))
	}
	return all, rows.Err()
}
