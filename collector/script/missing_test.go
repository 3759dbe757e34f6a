package script

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMissingBundle(t *testing.T) {
	w := httptest.NewRecorder()
	serve("no-such.js").ServeHTTP(w, httptest.NewRequest("GET", "/fotspor.js", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("%d %q, want 500 and what to do", w.Code, w.Body)
	}
	if c := w.Header().Get("Cache-Control"); c != "" {
		t.Errorf("an error is cached: %q", c)
	}
}
