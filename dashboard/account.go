package dashboard

import (
	"errors"
	"net/http"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/dashboard/password"
	"github.com/fotspor/fotspor/site"
)

// newPassword is the part of a form in which somebody chooses a password.
type newPassword struct {
	MinLength int
	Problem   string // key of its text; "": none
}

// choose reads a new password and its repetition and returns the hash, or the problem
// with it. The words are the user's name and all else that an attacker would try.
func (d *Dashboard) choose(c *call, words ...string) (hash string, form newPassword, err error) {
	form.MinLength = password.MinLength
	sites, err := d.store.Sites(c.r.Context())
	if err != nil {
		return "", form, err
	}
	for _, site := range sites {
		words = append(words, password.Words(site.Hosts)...)
	}
	words = append(words, password.Words([]string{c.r.Host})...)
	pass := c.r.PostForm.Get("password")
	if pass != c.r.PostForm.Get("again") {
		form.Problem = "password.differ"
		return "", form, nil
	}
	hash, err = d.passwords.Hash(c.r.Context(), pass, words...)
	switch {
	case errors.Is(err, password.ErrLength):
		form.Problem, err = "password.short", nil
	case errors.Is(err, password.ErrCommon):
		form.Problem, err = "password.common", nil
	}
	return hash, form, err
}

// accountPage is what users see of themselves.
type accountPage struct {
	Name     string
	Role     site.Role
	All      bool // sees all sites
	Sites    []string
	New      newPassword
	Problem  string // with the current password; key of its text
	EndWrong string // the same, of the other form
	Wait     time.Duration
	Done     string // key of what has been done
	Sessions []sessionLine
}

func (d *Dashboard) showAccount(c *call) error {
	done := c.r.URL.Query().Get("done")
	if done != "password" && done != "sessions" {
		done = ""
	}
	return d.renderAccount(c, http.StatusOK, accountPage{Done: done})
}

func (d *Dashboard) renderAccount(c *call, status int, page accountPage) error {
	page.Name, page.Role, page.All = c.user.Name, c.user.Role, c.user.Sees(0)
	page.New.MinLength = password.MinLength
	sites, err := d.sites(c)
	if err != nil {
		return err
	}
	for _, site := range sites {
		page.Sites = append(page.Sites, site.Name)
	}
	if page.Sessions, err = d.sessionLines(c, c.user.Name); err != nil {
		return err
	}
	return d.render(c, status, "account", page)
}

// authenticate asks once more for the password of who is logged in: a session can be
// stolen, or a screen left open. It returns the problem, and for how long to wait.
func (d *Dashboard) authenticate(c *call) (problem string, wait time.Duration, err error) {
	by := countedBy(byAccount, c.user.Name)
	if wait = d.throttle.attempt(c.now, by); wait > 0 {
		d.refusals.add(c.now, audit.PasswordRefused, c.user.Name)
		return "password.wait", c.waitFor(wait), nil
	}
	user, err := d.store.User(c.r.Context(), c.user.Name)
	if err != nil {
		return "", 0, err
	}
	ok, err := d.passwords.Verify(c.r.Context(), user.Password, c.r.PostForm.Get("current"))
	if err != nil {
		return "", 0, err
	}
	if !ok {
		d.refusals.add(c.now, audit.PasswordRefused, c.user.Name)
		return "password.wrong", 0, nil
	}
	d.throttle.forgive(by)
	return "", 0, nil
}

// changePassword gives a user another password, which ends all sessions but this one,
// and makes other devices unknown.
func (d *Dashboard) changePassword(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	problem, wait, err := d.authenticate(c)
	if err != nil {
		return err
	}
	if problem != "" {
		return d.renderAccount(c, statusOf(wait), accountPage{Problem: problem, Wait: wait})
	}
	hash, form, err := d.choose(c, c.user.Name)
	if err != nil {
		return err
	}
	if form.Problem == "" && password.Same(c.r.PostForm.Get("current"), c.r.PostForm.Get("password")) {
		form.Problem = "password.same"
	}
	if form.Problem != "" {
		return d.renderAccount(c, http.StatusUnprocessableEntity, accountPage{New: form})
	}
	if err := d.store.SetPassword(c.r.Context(), c.user.Name, hash); err != nil {
		return err
	}
	return d.renew(c, "/account?done=password")
}

// statusOf is the status of a refused password.
func statusOf(wait time.Duration) int {
	if wait > 0 {
		return http.StatusTooManyRequests
	}
	return http.StatusForbidden
}

// endOwnSessions ends all sessions of a user but this one.
func (d *Dashboard) endOwnSessions(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	problem, wait, err := d.authenticate(c)
	if err != nil {
		return err
	}
	if problem != "" {
		return d.renderAccount(c, statusOf(wait), accountPage{EndWrong: problem, Wait: wait})
	}
	if err := d.store.EndSessions(c.r.Context(), c.user.Name); err != nil {
		return err
	}
	return d.renew(c, "/account?done=sessions")
}

// renew gives a user whose sessions have just ended a new one, and leads to a page.
func (d *Dashboard) renew(c *call, to string) error {
	user, err := d.store.User(c.r.Context(), c.user.Name)
	if err != nil {
		return err
	}
	if err := d.startSession(c, user); err != nil {
		return err
	}
	return c.redirect(to)
}
