package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/race"
	"github.com/fotspor/fotspor/site"
)

const otherPass = "fire nye ord til lykke"

// beside returns a dashboard of another process on the same store.
func (b *bench) beside() *bench {
	b.Helper()
	return newBench(b.T, func(o *dashboard.Options) {
		o.Store = b.store
		o.Now = func() time.Time { return b.now }
	})
}

// visitor returns the same dashboard as another browser sees it.
func (b *bench) visitor() *bench {
	other := *b
	other.client = other.newClient()
	return &other
}

// in logs in, and out says whether the browser is at the log-in page now.
func (b *bench) in(name, pass string) {
	b.Helper()
	if a := b.post("/login", credentials(name, pass)); a.status != http.StatusOK || a.url.Path == "/login" {
		b.Fatalf("log-in of %s: %d at %s: %s", name, a.status, a.url, a.text(".alert"))
	}
}

func (b *bench) isIn() bool {
	b.Helper()
	return b.get("/account").url.Path == "/account"
}

// shareCookies gives a browser at another address of the same dashboards the cookies
// of this one: to both servers a user is logged in by one cookie.
func (b *bench) shareCookies(to *bench) {
	from, _ := url.Parse(b.server.URL)
	at, _ := url.Parse(to.server.URL)
	to.client.Jar.SetCookies(at, b.client.Jar.Cookies(from))
}

// TestSessionsEndAtOnce: with each change of a user, made by one process, the user's
// sessions are over at the next request to another.
func TestSessionsEndAtOnce(t *testing.T) {
	a := newBench(t)
	a.addSite("One", "one.example", "UTC")
	a.addUser("boss", site.Admin, userPass)
	a.in("boss", userPass)
	a.addUser(userName, site.Viewer, userPass)
	other := a.beside()
	pass := userPass
	for _, c := range []struct {
		name, path string
		form       url.Values
	}{
		{"a password", "/admin/users/password", url.Values{"password": {otherPass}, "again": {otherPass}}},
		{"a role", "/admin/users/rights", url.Values{"role": {"admin"}, "all": {"1"}}},
		{"sites", "/admin/users/rights", url.Values{"role": {"viewer"}, "site": {"1"}}},
		{"an end", "/admin/users/sessions", url.Values{}},
		{"a removal", "/admin/users/remove", url.Values{"sure": {"1"}}},
	} {
		first, second := a.visitor(), other.visitor()
		first.in(userName, pass)
		first.shareCookies(second)
		second.stay()
		if got := second.get("/").status; got != http.StatusOK {
			t.Fatalf("%s: the session does not hold in the other process: %d", c.name, got)
		}
		c.form.Set("name", userName)
		if page := a.post(c.path, c.form); page.status != http.StatusOK || page.Find("[role=status]").Length() != 1 {
			t.Fatalf("%s: %d %s", c.name, page.status, page.text(".alert"))
		}
		for i, b := range []*bench{first, second} {
			b.stay()
			if got := b.get("/"); got.status != http.StatusSeeOther || got.header.Get("Location") != "/login" {
				t.Errorf("%s: the session goes on in process %d: %d", c.name, i+1, got.status)
			}
		}
		if c.name == "a password" {
			pass = otherPass
		}
	}
	if !a.isIn() {
		t.Error("the admin's own session ended")
	}
}

// TestPasswordReadBeforeAChange: a log-in whose password was checked before the
// password changed gets no session that lives.
func TestPasswordReadBeforeAChange(t *testing.T) {
	b := newBench(t)
	b.addUser(userName, site.Viewer, userPass)
	before, err := b.store.User(t.Context(), userName)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.SetPassword(t.Context(), userName, cheap(otherPass)); err != nil {
		t.Fatal(err)
	}
	s := site.Session{ID: "late", User: userName, Generation: before.Generation, Created: b.now, Seen: b.now, Expires: b.now.Add(time.Hour)}
	if err := b.store.PutSession(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.store.Session(t.Context(), "late", b.now, time.Hour); !errors.Is(err, site.ErrNotFound) {
		t.Errorf("session of the old password: %v, want ErrNotFound", err)
	}
}

func TestAccount(t *testing.T) {
	b := newBench(t)
	b.addUser("boss", site.Admin, otherPass)
	b.addSite("Fjordvik", "www.fjordvik.example", "UTC")
	b.logIn()
	elsewhere := b.visitor()
	elsewhere.in(userName, userPass)
	if page := b.get("/account"); page.Find("tbody tr").Length() != 2 || !strings.Contains(page.text("main"), "All sites") {
		t.Errorf("account: %s", page.text("main"))
	}
	form := func(current, pass, again string) url.Values {
		return url.Values{"current": {current}, "password": {pass}, "again": {again}}
	}
	for name, c := range map[string]struct {
		form   url.Values
		status int
		want   string
	}{
		"wrong":   {form("not my password", otherPass, otherPass), http.StatusForbidden, "The password is wrong."},
		"missing": {form("", otherPass, otherPass), http.StatusForbidden, "The password is wrong."},
		"differ":  {form(userPass, otherPass, otherPass+"!"), http.StatusUnprocessableEntity, "The two passwords differ."},
		"short":   {form(userPass, "kort", "kort"), http.StatusUnprocessableEntity, "The password is too short or too long."},
		"common":  {form(userPass, "Passord123456", "Passord123456"), http.StatusUnprocessableEntity, "The password is too easy to guess: many people use it, or it holds the user name or the name of the site."},
		"name":    {form(userPass, "kari liker brunost", "kari liker brunost"), http.StatusUnprocessableEntity, "The password is too easy to guess: many people use it, or it holds the user name or the name of the site."},
		"same":    {form(userPass, userPass, userPass), http.StatusUnprocessableEntity, "This is the password you have now. Choose another one."},
		"site":    {form(userPass, "bading i fjordvik", "bading i fjordvik"), http.StatusUnprocessableEntity, "The password is too easy to guess: many people use it, or it holds the user name or the name of the site."},
	} {
		if a := b.post("/account/password", c.form); a.status != c.status || a.text(".alert") != c.want {
			t.Errorf("%s: %d %q, want %d %q", name, a.status, a.text(".alert"), c.status, c.want)
		}
	}
	if !elsewhere.isIn() || !b.isIn() {
		t.Fatal("a refused change ended a session")
	}
	before := b.cookies()
	if a := b.post("/account/password", form(userPass, otherPass, otherPass)); a.status != http.StatusOK || a.text("[role=status]") == "" {
		t.Fatalf("change: %d %s", a.status, a.text(".alert"))
	}
	if after := b.cookies(); after["fotspor_session"] == before["fotspor_session"] {
		t.Error("the session goes on under the same cookie")
	}
	if elsewhere.isIn() || !b.isIn() {
		t.Errorf("after the change: elsewhere %t, here %t, want only here", elsewhere.isIn(), b.isIn())
	}
	elsewhere.post("/login", credentials(userName, userPass)).want(http.StatusForbidden)
	elsewhere.in(userName, otherPass)

	b.post("/account/sessions", url.Values{"current": {userPass}}).want(http.StatusForbidden)
	if !elsewhere.isIn() {
		t.Error("a wrong password ended a session")
	}
	b.post("/account/sessions", url.Values{"current": {otherPass}}).want(http.StatusOK)
	if elsewhere.isIn() || !b.isIn() {
		t.Error("want only this session to go on")
	}
}

// cookies are the session and device cookies of the client, at the path where both are
// sent.
func (b *bench) cookies() map[string]string {
	at, _ := url.Parse(b.server.URL + "/login")
	all := map[string]string{}
	for _, c := range b.client.Jar.Cookies(at) {
		all[c.Name] = c.Value
	}
	return all
}

// TestAccountIsSlowed: who has found an open screen does not guess the password there.
func TestAccountIsSlowed(t *testing.T) {
	b := newBench(t)
	b.logIn()
	guess := func(path string) *answer {
		return b.post(path, url.Values{"current": {"a guess"}, "password": {otherPass}, "again": {otherPass}})
	}
	for i := range 5 {
		guess([]string{"/account/password", "/account/sessions"}[i%2]).want(http.StatusForbidden)
	}
	held := b.post("/account/password", url.Values{"current": {userPass}, "password": {otherPass}, "again": {otherPass}})
	held.want(http.StatusTooManyRequests)
	if held.header.Get("Retry-After") != "16" || held.text(".alert") != "Too many attempts. Wait 16 s before you try again." {
		t.Errorf("Retry-After %s, %q", held.header.Get("Retry-After"), held.text(".alert"))
	}
	b.post("/account/sessions", url.Values{"current": {userPass}}).want(http.StatusTooManyRequests)
	b.now = b.now.Add(16 * time.Second)
	b.post("/account/sessions", url.Values{"current": {userPass}}).want(http.StatusOK)
	guess("/account/password").want(http.StatusForbidden) // a success forgives
}

// TestUsersPage manages users by the pages.
func TestUsersPage(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "UTC")
	b.addSite("Two", "two.example", "UTC")
	b.addUser("boss", site.Admin, userPass)
	b.in("boss", userPass)
	add := func(name, role, pass string, more ...string) *answer {
		form := url.Values{"name": {name}, "role": {role}, "password": {pass}, "again": {pass}}
		for i := 0; i < len(more); i += 2 {
			form.Add(more[i], more[i+1])
		}
		return b.post("/admin/users/add", form)
	}
	for name, c := range map[string]struct {
		a    *answer
		want string
	}{
		"taken":   {add("boss", "viewer", otherPass, "all", "1"), "#bad-name"},
		"no name": {add("  ", "viewer", otherPass), "#bad-name"},
		"unknown": {add("Unknown", "viewer", otherPass), "#bad-name"},
		"common":  {add("ola", "viewer", "Password1234"), "#problem"},
	} {
		if c.a.status != http.StatusUnprocessableEntity || c.a.Find(c.want+".alert").Length() != 1 {
			t.Errorf("%s: %d, no message %s: %s", name, c.a.status, c.want, c.a.text("main"))
		}
	}
	for name, c := range map[string]struct {
		a    *answer
		want string
	}{
		"all and one": {add("ola", "viewer", otherPass, "all", "1", "site", "1"), "Choose either all sites or some of them."},
		"no site":     {add("ola", "viewer", otherPass, "site", "1", "site", "99"), "One of the sites you chose does not exist any more. Choose again."},
		"admin":       {add("ola", "admin", otherPass, "site", "1"), "An administrator sees all sites. Choose no sites, or make the user an editor or viewer."},
		"the same, later": {b.post("/admin/users/rights", url.Values{"name": {"boss"}, "role": {"viewer"}, "all": {"1"}, "site": {"1"}}),
			"Choose either all sites or some of them."},
	} {
		if c.a.status != http.StatusUnprocessableEntity || c.a.text("#bad-sites") != c.want {
			t.Errorf("%s: %d %q, want %q", name, c.a.status, c.a.text("#bad-sites"), c.want)
		}
	}
	typed := b.post("/admin/users/rights", url.Values{"name": {"boss"}, "role": {"editor"}, "all": {"1"}, "site": {"1"}})
	if n := typed.Find("#editor[checked], #all[checked], #site-1[checked]").Length(); n != 3 {
		t.Errorf("a refused form keeps %d of three choices", n)
	}
	for _, path := range []string{"/admin/users", "/admin/users?name=boss"} {
		if n := b.get(path).Find("input[type=checkbox][checked]").Length(); n != 0 {
			t.Errorf("%s: %d boxes are ticked from the start", path, n)
		}
	}
	add("BOSS", "viewer", otherPass).want(http.StatusUnprocessableEntity)
	add("b\u043ess", "viewer", otherPass).want(http.StatusUnprocessableEntity)
	add("ola", "root", otherPass).want(http.StatusBadRequest)
	add("ola", "viewer", otherPass, "site", "two").want(http.StatusBadRequest)
	add("ola <b>", "viewer", otherPass, "site", "2").want(http.StatusOK)
	user, err := b.store.User(t.Context(), "ola <b>")
	if err != nil || user.Role != site.Viewer || !user.Restricted || !slices.Equal(user.Sites, []uint32{2}) {
		t.Fatalf("user %+v, %v", user, err)
	}
	list := b.get("/admin/users")
	if got := list.text("tbody"); got != "bossAdministrator All sites 1 ola <b>Viewer Two 0" {
		t.Errorf("users: %q", got)
	}
	page := b.get(list.Find("tbody a").Last().AttrOr("href", ""))
	page.want(http.StatusOK)
	if got, _ := page.Find("#site-2").Attr("checked"); page.text("h1") != "ola <b>" || page.Find("#all[checked]").Length() != 0 || page.Find("#site-2[checked]").Length() != 1 {
		t.Errorf("page of %q, sites checked %q", page.text("h1"), got)
	}
	b.get("/admin/users?name=nobody").want(http.StatusNotFound)
	b.post("/admin/users/remove", url.Values{"name": {"nobody"}, "sure": {"1"}}).want(http.StatusNotFound)

	for path, form := range map[string]url.Values{
		"/admin/users/remove": {"name": {"boss"}, "sure": {"1"}},
		"/admin/users/rights": {"name": {"boss"}, "role": {"viewer"}, "all": {"1"}},
	} {
		if a := b.post(path, form); a.status != http.StatusUnprocessableEntity || !strings.HasPrefix(a.text(".alert"), "This is the last administrator.") {
			t.Errorf("%s of the last admin: %d %q", path, a.status, a.text(".alert"))
		}
	}
	if a := b.post("/admin/users/remove", url.Values{"name": {"ola <b>"}}); a.status != http.StatusUnprocessableEntity || a.Find("#not-sure").Length() != 1 {
		t.Errorf("a removal that was not confirmed: %d", a.status)
	}

	ola := b.visitor()
	ola.in("ola <b>", otherPass)
	second := b.visitor()
	second.in("ola <b>", otherPass)
	sessions := b.get("/admin/sessions")
	rows := sessions.Find("tbody tr")
	if rows.Length() != 3 || strings.Contains(sessions.body, "127.0.0") {
		t.Fatalf("sessions: %s", sessions.text("tbody"))
	}
	var id string
	for i := range rows.Length() {
		if strings.HasPrefix(clean(rows.Eq(i).Text()), "ola") {
			id = rows.Eq(i).Find("input[name=id]").AttrOr("value", "")
		}
	}
	b.post("/admin/sessions", url.Values{"id": {id}}).want(http.StatusOK)
	if n := b.get("/admin/sessions").Find("tbody tr").Length(); n != 2 || ola.isIn() == second.isIn() {
		t.Errorf("%d sessions, ola's %t and %t, want one of hers ended", n, ola.isIn(), second.isIn())
	}
	if a := b.post("/admin/sessions", url.Values{"id": {id}}); a.status != http.StatusNotFound || a.text(".alert") != "That log-in has ended already." {
		t.Errorf("the end of a session that is over: %d %q", a.status, a.text(".alert"))
	}
	if a := b.post("/admin/sessions", url.Values{"all": {"1"}}); a.url.Path != "/login" || ola.isIn() || second.isIn() {
		t.Errorf("after the end of all sessions at %s", a.url)
	}
	b.in("boss", userPass)
	b.post("/admin/users/remove", url.Values{"name": {"ola <b>"}, "sure": {"1"}}).want(http.StatusOK)
	if got := b.get("/admin/users").text("tbody"); got != "bossAdministrator All sites 1" {
		t.Errorf("users: %q", got)
	}
}

// TestCookieOfAnotherForm: the store is not asked about a cookie that can't be ours.
func TestCookieOfAnotherForm(t *testing.T) {
	b := newBench(t)
	b.stay()
	if err := b.store.Close(); err != nil { // whoever asks it gets an error
		t.Fatal(err)
	}
	ours := strings.Repeat("A", 52)
	for value, want := range map[string]int{
		"": 303, "x": 303, strings.Repeat("A", 51): 303, strings.Repeat("A", 53): 303, strings.Repeat("a", 52): 303,
		strings.Repeat("A", 51) + "1": 303, strings.Repeat("A", 51) + "å": 303, ours: 503,
	} {
		if a := b.get("/", "Cookie", "fotspor_session="+value); a.status != want {
			t.Errorf("cookie %q: %d, want %d", value, a.status, want)
		}
	}
}

// network makes the network of requests that of a header.
func network(o *dashboard.Options) {
	o.Network = func(r *http.Request) string { return r.Header.Get("Test-Network") }
}

// TestGuessersDontLockOut: wrong passwords from many networks don't stop the right one
// from another, and a device that is known is let through where nobody else is.
func TestGuessersDontLockOut(t *testing.T) {
	b := newBench(t, network)
	b.addUser(userName, site.Viewer, userPass)
	known := b.visitor()
	known.post("/login", credentials(userName, userPass), "Test-Network", "office").want(http.StatusOK)
	b.stay()
	guess := func(i int) int {
		return b.post("/login", credentials(userName, "a wrong password"), "Test-Network", fmt.Sprint("n", i)).status
	}
	for i := range 5 {
		for range 5 {
			if got := guess(i); got != http.StatusForbidden {
				t.Fatalf("a guess from network %d: %d", i, got)
			}
		}
		if got := guess(i); got != http.StatusTooManyRequests {
			t.Errorf("the sixth guess from network %d: %d, want 429", i, got)
		}
	}
	fresh := b.visitor()
	fresh.post("/login", credentials(userName, userPass), "Test-Network", "home").want(http.StatusOK)

	// Beyond what a name may be guessed from everywhere, only known devices pass.
	for i := 5; guess(i) != http.StatusTooManyRequests; i++ {
		if i > 200 {
			t.Fatal("one name may be guessed from everywhere without limit")
		}
	}
	b.post("/login", credentials(userName, userPass), "Test-Network", "elsewhere").want(http.StatusTooManyRequests)
	known.post("/logout", nil).want(http.StatusOK)
	known.post("/login", credentials(userName, userPass), "Test-Network", "n1").want(http.StatusOK)
	b.now = b.now.Add(11 * time.Second)
	fresh2 := b.visitor()
	fresh2.post("/login", credentials(userName, userPass), "Test-Network", "elsewhere").want(http.StatusOK)
}

// TestOwnerGetsIn: while networks that have failed under a name go on, one a minute or
// as fast as they may, the owner comes in on a new device from a network of her own: at
// once, or soon after she mistyped. New networks get a bounded number of guesses.
func TestOwnerGetsIn(t *testing.T) {
	race.Skip(t)
	for name, c := range map[string]struct {
		every  time.Duration // between two rounds of guesses
		each   int           // networks that guess in a round
		typo   bool          // the owner's first password is wrong
		within time.Duration
	}{
		"one a minute, and a slip": {time.Minute, 1, true, time.Minute},
		"a crowd each second":      {time.Second, 110, false, 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, network)
			b.addUser(userName, site.Viewer, userPass)
			b.stay()
			round := 0
			guess := func() {
				for i := range c.each {
					b.post("/login", credentials(userName, "a wrong password"), "Test-Network", fmt.Sprint("n", (round+i)%110))
				}
				round += c.each
			}
			for i := range 110 {
				b.post("/login", credentials(userName, "a wrong password"), "Test-Network", fmt.Sprint("n", i))
				if i >= 100 {
					b.now = b.now.Add(11 * time.Second)
				}
			}
			for range 5 {
				b.now = b.now.Add(c.every)
				guess()
			}
			pass := userPass
			if c.typo {
				pass = "a slip of the pen"
			}
			owner := b.visitor()
			owner.stay()
			began, next, tries := b.now, b.now.Add(c.every), 0
			for {
				tries++
				a := owner.post("/login", credentials(userName, pass), "Test-Network", "home")
				if a.status == http.StatusSeeOther {
					break
				}
				pass = userPass
				wait := time.Second
				if a.status == http.StatusTooManyRequests {
					seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
					if err != nil {
						t.Fatal(err)
					}
					wait = time.Duration(seconds) * time.Second
				}
				for at := b.now.Add(wait); b.now.Before(at); {
					if !next.After(at) {
						b.now, next = next, next.Add(c.every)
						guess()
					} else {
						b.now = at
					}
				}
				if b.now.Sub(began) > c.within {
					t.Fatalf("the owner is out after %s and %d attempts", b.now.Sub(began), tries)
				}
			}
		})
	}
}

// TestGuessesADay: a crowd of networks without end has at most the guesses that
// docs/threats.md names.
func TestGuessesADay(t *testing.T) {
	d := dashboard.NewThrottle()
	start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	guesses := 0
	for second := range 24 * 60 * 60 {
		now := start.Add(time.Duration(second) * time.Second)
		for _, from := range []int{second, second - second%3600} { // a new network, and one that has failed
			if d.Attempt(now, "kari", fmt.Sprint("n", from, second%7)) == 0 {
				guesses++
			}
		}
	}
	if guesses > 2*8640+100 || guesses < 8640 {
		t.Errorf("%d guesses a day, want at most 17,380", guesses)
	}
}

// TestSprayingIsSlowed: a network that tries many names must wait, whether the names
// exist or not, and also if it knows one password.
func TestSprayingIsSlowed(t *testing.T) {
	b := newBench(t, network)
	b.addUser("attacker", site.Viewer, otherPass)
	b.stay()
	answered := 0
	for i := range 25 {
		b.client = b.newClient()
		b.stay()
		if b.post("/login", credentials(fmt.Sprint("user", i), "Sommer2026!!"), "Test-Network", "n").status == http.StatusForbidden {
			answered++
		}
		if i%4 == 0 {
			b.post("/login", credentials("attacker", otherPass), "Test-Network", "n")
		}
	}
	if answered != 10 {
		t.Errorf("%d of 25 names were tried at once, want 10", answered)
	}
	b.post("/login", credentials("somebody", "Sommer2026!!"), "Test-Network", "other").want(http.StatusForbidden)
}

func deviceCookie(t *testing.T, a *answer) *http.Cookie {
	t.Helper()
	for _, line := range a.header.Values("Set-Cookie") {
		if cookie, err := http.ParseSetCookie(line); err == nil && strings.Contains(cookie.Name, "device") {
			return cookie
		}
	}
	t.Fatalf("no device cookie in %q", a.header.Values("Set-Cookie"))
	return nil
}

// TestDeviceCookie: it is out of the reach of scripts, goes to /login alone, says
// nothing of the user, and is no way around the limits.
func TestDeviceCookie(t *testing.T) {
	for base, want := range map[string]string{
		"":                          "fotspor_device; Path=/login; Max-Age=15552000; HttpOnly; SameSite=Strict",
		"https://stats.example.org": "__Secure-fotspor_device; Path=/login; Max-Age=15552000; HttpOnly; Secure; SameSite=Strict",
	} {
		b := newBench(t, network, func(o *dashboard.Options) { o.BaseURL = baseurl.MustParse(base) })
		b.addUser(userName, site.Viewer, userPass)
		b.addUser("ola", site.Viewer, otherPass)
		b.stay()
		a := b.post("/login", credentials(userName, userPass))
		a.want(http.StatusSeeOther)
		cookie := deviceCookie(t, a)
		if got := strings.Replace(cookie.String(), "="+cookie.Value, "", 1); got != want {
			t.Errorf("cookie = %s, want %s", got, want)
		}
		if strings.Contains(cookie.Value, userName) || len(cookie.Value) > 120 {
			t.Errorf("cookie %q", cookie.Value)
		}
		try := func(value, name, pass string, from int) int {
			t.Helper()
			b.client = b.newClient()
			b.stay()
			return b.post("/login", credentials(name, pass), "Cookie", cookie.Name+"="+value, "Test-Network", fmt.Sprint(from)).status
		}
		if base != "" {
			continue
		}
		// A stolen one has a strict limit, and counts for nobody else.
		for range 5 {
			if got := try(cookie.Value, userName, "a guess", 1); got != http.StatusForbidden {
				t.Errorf("a guess with the cookie: %d", got)
			}
		}
		// Then it is as none.
		for i := range 6 {
			if got, want := try(cookie.Value, userName, "a guess", 2), []int{403, 403, 403, 403, 403, 429}[i]; got != want {
				t.Errorf("guess %d with a cookie that has failed too often: %d, want %d", i+1, got, want)
			}
		}
		if got := try(cookie.Value, userName, userPass, 4); got != http.StatusSeeOther {
			t.Errorf("with that cookie from another network: %d, want 303", got)
		}
		if got := try("", userName, userPass, 1); got != http.StatusSeeOther {
			t.Errorf("without the cookie: %d, want 303", got)
		}
		b.now = b.now.Add(time.Hour + 16*time.Minute)

		// Where nobody without it passes, no other text does, nor the same for another
		// user, nor an old one, nor one from before the password changed.
		fill := func() {
			for try("", userName, "a guess", 3) != http.StatusTooManyRequests {
			}
			for try("", "ola", "a guess", 3) != http.StatusTooManyRequests {
			}
		}
		fill()
		parts := strings.Split(cookie.Value, ".")
		for name, value := range map[string]string{
			"none": "", "junk": "x.y.z", "a changed signature": cookie.Value[:len(cookie.Value)-2] + "AA",
			"a changed time": parts[0] + ".9999999999." + parts[2], "a changed number": "A" + cookie.Value[1:] + "x", "more": cookie.Value + ".x",
		} {
			if got := try(value, userName, userPass, 3); got != http.StatusTooManyRequests {
				t.Errorf("%s: %d, want 429", name, got)
			}
		}
		if got := try(cookie.Value, "ola", otherPass, 3); got != http.StatusTooManyRequests {
			t.Errorf("the cookie of another user: %d, want 429", got)
		}
		if got := try(cookie.Value, userName, userPass, 3); got != http.StatusSeeOther {
			t.Errorf("the cookie itself: %d, want 303", got)
		}
		if got := try("x.y.z; "+cookie.Name+"="+cookie.Value, userName, userPass, 3); got != http.StatusSeeOther {
			t.Errorf("the cookie behind another of its name: %d, want 303", got)
		}
		now := b.now
		b.now = now.Add(181 * 24 * time.Hour)
		fill()
		if got := try(cookie.Value, userName, userPass, 3); got != http.StatusTooManyRequests {
			t.Errorf("an old cookie: %d, want 429", got)
		}
		b.now = now
		if err := b.store.SetPassword(t.Context(), userName, cheap(otherPass+" igjen")); err != nil {
			t.Fatal(err)
		}
		fill()
		if got := try(cookie.Value, userName, otherPass+" igjen", 3); got != http.StatusTooManyRequests {
			t.Errorf("a cookie from before the password changed: %d, want 429", got)
		}
	}
}

// audit returns the lines of the audit log as "who action about ×count", oldest first.
func (b *bench) audit() []string {
	b.Helper()
	entries, err := b.store.Audit(b.Context(), time.Time{}, time.Time{}, 1000)
	if err != nil {
		b.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		if e.Via == audit.Page {
			lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s ×%d", e.Name, e.Action, e.About, e.Count)), " "))
		}
	}
	slices.Sort(lines)
	return lines
}

// TestAuditOfLogins: each log-in and log-out is a line, a flood of refusals few, and
// none holds what was typed or where it came from.
func TestAuditOfLogins(t *testing.T) {
	registry := prometheus.NewRegistry()
	b := newBench(t, network, func(o *dashboard.Options) { o.Registerer = registry })
	b.addUser(userName, site.Viewer, userPass)
	b.in(userName, userPass)
	b.get("/admin/audit").want(http.StatusNotFound)
	b.post("/logout", nil)
	b.post("/logout", nil) // nobody is logged in: no line
	b.stay()
	for i := range 60 {
		from := fmt.Sprint("203.0.113.", i/4)
		b.post("/login", credentials(fmt.Sprint("hunter", i), "secret typed text"), "Test-Network", from).want(http.StatusForbidden)
	}
	b.client = b.newClient() // an unknown device
	b.stay()
	for range 8 { // the last three must wait
		b.post("/login", credentials(userName, "secret typed text"), "Test-Network", "203.0.113.99")
	}
	first := []string{"kari access refused ×1", "kari log-in ×1", "kari log-in refused ×1", "kari log-in throttled ×1", "kari log-out ×1", "unknown log-in refused ×1"}
	if err := b.dashboard.WriteRefusals(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(first)
	if got := b.audit(); !slices.Equal(got, first) {
		t.Errorf("audit log %q, want %q", got, first)
	}
	b.now = b.now.Add(time.Minute)
	for range 3 {
		if err := b.dashboard.FlushRefusals(t.Context(), b.now, false); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"kari access refused ×1", "kari log-in refused ×5", "kari log-in throttled ×3", "kari log-in ×1", "kari log-out ×1", "unknown log-in refused ×60"}
	slices.Sort(want)
	if got := b.audit(); !slices.Equal(got, want) {
		t.Errorf("audit log after the minute %q, want %q", got, want)
	}
	var dump strings.Builder
	if err := b.store.Query(t.Context(), "SELECT count(), * FROM audit GROUP BY ALL", "JSONEachRow", &dump); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter", "typed", "203.0.113"} {
		if strings.Contains(dump.String(), secret) {
			t.Errorf("the audit log holds %q:\n%s", secret, dump.String())
		}
	}
	if n := strings.Count(dump.String(), "\n"); n > 12 {
		t.Errorf("%d lines in the table", n)
	}
	b.addUser("boss", site.Admin, userPass)
	b.client = b.newClient()
	b.in("boss", userPass)
	page := b.get("/admin/audit")
	if got := page.text("tbody"); !strings.Contains(got, "wrong password × 60unknownpage") || !strings.Contains(got, "logged inkaripage") {
		t.Errorf("page: %q", got)
	}
	if err := b.dashboard.CountSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := testutil.ToFloat64(gauge(t, registry)); got != 1 {
		t.Errorf("fotspor_sessions = %v, want the boss's", got)
	}
}

// gauge returns the gauge of sessions.
func gauge(t *testing.T, registry *prometheus.Registry) prometheus.Collector {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "copy"})
	for _, f := range families {
		if f.GetName() == "fotspor_sessions" {
			g.Set(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return g
}

// TestAuditPages: every line is on one page or another.
func TestAuditPages(t *testing.T) {
	b := newBench(t)
	b.addUser("boss", site.Admin, userPass)
	b.in("boss", userPass)
	const n = 130
	for i := range n {
		e := audit.Entry{Time: b.now.Add(-time.Duration(i/7) * time.Hour), Actor: audit.Actor{Via: audit.Program}, Action: audit.SiteAdded, About: fmt.Sprint("site ", 1000+i)}
		if err := b.store.Note(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	path := "/admin/audit"
	for range 10 {
		page := b.get(path)
		page.want(http.StatusOK)
		for i := range page.Find("tbody tr").Length() {
			if text := page.Find("tbody tr").Eq(i).Find("th p").Text(); strings.HasPrefix(text, "site ") {
				if seen[text] {
					t.Errorf("%s is on two pages", text)
				}
				seen[text] = true
			}
		}
		next := page.Find("main a[href*=before]").AttrOr("href", "")
		if next == "" {
			break
		}
		path = next
	}
	if len(seen) != n {
		t.Errorf("%d lines on all pages, want %d", len(seen), n)
	}
	b.get("/admin/audit?before=yesterday").want(http.StatusBadRequest)
}

// TestRefusalsCostNoWrite: an answer to a refused log-in waits for no line of the audit
// log, by which a user's name could be told from any other. Run writes it soon.
func TestRefusalsCostNoWrite(t *testing.T) {
	b := newBench(t)
	b.addUser(userName, site.Viewer, userPass)
	b.stay()
	b.post("/login", credentials(userName, "x")).want(http.StatusForbidden)
	if got := b.audit(); len(got) != 0 {
		t.Errorf("the request itself wrote %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.dashboard.Run(ctx) }()
	for range 200 {
		if len(b.audit()) > 0 {
			break
		}
	}
	cancel()
	<-done
	if got := b.audit(); !slices.Equal(got, []string{"kari log-in refused ×1"}) {
		t.Errorf("audit log %q", got)
	}
}

// TestRunWritesTheLast: what was counted is written when the program stops.
func TestRunWritesTheLast(t *testing.T) {
	b := newBench(t)
	b.stay()
	for range 3 {
		b.post("/login", credentials("hunter2", "x")).want(http.StatusForbidden)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.dashboard.Run(ctx)
	if got := b.audit(); !slices.Equal(got, []string{"unknown log-in refused ×3"}) {
		t.Errorf("audit log %q", got)
	}
}

// TestManyRefusals: a minute adds a bounded number of lines, for all that is refused, and no
// refusal goes uncounted.
func TestManyRefusals(t *testing.T) {
	b := newBench(t)
	for range 3 {
		for i := range 130 {
			b.dashboard.Refuse(b.now, fmt.Sprint("user", i))
		}
	}
	b.now = b.now.Add(time.Minute)
	if err := b.dashboard.FlushRefusals(t.Context(), b.now, true); err != nil {
		t.Fatal(err)
	}
	got := b.audit()
	total := 0
	for _, line := range got {
		var n int
		fmt.Sscanf(line[strings.Index(line, "×")+len("×"):], "%d", &n)
		total += n
	}
	if len(got) != 101 || total != 390 {
		t.Errorf("%d lines with %d refusals, want 101 with 390", len(got), total)
	}
}
