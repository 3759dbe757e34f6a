package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/dashboard/password"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/site"
)

const maxForm = 16 << 10 // bytes of a posted form

// loginForm is what the page of a log-in shows.
type loginForm struct {
	Name   string
	Next   string
	Failed bool
	Wait   time.Duration // before the next attempt; 0: none
	New    bool          // there is no administrator yet
}

func (d *Dashboard) showLogin(c *call) error {
	if _, err := d.sessionUser(c); err == nil {
		return c.redirect("/")
	} else if !errors.Is(err, site.ErrNotFound) {
		return err
	}
	pending, err := d.pending(c.r.Context())
	if err != nil {
		return err
	}
	return d.render(c, http.StatusOK, "login", loginForm{Next: localPath(c.r.URL.Query().Get("next")), New: pending})
}

// logIn checks a name and a password. A name that is no user's takes the same way, and
// as long.
func (d *Dashboard) logIn(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	form := loginForm{Name: site.CleanName(c.r.PostForm.Get("name")), Next: localPath(c.r.PostForm.Get("next"))}
	if site.ValidateName(form.Name) != nil {
		form.Name = ""
	}
	user, err := d.store.User(c.r.Context(), form.Name)
	if err != nil && !errors.Is(err, site.ErrNotFound) {
		return err
	}
	who := user.Name
	if who == "" {
		who = site.Unknown
	}
	// A device that has failed too often is as any other.
	tries := append(c.devices(user), loginWays(form.Name, d.network(c.r)))
	var ways []counted
	var wait time.Duration
	for _, ways = range tries {
		if wait = d.throttle.attempt(c.now, ways...); wait == 0 {
			break
		}
	}
	if wait > 0 {
		d.logins.WithLabelValues(throttled).Inc()
		d.refusals.add(c.now, audit.LoginThrottled, who)
		form.Wait = c.waitFor(wait)
		return d.render(c, http.StatusTooManyRequests, "login", form)
	}
	ok, err := d.passwords.Verify(c.r.Context(), user.Password, c.r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	if !ok {
		d.logins.WithLabelValues(refused).Inc()
		d.refusals.add(c.now, audit.LoginRefused, who)
		form.Failed = true
		return d.render(c, http.StatusForbidden, "login", form)
	}
	d.throttle.forgive(ways...)
	if err := d.endSession(c); err != nil { // the one that came with the request
		return err
	}
	c.user = user
	if err := d.store.Note(c.r.Context(), c.entry(audit.LoggedIn, "")); err != nil {
		return err
	}
	if err := d.startSession(c, user); err != nil {
		return err
	}
	d.logins.WithLabelValues(loggedIn).Inc()
	return c.redirect(form.Next)
}

// loginWays is what the attempts of an unknown device are counted by.
func loginWays(name, network string) []counted {
	return []counted{countedBy(byPair, name+"\x00"+network), countedBy(byName, name), countedBy(byNetwork, network)}
}

// waitFor tells the client how long to wait, rounded up: who comes back then is let try.
func (c *call) waitFor(wait time.Duration) time.Duration {
	wait = wait.Truncate(time.Second) + time.Second
	c.w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	return wait
}

func (d *Dashboard) logOut(c *call) error {
	if err := d.endSession(c); err != nil {
		return err
	}
	c.setSession("", -1)
	return c.redirect("/login")
}

// parseForm reads a posted form of at most maxForm bytes.
func (c *call) parseForm() error { return c.parseFormOf(maxForm) }

// parseFormOf reads a posted form of bounded size.
func (c *call) parseFormOf(most int64) error {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, most)
	err := c.r.ParseForm()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return tooLarge.because(err)
	}
	if err != nil {
		return badRequest.because(err)
	}
	return nil
}

// connectionNetwork is the network that the connection comes from, no finer than
// the program ever keeps of an address.
func connectionNetwork(r *http.Request) string {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return geo.Cut(hit.NewAddr(ap.Addr()), geo.MaxBits4, geo.MaxBits6)
}

// setup is the one-time link by which the first administrator is made. The zero setup has
// none. It is safe for concurrent use.
type setup struct {
	mu    sync.Mutex
	token string // "": no link is out
}

// pending reports whether there is no administrator yet. Another process may have made one: then
// the link that is out is dead.
func (d *Dashboard) pending(ctx context.Context) (bool, error) {
	d.setup.mu.Lock()
	defer d.setup.mu.Unlock()
	if d.setup.token == "" {
		return false, nil
	}
	made, err := d.store.HasAdmin(ctx)
	if made {
		d.setup.token = ""
	}
	return d.setup.token != "", err
}

// matches reports whether token is that of the link that is out. The caller
// holds the lock.
func (s *setup) matches(token string) bool {
	return s.token != "" && subtle.ConstantTimeCompare([]byte(s.token), []byte(token)) == 1
}

// SetupURL returns a link by which the first administrator can be made, if there
// is none yet, and else "". base is where the dashboard listens; it is
// used where Options.BaseURL is none. The link
// lives in memory and dies with the process, or when there is an administrator.
func (d *Dashboard) SetupURL(ctx context.Context, base baseurl.URL) (string, error) {
	d.setup.mu.Lock()
	defer d.setup.mu.Unlock()
	ok, err := d.store.HasAdmin(ctx)
	if err != nil {
		return "", err
	}
	if ok {
		d.setup.token = ""
		return "", nil
	}
	if d.setup.token == "" {
		d.setup.token = rand.Text() + rand.Text()
	}
	return d.base.Or(base).String() + "/setup?" + url.Values{"token": {d.setup.token}}.Encode(), nil
}

// setupForm is what the page of the setup link shows.
type setupForm struct {
	Token   string
	Name    string
	Problem string // with the name; key of its text
	New     newPassword
}

func (d *Dashboard) showSetup(c *call) error {
	token := c.r.URL.Query().Get("token")
	d.setup.mu.Lock()
	err := d.checkSetup(c, token)
	d.setup.mu.Unlock()
	if err != nil {
		return err
	}
	return d.render(c, http.StatusOK, "setup", setupForm{Token: token, New: newPassword{MinLength: password.MinLength}})
}

// setUp makes the first administrator. The lock is held all the way, so that one
// link makes one.
func (d *Dashboard) setUp(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	d.setup.mu.Lock()
	defer d.setup.mu.Unlock()
	form := setupForm{Token: c.r.PostForm.Get("token"), Name: site.CleanName(c.r.PostForm.Get("name"))}
	if err := d.checkSetup(c, form.Token); err != nil {
		return err
	}
	hash, chosen, err := d.choose(c, form.Name)
	if err != nil {
		return err
	}
	form.New = chosen
	if site.ValidateName(form.Name) != nil {
		form.Problem = "users.badName"
	}
	if form.Problem != "" || form.New.Problem != "" {
		return d.render(c, http.StatusUnprocessableEntity, "setup", form)
	}
	ctx := audit.As(c.r.Context(), audit.Actor{Via: audit.Page, Name: form.Name})
	switch err = d.store.AddFirstAdmin(ctx, site.User{Name: form.Name, Password: hash}); {
	case errors.Is(err, site.ErrHasAdmin): // another process was first
		return deadLink.because(err)
	case errors.Is(err, site.ErrExists): // a viewer
		form.Problem = "users.exists"
		return d.render(c, http.StatusUnprocessableEntity, "setup", form)
	case err != nil:
		return err
	}
	d.setup.token = ""
	d.log.Info("first administrator made")
	user, err := d.store.User(ctx, form.Name)
	if err != nil {
		return err
	}
	if err := d.startSession(c, user); err != nil {
		return err
	}
	return c.redirect("/")
}

// checkSetup returns deadLink unless token is out and there is still no administrator. The
// caller holds the lock.
func (d *Dashboard) checkSetup(c *call, token string) error {
	if !d.setup.matches(token) {
		return deadLink
	}
	ok, err := d.store.HasAdmin(c.r.Context())
	if err != nil {
		return err
	}
	if ok {
		d.setup.token = ""
		return deadLink
	}
	return nil
}
