package collector_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/collector"
)

// TestReceiptsForEverybody: the statement of a site names the keys of receipts and links to the
// archive, which is that of the store or nothing.
func TestReceiptsForEverybody(t *testing.T) {
	var failed error
	r := newRig(t, func(o *collector.Options) {
		o.Receipts = func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "the archive")
			return errors.Join(err, failed)
		}
		o.ReceiptKeys = func() []string { return []string{"MCowBQYDK2Vw"} }
	})
	page := r.get(request{target: "/privacy/1?lang=en"})
	href, _ := page.Find("a:contains(receipt)").Attr("href")
	if text := page.Find("main").Text(); !strings.HasSuffix(href, "1/receipts") || !strings.Contains(text, "The public key is MCowBQYDK2Vw (Ed25519)") {
		t.Errorf("the statement links to %q:\n%s", href, text)
	}
	if got := r.send(request{target: "/privacy/1/receipts"}); got.Code != http.StatusOK || got.Body.String() != "the archive" || got.Header().Get("Content-Type") != "application/x-tar" {
		t.Errorf("the archive is %d %q", got.Code, got.Body)
	}
	if got := r.send(request{target: "/privacy/9/receipts"}); got.Code != http.StatusNotFound {
		t.Errorf("of a site that does not exist: %d", got.Code)
	}
	failed = errors.New("the store is unavailable")
	if got := r.send(request{target: "/privacy/1/receipts"}); got.Code != http.StatusServiceUnavailable || strings.Contains(got.Body.String(), "the archive") {
		t.Errorf("without a store: %d %q", got.Code, got.Body)
	}
}
