package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// TestDirect: direct answers every request as the mux does.
func TestDirect(t *testing.T) {
	mux := http.NewServeMux()
	for _, pattern := range []string{"GET /hit", "POST /hit", "GET /js/{$}", "POST /js/", "GET /file/{name}", "/"} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s, %s, %q", pattern, r.Pattern, r.PathValue("name"))
		})
	}
	paths := []string{"/hit", "/js/", "/file/a", "/js", "/nothing"}
	short := direct(mux, slices.Values(paths))
	for _, method := range []string{"GET", "POST", "HEAD", "PUT", "OPTIONS"} {
		for _, target := range append(paths, "/", "/hit?a=b", "/js%2F", "/%68it", "//hit", "/js/other", "/file/b") {
			want, got := httptest.NewRecorder(), httptest.NewRecorder()
			mux.ServeHTTP(want, httptest.NewRequest(method, target, nil))
			short.ServeHTTP(got, httptest.NewRequest(method, target, nil))
			if got.Code != want.Code || got.Body.String() != want.Body.String() {
				t.Errorf("%s %s: %d %s, want %d %s", method, target, got.Code, got.Body, want.Code, want.Body)
			}
		}
	}
}
