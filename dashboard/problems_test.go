package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/httpmetrics"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// TestProblems: all that is refused has a code where JSON is asked for, and elsewhere a page in
// the reader's language.
func TestProblems(t *testing.T) {
	b := newBench(t)
	b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	b.stay()
	const foreign = "cross-site"
	asks := []string{"Accept", "application/json, text/plain, */*"}
	browser := []string{"Accept", "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"}
	b.addUser("ola", site.Viewer, "en annen lang setning")
	wrong := url.Values{"name": {"ola"}, "password": {"feil"}}
	large := url.Values{"name": {strings.Repeat("x", 20<<10)}}
	for b.post("/login", wrong).status != http.StatusTooManyRequests {
	}
	type request struct {
		method, path, site string
		form               url.Values
		headers            []string
	}
	cases := []struct {
		name   string
		ask    request
		status int
		code   string // of JSON; "": a page
		text   string // key of what a page says; "": another page than that of problems
		allow  string
	}{
		{"too many, page", request{"POST", "/login", "", wrong, nil}, 429, "", "", ""},
		{"too many, program", request{"POST", "/login", "", wrong, asks}, 429, "too_many", "", ""},
		{"forged, API", request{"POST", "/api/v1/sites", foreign, nil, nil}, 403, "cross_origin", "", ""},
		{"forged, no such API", request{"DELETE", "/api", foreign, nil, nil}, 403, "cross_origin", "", ""},
		{"forged, .json", request{"POST", "/sites/1/pages.json", foreign, nil, nil}, 403, "cross_origin", "", ""},
		{"forged, a program's form", request{"POST", "/logout", foreign, nil, asks}, 403, "cross_origin", "", ""},
		{"forged, page", request{"POST", "/logout", foreign, nil, browser}, 403, "", "problem.cross_origin", ""},
		{"forged, page without Accept", request{"POST", "/sites/1/notes", foreign, nil, nil}, 403, "", "problem.cross_origin", ""},
		{"method, API", request{"POST", "/api/v1/sites/1/top", "", nil, nil}, 401, "no_session", "", ""}, // nobody is logged in
		{"method, page", request{"DELETE", "/sites/1/pages", "", nil, browser}, 405, "", "problem.bad_method", "GET, HEAD"},
		{"method, CSV", request{"PUT", "/sites/1/pages.csv", "", nil, nil}, 405, "", "problem.bad_method", "GET, HEAD"},
		{"method, JSON", request{"PUT", "/sites/1/pages.json", "", nil, nil}, 405, "bad_method", "", "GET, HEAD"},
		{"method, form", request{"PUT", "/login", "", nil, nil}, 405, "", "problem.bad_method", "GET, HEAD, POST"},
		{"method, only posted", request{"GET", "/logout", "", nil, asks}, 405, "bad_method", "", "POST"},
		{"no such page", request{"GET", "/nowhere", "", nil, nil}, 404, "", "problem.not_found", ""},
		{"no such page, program", request{"GET", "/nowhere", "", nil, asks}, 404, "not_found", "", ""},
		{"no such JSON", request{"GET", "/nowhere.json", "", nil, nil}, 404, "not_found", "", ""},
		{"no API", request{"GET", "/api", "", nil, nil}, 401, "no_session", "", ""},
		{"no log-in, page for a program", request{"GET", "/sites/1", "", nil, asks}, 401, "no_session", "", ""},
		{"large, page", request{"POST", "/login", "", large, nil}, 413, "", "problem.too_large", ""},
		{"large, program", request{"POST", "/login", "", large, asks}, 413, "too_large", "", ""},
		{"password, page", request{"POST", "/login", "", wrong, browser}, 403, "", "", ""},
		{"password, program", request{"POST", "/login", "", wrong, asks}, 403, "bad_password", "", ""},
	}
	for _, tt := range cases {
		for _, l := range []string{"nb", "nn", "en"} {
			headers := append([]string{"Accept-Language", l, "Content-Type", "application/x-www-form-urlencoded"}, tt.ask.headers...)
			if tt.status != http.StatusTooManyRequests {
				b.now = b.now.Add(24 * time.Hour)
			}
			if tt.ask.site != "" {
				headers = append(headers, "Sec-Fetch-Site", tt.ask.site)
			}
			got := b.request(tt.ask.method, tt.ask.path, strings.NewReader(tt.ask.form.Encode()), headers...)
			if got.status != tt.status || got.header.Get("Allow") != tt.allow {
				t.Errorf("%s: status %d, Allow %q, want %d, %q", tt.name, got.status, got.header.Get("Allow"), tt.status, tt.allow)
			}
			isProblem(t, tt.name, got.header, got.body, l, tt.code, tt.text)
		}
	}
	b.client.CheckRedirect = nil
	b.logIn()
	if got := b.post("/api/v1/sites/1/top", nil); got.status != 405 || got.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("a method that the API does not have: %d, %q", got.status, got.body)
	}
}

// isProblem checks that an answer is the API's with a code, or else a page that says a text.
func isProblem(t *testing.T, name string, header http.Header, body, language, code, text string) {
	t.Helper()
	l := i18n.Find(language)
	if code == "" {
		if !strings.HasPrefix(header.Get("Content-Type"), "text/html") || !strings.Contains(body, `<html lang="`+language+`"`) {
			t.Errorf("%s, %s: no page in the language: %.200s", name, language, body)
		}
		if text != "" && !strings.Contains(strings.ReplaceAll(body, "&#39;", "'"), l.Say(text)) {
			t.Errorf("%s, %s: the page does not say %q", name, language, l.Say(text))
		}
		return
	}
	var got struct{ Code, Error string }
	if err := json.Unmarshal([]byte(body), &got); err != nil || header.Get("Content-Type") != "application/json" || got.Code != code || got.Error != l.Say("problem."+code) {
		t.Errorf("%s, %s: %s %q, %v, want %s and its text", name, language, header.Get("Content-Type"), body, err, code)
	}
}

// TestPanics: a handler that panics is counted as an answer with 500, and who asked gets a problem
// of their format in their language.
func TestPanics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	b := newBench(t, func(o *dashboard.Options) {
		o.Requests = httpmetrics.New(registry)
		o.Attribution = func() (string, string) { panic("secret") }
		o.Figures = brokenFigures{}
	})
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")
	put(t, b.store, "story", rowsOf(site, tell(3, site, calendar.DayOf(moment)-20, calendar.DayOf(moment), 5, moment)))
	b.addUser(userName, "admin", userPass)
	handler := routes(b.dashboard)
	b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				b.dashboard.AnswerPanic(w, r)
			}
		}()
		handler.ServeHTTP(w, r)
	})
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.post("/login", url.Values{"name": {userName}, "password": {userPass}}).want(http.StatusSeeOther)
	want := map[string]uint64{}
	for path, tt := range map[string]struct{ handler, code string }{
		"/account":                               {"/account", ""},
		"/sites/1/pages?period=28d":              {"/sites/{id}/pages", ""},
		"/sites/1/pages.csv?period=28d":          {"/sites/{id}/pages.csv", ""},
		"/sites/1/pages.json?period=28d":         {"/sites/{id}/pages.json", "internal"},
		"/api/v1/sites/1/totals?period=28d":      {"/api/v1/sites/{id}/totals", "internal"},
		"/api/v1/sites/1/top?dimension=page&at=": {"/api/v1/sites/{id}/top", "internal"},
	} {
		for _, l := range []string{"nb", "nn", "en"} {
			got := b.get(path, "Accept-Language", l)
			got.want(http.StatusInternalServerError)
			isProblem(t, path, got.header, got.body, l, tt.code, "problem.internal")
			if strings.Contains(got.body, "secret") || got.header.Get("Content-Disposition") != "" || got.header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s is answered %v %.200s", path, got.header, got.body)
			}
		}
		want[tt.handler] = 3
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]uint64{}
	for _, m := range families[0].GetMetric() {
		if labels := m.GetLabel(); labels[0].GetValue() == "500" { // code comes before handler
			counted[labels[1].GetValue()] = m.GetHistogram().GetSampleCount()
		}
	}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Errorf("answers with 500 (-want +counted):\n%s", diff)
	}
}

// brokenFigures panics instead of an answer.
type brokenFigures struct{}

func (brokenFigures) Ask(context.Context, []report.Query) ([]report.Result, error) { panic("secret") }

// TestRefuseBody: bodies that are not read to their end are refused like everything else.
func TestRefuseBody(t *testing.T) {
	b := newBench(t)
	for status, code := range map[int]string{400: "bad_request", 408: "too_slow", 413: "too_large", 503: "crowded"} {
		for path, code := range map[string]string{"/api/v1/sites": code, "/login": ""} {
			w, r := httptest.NewRecorder(), httptest.NewRequest("POST", path, nil)
			r.Header.Set("Accept-Language", "nn")
			b.dashboard.RefuseBody(w, r, status, errors.New("body: refused"))
			if w.Code != status || w.Header().Get("Content-Security-Policy") == "" {
				t.Errorf("%s: status %d, want %d", path, w.Code, status)
			}
			isProblem(t, path, w.Header(), w.Body.String(), "nn", code, "problem."+map[int]string{400: "bad_request", 408: "too_slow", 413: "too_large", 503: "crowded"}[status])
		}
	}
}
