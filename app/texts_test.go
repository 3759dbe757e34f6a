package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/app"
)

// TestTexts: a language that an operator laid is one to choose, by the browser or by hand, and
// other languages have the texts that it replaced. The statement has the languages of the program.
func TestTexts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"da.json": `{"nav.pages": "Sider & <b>veje</b>", "footer": "Fotspor tæller besøg.", "logout": "Log ud"}`,
		"nb.json": `{"logout": "Ut herfra"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, time.Date(2026, 10, 23, 12, 0, 0, 0, time.UTC), func(o *app.Options) { o.Texts = dir })
	if out, errs, status := command(t, "", "site", "add", "--data", p.opts.Data, "--host", "example.org"); status != 0 {
		t.Fatalf("site add: %q, %q", out, errs)
	}
	p.awaitSite(1)
	p.setUp()
	page := func(path, accepts string) *goquery.Document {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.public+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Language", accepts)
		resp, err := p.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		doc, err := goquery.NewDocumentFromReader(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
		}
		return doc
	}
	for _, c := range []struct{ accepts, path, language, logout, pages string }{
		{"da-DK,da;q=0.9", "/sites/1", "da", "Log ud", "Sider & <b>veje</b>"},
		{"nb", "/sites/1", "nb", "Ut herfra", "Sider"},
		{"en", "/sites/1", "en", "Log out", "Pages"},
		{"en", "/sites/1?lang=da", "da", "Log ud", "Sider & <b>veje</b>"},
	} {
		doc := page(c.path, c.accepts)
		if got := doc.Find("html").AttrOr("lang", ""); got != c.language {
			t.Errorf("to %s, %s speaks %q, want %q", c.accepts, c.path, got, c.language)
		}
		if got := strings.TrimSpace(doc.Find(".tools form button").Text()); got != c.logout {
			t.Errorf("%s: %q, want %q", c.accepts, got, c.logout)
		}
		if got := doc.Find(".rail a").Eq(1).Text(); got != c.pages {
			t.Errorf("%s: the second page is %q, want %q", c.accepts, got, c.pages)
		}
		if c.language == "da" { // what it lacks is in bokmål
			if got := doc.Find(".rail a").Eq(4).Text(); got != "Finner de fram?" {
				t.Errorf("a text that is not laid is %q", got)
			}
		} else if got := doc.Find("a[hreflang=da]").Text(); got != "Dansk" {
			t.Errorf("%s: the choice of Danish is %q", c.accepts, got)
		}
	}
	if got := page("/privacy/1", "da").Find("html").AttrOr("lang", ""); got != "nb" {
		t.Errorf("the statement speaks %q to a Dane", got)
	}
}
