package collector_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fotspor/fotspor/collector/dialect/matomo"
)

// TestNoNameFromAUserAgent: for any name in User-Agent or hints, rows and lines of the ledger
// have only names from our tables.
func TestNoNameFromAUserAgent(t *testing.T) {
	r := newRig(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		name := "Kari" + rapid.StringMatching(`[A-Za-z]{0,8}( Browser|bot|-crawler|App|Phone|TV|/|)`).Draw(t, "name")
		agent := rapid.SampledFrom([]string{
			"NAME", "NAME/2", "NAME Browser/2", "Mozilla/5.0 (compatible; NAME/1.0; +https://example.org)", firefox + " NAME/2", chrome + " NAME",
			strings.Replace(chrome, "Chrome/", "NAME/2 Chrome/", 1), strings.Replace(safari, "iPhone;", "NAME;", 1), "Mozilla/5.0 (NAME)",
			"Mozilla/5.0 (X11; U; Linux i686; en-US; rv:1.9) Gecko/20080630 NAME/2", "Opera/9.80 (NAME; U) Presto/2.12 Version/12.16 NAME/3",
			"Mozilla/5.0 (Linux; Android 15; NAME; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/138.0.0.0 Mobile Safari/537.36 NAME/3",
			"Mozilla/5.0 (PlayStation; NAME) NAME/8", "NAME Mozilla/5.0 (NAME) NAMEbrowser/3", chrome, "",
		}).Draw(t, "agent")
		q := request{target: "/matomo.php"}.make()
		query := url.Values{"idsite": {"1"}, "rec": {"1"}, "url": {"/"}}
		agent = strings.ReplaceAll(agent, "NAME", name)
		if rapid.Bool().Draw(t, "ua") {
			query.Set("ua", agent)
			query.Set("uadata", fmt.Sprintf(`{"brands":[{"brand":%q,"version":"7"}],"platform":%q}`, name, name))
		} else {
			q.Header.Set("User-Agent", agent)
			q.Header.Set("Sec-Ch-Ua", fmt.Sprintf("%q;v=\"7\", \"Chromium\";v=\"138\"", name))
			q.Header.Set("Sec-Ch-Ua-Platform", fmt.Sprintf("%q", name))
		}
		query.Set("lang", rapid.SampledFrom([]string{"kari", "ka-KARI", "Kari"}).Draw(t, "lang"))
		q.URL.RawQuery = query.Encode()
		batch, err := r.Batch(matomo.Dialect{}, q)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%+v", batch); batch.Len() != 1 || strings.Contains(strings.ToLower(text), "kari") {
			t.Fatalf("%q left %s", agent, text)
		}
	})
}
