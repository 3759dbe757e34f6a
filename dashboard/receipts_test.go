package dashboard_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/retention/receipt"
)

// TestReceiptsPage: admins see every deletion, a hundred at a time, and whether the chain is
// whole.
func TestReceiptsPage(t *testing.T) {
	b := newBench(t)
	b.logInAdmin()
	page := b.get("/admin/receipts?lang=en")
	page.want(http.StatusOK)
	if got := clean(page.Find("main").Text()); !strings.Contains(got, "Nothing has been deleted yet") {
		t.Errorf("without receipts the page says %s", got)
	}
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32)))
	w := &receipt.Writer{
		Book: b.store, Key: func() (ed25519.PrivateKey, error) { return key, nil }, Program: "v1", Now: func() time.Time { return moment },
		Policy: func(context.Context) (json.RawMessage, error) { return json.RawMessage(`{}`), nil },
	}
	rows := int64(7)
	count := func(context.Context) (int64, error) { return rows, nil }
	remove := func(context.Context) error { rows = 0; return nil }
	for i := range 101 {
		d := receipt.Until(calendar.DayOf(moment) - 1096)
		switch i {
		case 99:
			d.Sites, d.Retention = []uint32{1, 3}, "90d"
		case 100:
			d.Kind, d.Below = receipt.Folding, 5
		}
		if _, _, err := w.Delete(t.Context(), d, count, remove); err != nil {
			t.Fatal(err)
		}
	}
	rows = 3
	if _, _, err := w.Delete(t.Context(), receipt.Deletion{Kind: receipt.Erasure, By: "text", From: "2026-01-01"}, count, remove); err != nil {
		t.Fatal(err)
	}
	page = b.get("/admin/receipts?lang=en")
	public, err := receipt.PublicText(key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	got := clean(page.Find("main").Text())
	for _, want := range []string{"All 102 receipts are whole, signed and in order", public, "Erased on request: text", "No. 102 · from 2026-01-01", "3 → 0", ", site 1 and 3, kept for 90 days", "Totals of few, fewer than 5"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
	if n := page.Find("tbody tr").Length(); n != 100 || strings.Contains(got, "7 → 0") {
		t.Errorf("the first page has %d lines", n)
	}
	older, _ := page.Find("a[rel=next]").Attr("href")
	page = b.get(older + "&lang=en")
	if got := clean(page.Find("tbody").Text()); page.Find("tbody tr").Length() != 2 || !strings.Contains(got, "7 → 0") {
		t.Errorf("%s has %s", older, got)
	}
	if _, ok := page.Find("a[rel=next]").Attr("href"); ok {
		t.Error("there is a page before the first receipt")
	}
	last, err := b.store.LastReceipt(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last.Text = []byte(strings.Replace(string(last.Text), `"number":102`, `"number":103`, 1))
	if err := b.store.AddReceipt(t.Context(), 103, *last); err != nil {
		t.Fatal(err)
	}
	if got := clean(b.get("/admin/receipts?lang=en").Find("main").Text()); !strings.Contains(got, "The chain of receipts is broken. receipt 103") {
		t.Errorf("of a changed receipt the page says %s", got)
	}
}
