package optout_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nethtml "golang.org/x/net/html"

	"github.com/fotspor/fotspor/collector/optout"
	"github.com/fotspor/fotspor/i18n"
)

const (
	frameURL  = "/index.php?module=CoreAdminHome&action=optOut"
	scriptURL = "/index.php?module=CoreAdminHome&action=optOutJS"
)

var whole = optout.Box{Server: "https://stats.example.org", Asked: "http://10.0.0.1", Site: 7, Heeds: true}

// answer skips the test where the scripts are not built.
func answer(t *testing.T, box optout.Box, serve func(optout.Box, http.ResponseWriter, *http.Request), r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	box.Query = r.URL.Query()
	serve(box, w, r)
	if w.Code == http.StatusInternalServerError && strings.Contains(w.Body.String(), "make build") {
		if os.Getenv("CI") == "true" {
			t.Fatal(w.Body)
		}
		t.Skip("SKIPPED: " + w.Body.String())
	}
	return w
}

type settings struct {
	DivID        string `json:"divId"`
	Language     string
	Intro, Heeds bool
	Style        map[string]string
	Privacy      string
	Server       string
	CookieDomain string
	CookiePath   string
}

// TestScriptSettings: what strangers write in the address of the script becomes text in
// it, or nothing.
func TestScriptSettings(t *testing.T) {
	plain := settings{DivID: "matomo-opt-out", Intro: true, Heeds: true, Privacy: "https://stats.example.org/privacy/7", Server: "http://10.0.0.1/", Style: map[string]string{}}
	with := func(change func(*settings)) settings {
		s := plain
		change(&s)
		return s
	}
	for query, want := range map[string]settings{
		"":                          plain,
		"divId=x&language=nb":       with(func(s *settings) { s.DivID, s.Language = "x", "nb" }),
		"language=auto&showIntro=0": with(func(s *settings) { s.Intro = false }),
		"divId=" + url.QueryEscape(`</script><script>alert(1)</script>`): with(func(s *settings) { s.DivID = `</script><script>alert(1)</script>` }),
		"divId=" + url.QueryEscape(`"};alert(1);//`+"\u2028"):            with(func(s *settings) { s.DivID = `"};alert(1);//` + "\u2028" }),
		"divId=" + strings.Repeat("a", 201):                              plain,
		"backgroundColor=FFFFFF&fontColor=123&fontSize=1.5em&fontFamily=" + url.QueryEscape(`"Open Sans", Arial`): with(func(s *settings) {
			s.Style = map[string]string{"backgroundColor": "#FFFFFF", "color": "#123", "fontSize": "1.5em", "fontFamily": "Open Sans, Arial"}
		}),
		"backgroundColor=" + url.QueryEscape("fff;background:url(//x)") + "&fontColor=ffff&fontSize=" + url.QueryEscape("1px;x:y") + "&fontFamily=" + url.QueryEscape("a;}*{"): plain,
		"backgroundColor=red&fontSize=12&fontFamily=" + url.QueryEscape(`x\22`):                                                                                                plain,
		"cookieDomain=*.example.org&cookiePath=/a":                                                              with(func(s *settings) { s.CookieDomain, s.CookiePath = ".example.org", "/a" }),
		"cookieDomain=" + url.QueryEscape("x;secure") + "&cookiePath=" + url.QueryEscape("/a b\r\nSet-Cookie:"): plain,
	} {
		w := answer(t, whole, optout.Box.ServeScript, httptest.NewRequest("GET", scriptURL+"&"+query, nil))
		js := w.Body.String()
		first, _, _ := strings.Cut(js, "\n")
		text, ok := strings.CutPrefix(strings.TrimSuffix(first, ";"), "(()=>{const settings=")
		var got settings
		if err := json.Unmarshal([]byte(text), &got); err != nil || !ok {
			t.Fatalf("%s: %v in %.200s", query, err, first)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
		if strings.ContainsAny(text, "<>\u2028") {
			t.Errorf("%s: %.200s", query, text)
		}
		for name, value := range map[string]string{"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "no-store"} {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
}

// TestFrame: the page says where the visitor stands, in the language that is asked for.
func TestFrame(t *testing.T) {
	const counted, left, leftHere, objects, lost = "are counted, without", "are not counted", "to the address of this box are not counted", "asks websites not to track", "did not keep the choice"
	for _, tt := range []struct {
		box           optout.Box
		query, accept string
		want          []string
		not           string
	}{
		{whole, "", "", []string{`lang="en"`, counted, "Do not count my visits", "13 months", `href="privacy/7?lang=en"`}, left},
		{optout.Box{Site: 7, Out: true}, "", "", []string{leftHere, "Count my visits", `value="0"`}, counted},
		{optout.Box{Site: 7, Out: true}, "", "", []string{"If it sends them to another address"}, "Your visits to this website are not counted"},
		{optout.Box{Heeds: true, Objects: true}, "", "", []string{objects}, "<form"},
		{optout.Box{Objects: true}, "", "", []string{counted, "<form"}, "privacy/"},
		{whole, "&chosen=1", "", []string{lost}, left},
		{optout.Box{Out: true}, "&chosen=0", "", []string{lost}, ""},
		{optout.Box{Out: true}, "&chosen=1", "", []string{leftHere}, lost},
		{whole, "&chosen=0", "", []string{counted}, lost},
		{whole, "&language=nb", "en", []string{`lang="nb"`, "telles, uten", "med mindre nettstedet selv har lagret et valg", `href="privacy/7?lang=nb"`}, ""},
		{whole, "&language=no", "", []string{`lang="nb"`}, ""},
		{whole, "&language=nn", "", []string{`lang="nn"`, "blir talde", "med mindre nettstaden sjølv har lagra eit val"}, ""},
		{whole, "&language=auto", "nn-NO,nn;q=0.9,nb;q=0.8", []string{`lang="nn"`}, ""},
		{whole, "", "nb-NO,nb;q=0.9,en;q=0.8", []string{`lang="nb"`}, ""},
		{whole, "", "sv-SE", []string{`lang="nb"`}, ""},
		{whole, "&language=auto", "en", []string{`lang="en"`}, ""},
		{whole, "&language=nn&language=auto", "en", []string{`lang="nn"`}, ""},
		{whole, "&language=fr", "fr", []string{`lang="en"`}, ""},
		{whole, "&language=%22%3E%3Cscript%3E", "x;;", []string{`lang="en"`}, "%22&gt;"},
		{whole, "&showIntro=0", "", []string{counted}, "<p>The choice is kept"},
		{whole, "&backgroundColor=FAFAFA&fontSize=12px&fontFamily=Arial", "", []string{"background-color: #FAFAFA; font-size: 12px; font-family: Arial; }"}, ""},
		{whole, "&backgroundColor=FAFAFA&applyStyling=0", "", nil, "#FAFAFA"},
		{whole, "&fontFamily=" + url.QueryEscape("x}</style><script>alert(1)</script>"), "", nil, "alert(1)"},
		{whole, "&x=" + url.QueryEscape(`"><script>alert(1)</script>`), "", nil, "<script>alert"},
	} {
		r := httptest.NewRequest("GET", frameURL+tt.query, nil)
		r.Header.Set("Accept-Language", tt.accept)
		w := answer(t, tt.box, optout.Box.ServeFrame, r)
		page, _, _ := strings.Cut(w.Body.String(), "<script nonce")
		visible := regexp.MustCompile(`data-settings="[^"]*"`).ReplaceAllString(page, "") // which holds all texts
		for _, want := range tt.want {
			if !strings.Contains(visible, want) {
				t.Errorf("%+v %s: no %q in %s", tt.box, tt.query, want, visible)
			}
		}
		if tt.not != "" && strings.Contains(visible, tt.not) {
			t.Errorf("%+v %s: %q in %s", tt.box, tt.query, tt.not, visible)
		}
		set := regexp.MustCompile(`data-settings="([^"]*)"`).FindStringSubmatch(page)
		if set == nil || !json.Valid([]byte(html.UnescapeString(set[1]))) {
			t.Errorf("%s: settings %q", tt.query, set)
		}
	}

	w := answer(t, whole, optout.Box.ServeFrame, httptest.NewRequest("GET", frameURL, nil))
	csp := w.Header().Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`script-src 'nonce-(\w{20,})'`).FindStringSubmatch(csp)
	if nonce == nil || strings.Count(w.Body.String(), `nonce="`+nonce[1]+`"`) != 2 || !strings.Contains(csp, "default-src 'none'") || !strings.HasSuffix(csp, "frame-ancestors *") {
		t.Errorf("Content-Security-Policy %q", csp)
	}
	if w.Header().Get("Cross-Origin-Resource-Policy") != "cross-origin" || w.Header().Get("Cross-Origin-Embedder-Policy") != "require-corp" || w.Header().Get("X-Frame-Options") != "" {
		t.Errorf("%v", w.Header())
	}
	if again := answer(t, whole, optout.Box.ServeFrame, httptest.NewRequest("GET", frameURL, nil)); again.Header().Get("Content-Security-Policy") == csp {
		t.Error("a nonce is used twice")
	}
}

// TestChoose: a form, or the script, keeps a choice in a cookie for 13 months, which says
// nothing else.
func TestChoose(t *testing.T) {
	post := func(body, fetchSite, origin string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "https://stats.example"+frameURL+"&language=nb", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range map[string]string{"Sec-Fetch-Site": fetchSite, "Origin": origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		return answer(t, whole, optout.Box.ServeFrame, r)
	}
	w := post("out=1", "same-origin", "https://stats.example")
	if got, want := w.Header()["Set-Cookie"], "mtm_consent_removed=1; Path=/; Max-Age=34128000; Secure; SameSite=None; Partitioned"; len(got) != 1 || got[0] != want {
		t.Errorf("cookies %q, want %q", got, want)
	}
	if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || to != "?action=optOut&chosen=1&language=nb&module=CoreAdminHome" {
		t.Errorf("%d, to %q", w.Code, to)
	}
	w = post("out=0", "", "https://stats.example") // as older browsers send it
	if got := strings.Join(w.Header()["Set-Cookie"], "\n"); strings.Count(got, "Max-Age=0") != 6 || strings.Contains(got, "=1") ||
		!strings.Contains(got, "matomo_ignore=;") || !strings.Contains(got, "piwik_ignore=;") || !strings.Contains(got, "mtm_consent_removed=;") {
		t.Errorf("cookies %s, want all gone", got)
	}
	for _, tt := range []struct {
		body, fetchSite, origin string
		want                    int
		says                    string
	}{
		{"out=1", "cross-site", "https://evil.example", http.StatusForbidden, "cross_origin"},
		{"out=1", "same-site", "https://www.example", http.StatusForbidden, "cross_origin"},
		{"out=1", "", "https://evil.example", http.StatusForbidden, "cross_origin"},
		{"out=1", "cross-site", "null", http.StatusForbidden, "cross_origin"},
		{"", "same-origin", "", http.StatusBadRequest, "bad_form"},
		{"out=maybe", "same-origin", "", http.StatusBadRequest, "bad_form"},
		{"x=" + strings.Repeat("a", 2000) + "&out=1", "same-origin", "", http.StatusBadRequest, "bad_form"},
	} {
		w := post(tt.body, tt.fetchSite, tt.origin)
		says := i18n.Find("nb").Known("visitor.", tt.says)
		if page := w.Body.String(); !strings.Contains(page, `<html lang="nb">`) || !strings.Contains(page, says) || !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors *") {
			t.Errorf("%.20s from %q %q says %q, want %q, in any frame", tt.body, tt.fetchSite, tt.origin, page, says)
		}
		if w.Code != tt.want || len(w.Header()["Set-Cookie"]) != 0 {
			t.Errorf("%.20s from %q %q: %d, cookies %q, want %d", tt.body, tt.fetchSite, tt.origin, w.Code, w.Header()["Set-Cookie"], tt.want)
		}
	}
}

// FuzzBox: for any address, the frame has one script and one style sheet, those
// of the program, and the script begins with settings that end where they should.
func FuzzBox(f *testing.F) {
	for _, seed := range []string{
		"", "&language=nb&showIntro=0&fontSize=12px", "&divId=</script>", "&fontFamily=x}</style>", "&x=\"><img src=x onerror=y>", "&chosen=1&idsite=7",
		"&backgroundColor=fff;&cookieDomain=;&cookiePath=\n", "&divId=\u2028", "&%zz=;", "&divId=\xff", "&language=%00",
	} {
		f.Add(seed, "nb,en;q=0.5")
	}
	f.Fuzz(func(t *testing.T, query, accept string) {
		r := httptest.NewRequest("GET", frameURL, nil)
		r.URL.RawQuery += query
		r.Header["Accept-Language"] = []string{accept}
		w := answer(t, whole, optout.Box.ServeFrame, r)
		page, err := nethtml.Parse(w.Body)
		if err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d, %v", w.Code, err)
		}
		count := map[string]int{}
		for node := range page.Descendants() {
			if node.Type != nethtml.ElementNode {
				continue
			}
			count[node.Data]++
			for _, attribute := range node.Attr {
				if strings.HasPrefix(attribute.Key, "on") || (attribute.Key == "href" || attribute.Key == "src") && !strings.HasPrefix(attribute.Val, "privacy/7?lang=") {
					t.Errorf("%s has %s=%q", node.Data, attribute.Key, attribute.Val)
				}
			}
			if text := node.FirstChild; node.Data == "style" && (strings.Count(text.Data, "{") != 3 || strings.Contains(text.Data, "url(")) {
				t.Errorf("style %q", text.Data)
			}
		}
		if count["script"] != 1 || count["style"] != 1 || count["img"]+count["iframe"]+count["base"] != 0 || count["a"] > 1 {
			t.Errorf("elements %v", count)
		}
		for name, values := range w.Header() {
			if strings.ContainsAny(strings.Join(values, ""), "\r\n") {
				t.Errorf("%s: %q", name, values)
			}
		}

		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "optOut", "optOutJS", 1)
		js := answer(t, whole, optout.Box.ServeScript, r).Body.String()
		text, ok := strings.CutPrefix(js, "(()=>{const settings=")
		var got settings
		decoder := json.NewDecoder(strings.NewReader(text))
		if err := decoder.Decode(&got); err != nil || !ok || !strings.HasPrefix(text[decoder.InputOffset():], ";\n") {
			t.Errorf("%.200s: %v", js, err)
		}
	})
}

// TestFrameWithoutPage: a box that no page shows keeps no choice, since its cookie would be
// one for itself.
func TestFrameWithoutPage(t *testing.T) {
	for _, tt := range []struct {
		dest string
		box  optout.Box
		want string
		form bool
	}{
		{"document", optout.Box{}, "Open the privacy page of that website", false},
		{"document", optout.Box{Out: true}, "Open the privacy page of that website", false},
		{"document", optout.Box{Objects: true, Heeds: true}, "asks websites not to track", false},
		{"iframe", optout.Box{}, "are counted, without", true},
		{"iframe", optout.Box{Out: true}, "to the address of this box are not counted", true},
		{"", optout.Box{Out: true}, "to the address of this box are not counted", true}, // an older browser
	} {
		r := httptest.NewRequest("GET", frameURL, nil)
		if tt.dest != "" {
			r.Header.Set("Sec-Fetch-Dest", tt.dest)
		}
		page, _, _ := strings.Cut(answer(t, tt.box, optout.Box.ServeFrame, r).Body.String(), "<script")
		if _, state, _ := strings.Cut(page, `role="status"`); !strings.Contains(html.UnescapeString(state), tt.want) || strings.Contains(state, "<form") != tt.form {
			t.Errorf("%s, %+v: %s, want %q", tt.dest, tt.box, state, tt.want)
		}
	}
}
