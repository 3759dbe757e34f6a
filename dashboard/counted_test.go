package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
)

// TestCounted: a preview has longer than other requests, and says that it is not counted once it
// has had its time. What fails otherwise is an error.
func TestCounted(t *testing.T) {
	broken := errors.New("broken")
	for what, c := range map[string]struct {
		takes, whole time.Duration // of the count, and of the call
		fails, want  error
		says         string
	}{
		"at once":              {0, time.Hour, nil, nil, "policy.titles"},
		"longer than requests": {requestTimeout * 4, time.Hour, nil, nil, "policy.titles"},
		"too long":             {time.Hour, 2 * time.Hour, nil, nil, "policy.uncounted"},
		"broken":               {time.Second, time.Hour, broken, broken, ""},
		"the reader has left":  {time.Hour, time.Second, nil, context.DeadlineExceeded, ""},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.whole)
				defer cancel()
				call := &call{w: httptest.NewRecorder(), r: httptest.NewRequestWithContext(ctx, http.MethodPost, "/admin/policy", nil), lang: i18n.Find("en")}
				_, says, err := (&Dashboard{}).counted(call, func(ctx context.Context) (privacy.Preview, error) {
					select {
					case <-time.After(c.takes):
						return privacy.Preview{Titles: privacy.Held{Rows: 7}}, c.fails
					case <-ctx.Done():
						return privacy.Preview{}, ctx.Err()
					}
				})
				if !errors.Is(err, c.want) || c.want == nil && err != nil {
					t.Fatalf("error %v, want %v", err, c.want)
				}
				want := ""
				switch c.says {
				case "policy.titles":
					want = call.lang.Counted(c.says, 7)
				case "policy.uncounted":
					want = call.lang.Say(c.says)
				}
				if text := strings.Join(says, " "); !strings.Contains(text, want) || strings.Contains(text, call.lang.Say("policy.rows.none")) && c.says == "policy.uncounted" {
					t.Errorf("says %q, want %q", text, want)
				}
			})
		})
	}
}
