package cli

import (
	"bytes"
	"testing"
	"time"
)

// TestList: the same records as lines with tabs, as JSON, and as a table.
func TestList(t *testing.T) {
	at := time.Date(2026, 11, 27, 1, 2, 3, 4, time.FixedZone("", 3600))
	for name, c := range map[string]struct {
		asJSON, terminal bool
		want             string
	}{
		"lines": {want: "1\tBlåbær\t2026-11-27T00:02:03Z\n100\ta \"b\"\t2026-11-27T00:02:03Z\n"},
		"JSON": {asJSON: true, want: `{"id":1,"path_rules":"Blåbær","born":"2026-11-27T00:02:03Z"}
{"id":100,"path_rules":"a \"b\"","born":"2026-11-27T00:02:03Z"}
`},
		"table": {terminal: true, want: "" +
			"ID   PATH RULES  BORN\n" +
			"1    Blåbær      2026-11-27T00:02:03Z\n" +
			"100  a \"b\"       2026-11-27T00:02:03Z\n"},
	} {
		var out bytes.Buffer
		l := (&call{Env: Env{Stdout: &out}, arguments: arguments{asJSON: c.asJSON}}).list("id", "path-rules", "born")
		if c.terminal {
			l.align()
		}
		for _, values := range [][]any{{1, "Blåbær", at}, {uint32(100), `a "b"`, at}} {
			if err := l.add(values...); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.flush(); err != nil || out.String() != c.want {
			t.Errorf("%s: %v,\n%s\nwant\n%s", name, err, out.String(), c.want)
		}
	}
}
