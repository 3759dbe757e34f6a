package store_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/store"
)

// query returns the answer to a query as tab-separated text.
func query(t *testing.T, st *store.Store, sql string) string {
	t.Helper()
	var out strings.Builder
	if err := st.Query(t.Context(), sql, "", &out); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// number reads a whole number.
func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func decodeRow(t *testing.T, text string) map[string]any {
	t.Helper()
	row := map[string]any{}
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return row
}

// snake turns the name of a field into that of its column.
func snake(name string) string {
	if name == "OS" {
		return "os"
	}
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// answer asks one question of the figures.
func answer(ctx context.Context, st *store.Store, query report.Query) ([]report.Result, error) {
	figures := store.Reports{Store: st, Planner: func() report.Planner { return report.Planner{} }}
	return figures.Ask(ctx, []report.Query{query})
}
