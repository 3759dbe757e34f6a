package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/site"
)

func credentials(name, pass string) url.Values { return url.Values{"name": {name}, "password": {pass}} }

func sessionCookie(t *testing.T, a *answer) *http.Cookie {
	t.Helper()
	for _, line := range a.header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(cookie.Name, "session") {
			return cookie
		}
	}
	t.Fatalf("no session cookie in %q", a.header.Values("Set-Cookie"))
	return nil
}

func TestLogIn(t *testing.T) {
	b := newBench(t)
	b.addUser(userName, site.Viewer, userPass)
	site := b.addSite("Samvirke", "samvirke.example", "Europe/Oslo")

	asked := b.get(fmt.Sprintf("/sites/%d?period=30d", site.ID))
	asked.want(http.StatusOK)
	if asked.url.Path != "/login" {
		t.Fatalf("a stranger is at %s, want /login", asked.url)
	}
	next := asked.Find("input[name=next]").AttrOr("value", "")

	form := credentials(userName, "not the password")
	form.Set("next", next)
	wrong := b.post("/login", form)
	wrong.want(http.StatusForbidden)
	if got := wrong.text(".alert"); got != "The user name or the password is wrong." {
		t.Errorf("message = %q", got)
	}
	if got := wrong.Find("#name").AttrOr("value", ""); got != userName {
		t.Errorf("name in the form = %q, want it kept", got)
	}
	unknown := b.post("/login", credentials("ola", userPass))
	unknown.want(http.StatusForbidden)
	if unknown.text(".alert") != wrong.text(".alert") {
		t.Error("the message tells an unknown user from a wrong password")
	}

	form.Set("password", userPass)
	in := b.post("/login", form)
	in.want(http.StatusOK)
	if in.url.RequestURI() != "/sites/1?period=28d" {
		t.Errorf("after log-in at %s, want where the log-in was asked for", in.url)
	}
	if got := b.get("/login").url.Path; got != "/" {
		t.Errorf("/login shows %s to a user, want /", got)
	}
}

func TestSessionCookie(t *testing.T) {
	for _, test := range []struct {
		name, base string
		headers    []string
		want       string
	}{
		{"plain", "", nil, "fotspor_session; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"},
		{"behind a proxy with TLS", "", []string{"X-Forwarded-Proto", "https"}, "__Host-fotspor_session; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"},
		{"public address", "https://stats.example.org", nil, "__Host-fotspor_session; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, func(o *dashboard.Options) { o.BaseURL = baseurl.MustParse(test.base) })
			b.addUser(userName, site.Viewer, userPass)
			b.stay()
			a := b.post("/login", credentials(userName, userPass), test.headers...)
			a.want(http.StatusSeeOther)
			cookie := sessionCookie(t, a)
			if len(cookie.Value) < 43 {
				t.Errorf("cookie %q is shorter than 32 random bytes", cookie.Value)
			}
			if got := strings.Replace(cookie.String(), "="+cookie.Value, "", 1); got != test.want {
				t.Errorf("cookie = %s, want %s", got, test.want)
			}
			if _, _, err := b.store.Session(t.Context(), cookie.Value, b.now, time.Hour); err == nil {
				t.Error("the store knows the cookie itself, want its hash")
			}
		})
	}
}

func TestLogOut(t *testing.T) {
	b := newBench(t)
	b.logIn()
	// Somebody has a copy of the cookie.
	copied := *b.client
	base, _ := url.Parse(b.server.URL)
	cookies := copied.Jar.Cookies(base)
	if a := b.post("/logout", nil); a.url.Path != "/login" {
		t.Errorf("after log-out at %s", a.url)
	}
	if got := b.get("/").url.Path; got != "/login" {
		t.Errorf("after log-out / shows %s", got)
	}
	b.client = b.newClient()
	b.client.Jar.SetCookies(base, cookies)
	if got := b.get("/").url.Path; got != "/login" {
		t.Errorf("after log-out a copy of the cookie shows %s", got)
	}
	b.post("/logout", nil).want(http.StatusOK)
}

// TestForeignCookies: a session cookie of another form than ours costs no query. The
// store is closed, so that a query fails.
func TestForeignCookies(t *testing.T) {
	b := newBench(t)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	ours := strings.Repeat("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 2)
	for value, want := range map[string]int{
		ours:                      http.StatusServiceUnavailable,
		"":                        http.StatusSeeOther,
		"a":                       http.StatusSeeOther,
		ours[1:]:                  http.StatusSeeOther,
		ours + "A":                http.StatusSeeOther,
		strings.ToLower(ours):     http.StatusSeeOther,
		ours[1:] + "1":            http.StatusSeeOther,
		ours[1:] + "%":            http.StatusSeeOther,
		strings.Repeat(ours, 100): http.StatusSeeOther,
	} {
		cookie := "fotspor_session=" + value
		for _, page := range []string{"/", "/sites/1"} {
			if got := b.request("GET", page, nil, "Cookie", cookie).status; got != want {
				t.Errorf("GET %s with %.60q = %d, want %d", page, cookie, got, want)
			}
		}
		if got := b.request("POST", "/logout", nil, "Cookie", cookie).status; got != want {
			t.Errorf("POST /logout with %.60q = %d, want %d", cookie, got, want)
		}
	}
}

func TestSessionExpires(t *testing.T) {
	b := newBench(t)
	b.logIn()
	for _, at := range []time.Duration{2*time.Hour - time.Second, 3 * time.Hour, 5*time.Hour - time.Second, 6 * time.Hour, 7 * time.Hour, 8 * time.Hour, 9 * time.Hour, 10 * time.Hour, 11 * time.Hour, 12*time.Hour - time.Second} {
		b.now = moment.Add(at)
		if got := b.get("/").url.Path; got != "/" {
			t.Errorf("after %s at %s", at, got)
		}
	}
	b.now = moment.Add(12 * time.Hour)
	if got := b.get("/").url.Path; got != "/login" {
		t.Errorf("after 12 hours at %s", got)
	}
}

func TestNext(t *testing.T) {
	b := newBench(t)
	b.addUser(userName, site.Viewer, userPass)
	b.stay()
	for next, want := range map[string]string{
		"/sites/1?period=28d":  "/sites/1?period=28d",
		"":                     "/",
		"https://evil.example": "/", "//evil.example": "/", `/\evil.example`: "/", "/\t/evil.example": "/",
	} {
		form := credentials(userName, userPass)
		form.Set("next", next)
		if got := b.post("/login", form).header.Get("Location"); got != want {
			t.Errorf("next %q leads to %q, want %q", next, got, want)
		}
	}
}

// TestNextOfStranger: a log-in leads back to the page with the parameters of pages alone.
func TestNextOfStranger(t *testing.T) {
	b := newBench(t)
	b.stay()
	for address, want := range map[string]string{
		"/sites/1?period=28d&f=page%3A%2Fhelse%2F%2A&f=%21source%3Agoogle&sort=-visits&q=a": "/sites/1?f=page%3A%2Fhelse%2F%2A&f=%21source%3Agoogle&period=28d&q=a&sort=-visits",
		"/?module=API&method=SitesManager.getAllSites&token_auth=" + secretToken:            "",
		"/sites/1?token_auth=" + secretToken:                                                "/sites/1",
		"/sites/1?period=28d&token=" + secretToken + "&access_token=x&key=x&sid=x":          "/sites/1?period=28d",
		"/sites/1?Token_Auth=" + secretToken + "&to%6Ben_auth=x&token_auth[]=x":             "/sites/1",
		"/account?code=" + secretToken:                                                      "/account",
		"/admin/audit?before=5&" + secretToken:                                              "/admin/audit?before=5",
	} {
		to := b.get(address).header.Get("Location")
		u, err := url.Parse(to)
		if err != nil || u.Path != "/login" || u.Query().Get("next") != want {
			t.Errorf("%s leads to %q, want next %q", address, to, want)
		}
	}
	// A parameter that can't be decoded is left out.
	a := b.get("/sites/1?period=28d;token_auth=" + secretToken)
	if to := a.header.Get("Location"); to != "/login?next=%2Fsites%2F1" || strings.Contains(a.body, secretToken) {
		t.Errorf("a parameter with a semicolon is answered %d, leads to %q:\n%s", a.status, to, a.body)
	}
}

const secretToken = "0123456789abcdef0123456789abcdef"

func TestForgedRequests(t *testing.T) {
	b := newBench(t)
	b.logIn()
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
	} {
		b.post("/logout", nil, headers...).want(http.StatusForbidden)
		b.post("/login", credentials(userName, userPass), headers...).want(http.StatusForbidden)
	}
	if got := b.get("/").url.Path; got != "/" {
		t.Error("a forged request logged out")
	}
	// The log names whose session it was, and nobody without one.
	stranger := b.visitor()
	stranger.post("/logout", nil, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
	if err := b.dashboard.FlushRefusals(t.Context(), b.now.Add(time.Minute), false); err != nil {
		t.Fatal(err)
	}
	forged := 0
	for _, line := range b.audit() {
		var n int
		if _, err := fmt.Sscanf(line, userName+" forgery refused ×%d", &n); err == nil {
			forged += n
		} else if strings.Contains(line, "forgery") {
			t.Errorf("line %q", line)
		}
	}
	if forged != 6 {
		t.Errorf("the audit log has %d forged requests, want 6", forged)
	}
}

// TestLogInEndsTheOldSession: who logs in again has one session (ASVS 5, 7.2.4).
func TestLogInEndsTheOldSession(t *testing.T) {
	b := newBench(t)
	b.logIn()
	old := b.cookies()["fotspor_session"]
	b.addUser("ola", site.Viewer, otherPass)
	for _, who := range []url.Values{credentials(userName, userPass), credentials("ola", otherPass)} {
		b.post("/login", who).want(http.StatusOK)
		thief := b.visitor()
		thief.stay()
		if got := thief.get("/", "Cookie", "fotspor_session="+old); got.status != http.StatusSeeOther {
			t.Errorf("the session before the log-in of %s goes on: %d", who.Get("name"), got.status)
		}
		if old = b.cookies()["fotspor_session"]; !b.isIn() {
			t.Error("the new session does not live")
		}
	}
}

func TestThrottle(t *testing.T) {
	registry := prometheus.NewRegistry()
	b := newBench(t, network, func(o *dashboard.Options) { o.Registerer = registry })
	b.addUser(userName, site.Viewer, userPass)
	b.stay()
	from := func(network, name, pass string) *answer {
		return b.post("/login", credentials(name, pass), "Test-Network", network)
	}
	for range 5 {
		from("one", userName, "a wrong password").want(http.StatusForbidden)
	}
	held := from("one", userName, userPass)
	held.want(http.StatusTooManyRequests)
	if got := held.header.Get("Retry-After"); got != "16" {
		t.Errorf("Retry-After = %s, want 16", got)
	}
	if got := held.text(".alert"); got != "Too many attempts. Wait 16 s before you try again." {
		t.Errorf("message = %q", got)
	}
	from("one", "somebody else", "a wrong password").want(http.StatusForbidden)
	from("two", userName, "a wrong password").want(http.StatusForbidden)

	b.now = b.now.Add(16 * time.Second)
	from("one", userName, "a wrong password").want(http.StatusForbidden)
	b.now = b.now.Add(16 * time.Second)
	from("one", userName, "a wrong password").want(http.StatusTooManyRequests) // the wait has doubled
	b.now = b.now.Add(14 * time.Second)
	from("one", userName, userPass).want(http.StatusSeeOther)
	b.client = b.newClient()
	b.stay()
	from("one", userName, "a wrong password").want(http.StatusForbidden) // a success forgives the user here

	want := `
		# HELP fotspor_logins_total Attempts to log in to the dashboard, by result.
		# TYPE fotspor_logins_total counter
		fotspor_logins_total{result="ok"} 1
		fotspor_logins_total{result="refused"} 9
		fotspor_logins_total{result="throttled"} 2
	`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "fotspor_logins_total"); err != nil {
		t.Error(err)
	}
}

func TestSetup(t *testing.T) {
	b := newBench(t)
	link, err := b.dashboard.SetupURL(t.Context(), baseurl.MustParse(b.server.URL))
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.dashboard.SetupURL(t.Context(), baseurl.MustParse(b.server.URL))
	if err != nil || again != link {
		t.Errorf("asked again: %q, %v; want the same link", again, err)
	}
	path := strings.TrimPrefix(link, b.server.URL)
	if got := b.get("/login").text(".note"); !strings.Contains(got, "link") {
		t.Errorf("the log-in page says %q, want where to begin", got)
	}
	b.get("/setup?token=guess").want(http.StatusGone)
	b.get("/setup").want(http.StatusGone)
	b.post("/setup", url.Values{"token": {""}, "name": {"x"}, "password": {userPass}, "again": {userPass}}).want(http.StatusGone)

	page := b.get(path)
	page.want(http.StatusOK)
	token := page.Find("input[name=token]").AttrOr("value", "")
	for name, form := range map[string]url.Values{
		"#problem":  {"token": {token}, "name": {userName}, "password": {"short"}, "again": {"short"}},
		"#bad-name": {"token": {token}, "name": {"  "}, "password": {userPass}, "again": {userPass}},
	} {
		a := b.post("/setup", form)
		a.want(http.StatusUnprocessableEntity)
		if a.Find(name+".alert").Length() != 1 {
			t.Errorf("no message %s in %q", name, a.text("form"))
		}
	}
	if n, err := b.store.Users(t.Context()); len(n) != 0 || err != nil {
		t.Fatalf("users = %v, %v, want none yet", n, err)
	}

	// Of many at once, one is first.
	form := url.Values{"token": {token}, "name": {userName}, "password": {userPass}, "again": {userPass}}
	b.stay()
	statuses := make(chan int, 4)
	var all sync.WaitGroup
	for range cap(statuses) {
		all.Go(func() { statuses <- b.post("/setup", form).status })
	}
	all.Wait()
	close(statuses)
	made := 0
	for status := range statuses {
		if status == http.StatusSeeOther {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d of the requests made a user, want 1", made)
	}
	if user, err := b.store.User(t.Context(), userName); err != nil || user.Role != site.Admin {
		t.Errorf("user = %+v, %v, want an admin", user.Role, err)
	}
	b.get(path).want(http.StatusGone)
	b.post("/setup", form).want(http.StatusGone)
	if link, err := b.dashboard.SetupURL(t.Context(), baseurl.MustParse(b.server.URL)); link != "" || err != nil {
		t.Errorf("with a user the link is %q, %v, want none", link, err)
	}
	b.client = b.newClient()
	b.post("/login", credentials(userName, userPass)).want(http.StatusOK)
}

// TestSetupEndsWithAdmin: an admin made by the command line while the link is out ends
// it; a viewer does not, or nobody could make an admin.
func TestSetupEndsWithAdmin(t *testing.T) {
	b := newBench(t)
	link, err := b.dashboard.SetupURL(t.Context(), baseurl.MustParse(b.server.URL))
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(link, b.server.URL)
	b.addUser("vera", site.Viewer, userPass)
	page := b.get(path)
	page.want(http.StatusOK)
	if again, err := b.beside().dashboard.SetupURL(t.Context(), baseurl.MustParse(b.server.URL)); again == "" || err != nil {
		t.Errorf("with a viewer a new process prints %q, %v, want a link", again, err)
	}
	form := url.Values{"token": {page.Find("input[name=token]").AttrOr("value", "")}, "name": {"Vera"}, "password": {otherPass}, "again": {otherPass}}
	if a := b.post("/setup", form); a.status != http.StatusUnprocessableEntity || a.text("#bad-name") != "There is a user of this name." {
		t.Errorf("an admin of the viewer's name: %d %q", a.status, a.text("#bad-name"))
	}
	if page := b.get("/login"); page.Find(".note").Length() != 1 {
		t.Errorf("without an administrator the log-in says %q", page.text("main"))
	}
	b.addUser("ops", site.Admin, userPass)
	if page := b.get("/login"); page.Find(".note").Length() != 0 {
		t.Errorf("with an administrator the log-in says %q", page.text("main"))
	}
	b.get(path).want(http.StatusGone)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.dashboard.SetupURL(ctx, baseurl.MustParse(b.server.URL)); err == nil {
		t.Error("a store that can't be asked gives no error")
	}
}

// TestViewerWithoutSites is told who can help.
func TestViewerWithoutSites(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "UTC")
	b.addViewer()
	if got := b.get("/").text("main"); !strings.Contains(got, "Ask an administrator") || strings.Contains(got, "fotspor site add") {
		t.Errorf("start page: %q", got)
	}
}
