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
	"strings"
	"sync"
	"time"

	"github.com/fotspor/fotspor/dashboard/password"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/store"
)

const (
	maxForm = 16 << 10 // bytes of a posted form
	maxName = 100      // bytes of the name of a user
)

// loginForm is what the page of a log-in shows.
type loginForm struct {
	Name   string
	Next   string
	Failed bool
	Wait   time.Duration // before the next attempt; 0: none
	New    bool          // there is no user yet
}

func (d *Dashboard) showLogin(c *call) error {
	if _, err := d.sessionUser(c); err == nil {
		return c.redirect("/")
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return d.render(c, http.StatusOK, "login", loginForm{
		Next: localPath(c.r.URL.Query().Get("next")),
		New:  d.setup.pending(),
	})
}

func (d *Dashboard) logIn(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	form := loginForm{Name: strings.TrimSpace(c.r.PostForm.Get("name")), Next: localPath(c.r.PostForm.Get("next"))}
	user, network := "user "+form.Name, "network "+d.network(c.r)
	if len(form.Name) > maxName {
		form.Name, user = "", "user"
	}
	if form.Wait = d.throttle.attempt(c.now, user, network); form.Wait > 0 {
		d.logins.WithLabelValues(throttled).Inc()
		// Rounded up: who comes back then is let try.
		form.Wait = form.Wait.Truncate(time.Second) + time.Second
		c.w.Header().Set("Retry-After", strconv.Itoa(int(form.Wait/time.Second)))
		return d.render(c, http.StatusTooManyRequests, "login", form)
	}
	found, ok, err := d.verify(c, form.Name, c.r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	if !ok {
		d.logins.WithLabelValues(refused).Inc()
		form.Failed = true
		return d.render(c, http.StatusForbidden, "login", form)
	}
	d.throttle.forgive(user, network)
	if err := d.startSession(c, found); err != nil {
		return err
	}
	d.logins.WithLabelValues(loggedIn).Inc()
	d.log.Info("logged in", "user", form.Name)
	return c.redirect(form.Next)
}

// verify reports whether the password is the user's. An unknown user takes as
// long as a known one.
func (d *Dashboard) verify(c *call, name, pass string) (store.User, bool, error) {
	user, err := d.store.User(c.r.Context(), name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return user, false, err
	}
	ok, err := d.passwords.Verify(c.r.Context(), user.Password, pass)
	return user, ok, err
}

func (d *Dashboard) logOut(c *call) error {
	if err := d.endSession(c); err != nil {
		return err
	}
	return c.redirect("/login")
}

// parseForm reads a posted form of bounded size.
func (c *call) parseForm() error {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxForm)
	if err := c.r.ParseForm(); err != nil {
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

// setup is the one-time link by which the first user is made. The zero setup has
// none. It is safe for concurrent use.
type setup struct {
	mu    sync.Mutex
	token string // "": no link is out
}

func (s *setup) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token != ""
}

// matches reports whether token is that of the link that is out. The caller
// holds the lock.
func (s *setup) matches(token string) bool {
	return s.token != "" && subtle.ConstantTimeCompare([]byte(s.token), []byte(token)) == 1
}

// SetupURL returns a link by which the first administrator can be made, if there
// is no user yet, and else "". base is where the dashboard listens, such as
// http://127.0.0.1:8080; it is used where Options.BaseURL is empty. The link
// lives in memory and dies with the process, or when a user exists.
func (d *Dashboard) SetupURL(ctx context.Context, base string) (string, error) {
	d.setup.mu.Lock()
	defer d.setup.mu.Unlock()
	users, err := d.store.Users(ctx)
	if err != nil {
		return "", err
	}
	if len(users) > 0 {
		d.setup.token = ""
		return "", nil
	}
	if d.setup.token == "" {
		d.setup.token = rand.Text() + rand.Text()
	}
	if d.base != nil {
		base = d.base.String()
	}
	return base + "/setup?" + url.Values{"token": {d.setup.token}}.Encode(), nil
}

// setupForm is what the page of the setup link shows.
type setupForm struct {
	Token                        string
	Name                         string
	BadName, BadPassword, Differ bool
	MinLength                    int
}

func (d *Dashboard) showSetup(c *call) error {
	token := c.r.URL.Query().Get("token")
	d.setup.mu.Lock()
	err := d.checkSetup(c, token)
	d.setup.mu.Unlock()
	if err != nil {
		return err
	}
	return d.render(c, http.StatusOK, "setup", setupForm{Token: token, MinLength: password.MinLength})
}

// setUp makes the first administrator. The lock is held all the way, so that one
// link makes one.
func (d *Dashboard) setUp(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	d.setup.mu.Lock()
	defer d.setup.mu.Unlock()
	post := c.r.PostForm
	form := setupForm{Token: post.Get("token"), Name: strings.TrimSpace(post.Get("name")), MinLength: password.MinLength}
	if err := d.checkSetup(c, form.Token); err != nil {
		return err
	}
	hash, err := d.passwords.Hash(c.r.Context(), post.Get("password"))
	if err != nil && !errors.Is(err, password.ErrLength) {
		return err
	}
	form.BadName = form.Name == "" || len(form.Name) > maxName
	form.BadPassword = err != nil
	form.Differ = post.Get("password") != post.Get("again")
	if form.BadName || form.BadPassword || form.Differ {
		return d.render(c, http.StatusUnprocessableEntity, "setup", form)
	}
	if err := d.store.AddUser(c.r.Context(), store.User{Name: form.Name, Role: store.Admin, Password: hash}); err != nil {
		return err
	}
	user, err := d.store.User(c.r.Context(), form.Name)
	if err != nil {
		return err
	}
	d.setup.token = ""
	d.log.Info("first administrator made", "user", form.Name)
	if err := d.startSession(c, user); err != nil {
		return err
	}
	return c.redirect("/")
}

// checkSetup returns deadLink unless token is out and there is still no user. The
// caller holds the lock.
func (d *Dashboard) checkSetup(c *call, token string) error {
	if !d.setup.matches(token) {
		return deadLink
	}
	users, err := d.store.Users(c.r.Context())
	if err != nil {
		return err
	}
	if len(users) > 0 {
		d.setup.token = ""
		return deadLink
	}
	return nil
}
