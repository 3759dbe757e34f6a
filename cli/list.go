package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"
)

// list writes records: by --json an object a line, on a terminal a table under headings, and
// else lines with a tab between fields.
type list struct {
	out     io.Writer
	columns []string
	asJSON  bool
	table   *tabwriter.Writer // nil: no terminal
}

// list returns a list on standard output. A name of a column is a key of JSON, and in capital
// letters a heading.
func (c *call) list(columns ...string) *list {
	l := &list{out: c.Stdout, columns: columns, asJSON: c.asJSON}
	if f, ok := c.Stdout.(*os.File); ok && !c.asJSON && term.IsTerminal(int(f.Fd())) {
		l.align()
	}
	return l
}

// align makes the list a table.
func (l *list) align() {
	l.table = tabwriter.NewWriter(l.out, 0, 0, 2, ' ', 0)
	l.out = l.table
	headings := strings.ToUpper(strings.Join(l.columns, "\t"))
	fmt.Fprintln(l.table, strings.NewReplacer("-", " ", "_", " ").Replace(headings))
}

// add writes a record with a value for each column. Times are in UTC.
func (l *list) add(values ...any) error {
	for i, v := range values {
		if at, ok := v.(time.Time); ok {
			values[i] = at.UTC().Format(time.RFC3339)
		}
	}
	if l.asJSON {
		return l.addObject(values)
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	_, err := fmt.Fprintln(l.out, strings.Join(texts, "\t"))
	return err
}

// addObject writes a record with its keys in the order of the columns.
func (l *list) addObject(values []any) error {
	var b bytes.Buffer
	for i, v := range values {
		key, _ := json.Marshal(strings.ReplaceAll(l.columns[i], "-", "_"))
		value, err := json.Marshal(v)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, ",%s:%s", key, value)
	}
	_, err := fmt.Fprintf(l.out, "{%s}\n", b.Bytes()[1:])
	return err
}

// flush writes what the columns of a table waited for.
func (l *list) flush() error {
	if l.table == nil {
		return nil
	}
	return l.table.Flush()
}
