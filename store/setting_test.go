package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store/storetest"
)

// TestSettings: the last line holds, each line stays with who and since when, and setting
// what holds already adds none.
func TestSettings(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	if got, err := st.PublicURL(ctx); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("public URL of a new store = %+v, %v, want ErrNotFound", got, err)
	}
	kari := audit.As(ctx, audit.Actor{Via: audit.Page, Name: "kari"})
	for _, step := range []struct {
		as   context.Context
		url  string
		who  string
		rows string
	}{
		{ctx, "https://a.example", "", "1"},
		{kari, "https://a.example", "", "1"},
		{kari, "https://b.example/'\t\\", "kari", "2"},
		{ctx, "https://a.example", "", "3"},
	} {
		if err := st.SetPublicURL(step.as, step.url); err != nil {
			t.Fatal(err)
		}
		got, err := st.PublicURL(ctx)
		if err != nil || got.Value != step.url || got.Who != step.who || time.Since(got.Since).Abs() > time.Hour {
			t.Errorf("public URL = %+v, %v, want %q by %q", got, err, step.url, step.who)
		}
		if n := query(t, st, "SELECT count() FROM settings"); n != step.rows {
			t.Errorf("%s lines, want %s", n, step.rows)
		}
		if n := query(t, st, "SELECT count() FROM audit WHERE action = 'setting changed'"); n != step.rows {
			t.Errorf("%s lines of the audit log, want %s", n, step.rows)
		}
	}
}
