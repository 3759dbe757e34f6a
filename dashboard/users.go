package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/dashboard/password"
	"github.com/fotspor/fotspor/site"
)

// usersPage lists the users, with a form for a new one.
type usersPage struct {
	Users []userLine
	Form  userForm
	Done  string // key of what has been done
}

type userLine struct {
	Name, URL string
	Role      site.Role
	All       bool
	Sites     []string
	Sessions  int64
}

// userForm says what a user may see and do. Its fields are those of the form for a new
// user, and of the page of a user who is there.
type userForm struct {
	Name    string
	Role    site.Role // zero: viewer
	All     bool
	Sites   []siteChoice
	New     newPassword
	Problem string // key of its text; "": none
	// SitesProblem is the same, of the choice of sites.
	SitesProblem string
	Done         string // key of what has been done
	Confirm      bool   // the removal was not confirmed
}

type siteChoice struct {
	ID     uint32
	Name   string
	Chosen bool
}

// choices are all sites, with those that a user sees chosen.
func choices(sites []site.Site, u site.User) []siteChoice {
	var all []siteChoice
	for _, site := range sites {
		all = append(all, siteChoice{site.ID, site.Name, slices.Contains(u.Sites, site.ID)})
	}
	return all
}

// rights reads role and sites from a form, and returns the problem with them. Without a
// word about sites an editor or viewer sees none.
func (d *Dashboard) rights(c *call, u *site.User) (problem string, err error) {
	post := c.r.PostForm
	u.Role = site.Role(post.Get("role"))
	if err := u.Role.Validate(); err != nil {
		return "", badRequest.because(err)
	}
	u.Restricted, u.Sites = post.Get("all") == "", nil
	for _, text := range post["site"] {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return "", badRequest.because(err)
		}
		u.Sites = append(u.Sites, uint32(id))
	}
	switch {
	case len(u.Sites) > 0 && u.Role == site.Admin:
		return "users.adminSites", nil
	case len(u.Sites) > 0 && !u.Restricted:
		return "users.allOrSome", nil
	}
	sites, err := d.store.Sites(c.r.Context())
	for _, id := range u.Sites {
		if !slices.ContainsFunc(sites, func(s site.Site) bool { return s.ID == id }) {
			return "users.noSite", err
		}
	}
	return "", err
}

func (d *Dashboard) showUsers(c *call) error {
	if name := c.r.URL.Query().Get("name"); name != "" {
		user, err := d.store.User(c.r.Context(), name)
		if err != nil {
			return err
		}
		return d.renderUser(c, http.StatusOK, user, userForm{Done: c.done()})
	}
	return d.renderUsers(c, http.StatusOK, userForm{}, site.User{})
}

// done is the key of what has just been done, which the address of the page says.
func (c *call) done() string {
	key := c.r.URL.Query().Get("done")
	if !slices.Contains([]string{"added", "rights", "password", "sessions", "removed"}, key) {
		return ""
	}
	return "users.done." + key
}

// renderUsers shows the list, with the form for a new user as it was filled in.
func (d *Dashboard) renderUsers(c *call, status int, form userForm, chosen site.User) error {
	ctx := c.r.Context()
	users, err := d.store.Users(ctx)
	if err != nil {
		return err
	}
	sites, err := d.store.Sites(ctx)
	if err != nil {
		return err
	}
	sessions, err := d.store.Sessions(ctx, "", c.now, sessionIdle)
	if err != nil {
		return err
	}
	form.Sites, form.New.MinLength = choices(sites, chosen), password.MinLength
	page := usersPage{Form: form, Done: c.done()}
	for _, u := range users {
		line := userLine{Name: u.Name, URL: userURL(u.Name, ""), Role: u.Role, All: u.Sees(0)}
		for _, site := range sites {
			if u.Sees(site.ID) {
				line.Sites = append(line.Sites, site.Name)
			}
		}
		for _, s := range sessions {
			if s.User == u.Name {
				line.Sessions++
			}
		}
		page.Users = append(page.Users, line)
	}
	return d.render(c, status, "users", page)
}

func userURL(name, done string) string {
	query := url.Values{"name": {name}}
	if done != "" {
		query.Set("done", done)
	}
	return "/admin/users?" + query.Encode()
}

func (d *Dashboard) renderUser(c *call, status int, u site.User, form userForm) error {
	sites, err := d.store.Sites(c.r.Context())
	if err != nil {
		return err
	}
	form.Name, form.Role, form.All = u.Name, u.Role, u.Role != site.Admin && !u.Restricted
	form.Sites, form.New.MinLength = choices(sites, u), password.MinLength
	return d.render(c, status, "user", form)
}

// addUser makes a user.
func (d *Dashboard) addUser(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	u := site.User{Name: site.CleanName(c.r.PostForm.Get("name"))}
	problem, err := d.rights(c, &u)
	if err != nil {
		return err
	}
	form := userForm{Name: u.Name, Role: u.Role, All: !u.Restricted, SitesProblem: problem}
	if u.Password, form.New, err = d.choose(c, u.Name); err != nil {
		return err
	}
	if site.ValidateName(u.Name) != nil {
		form.Problem = "users.badName"
	}
	if form.Problem == "" && form.SitesProblem == "" && form.New.Problem == "" {
		err := d.store.AddUser(c.r.Context(), u)
		if err == nil {
			return c.redirect("/admin/users?done=added")
		}
		if !errors.Is(err, site.ErrExists) {
			return err
		}
		form.Problem = "users.exists"
	}
	return d.renderUsers(c, http.StatusUnprocessableEntity, form, u)
}

// changeUser makes the handler of a form on the page of a user. It reads the form and
// finds the user; change does the rest, or fills in the form that is shown again.
func (d *Dashboard) changeUser(done string, change func(c *call, u *site.User, form *userForm) error) handler {
	return func(c *call) error {
		if err := c.parseForm(); err != nil {
			return err
		}
		u, err := d.store.User(c.r.Context(), c.r.PostForm.Get("name"))
		if err != nil {
			return err
		}
		var form userForm
		err = change(c, &u, &form)
		if errors.Is(err, site.ErrLastAdmin) {
			form.Problem, err = "users.lastAdmin", nil
		}
		switch {
		case err != nil:
			return err
		case form.Problem != "" || form.SitesProblem != "" || form.New.Problem != "" || form.Confirm:
			return d.renderUser(c, http.StatusUnprocessableEntity, u, form)
		case done == "removed":
			return c.redirect("/admin/users?done=removed")
		default: // whoever has changed herself has no session any more
			return c.redirect(userURL(u.Name, done))
		}
	}
}

// changeRights leaves what was chosen in u, so that a form that is shown again has it.
func (d *Dashboard) changeRights(c *call, u *site.User, form *userForm) error {
	var err error
	if form.SitesProblem, err = d.rights(c, u); err != nil || form.SitesProblem != "" {
		return err
	}
	return d.store.SetRights(c.r.Context(), u.Name, u.Role, u.Restricted, u.Sites)
}

func (d *Dashboard) setPassword(c *call, u *site.User, form *userForm) (err error) {
	var hash string
	if hash, form.New, err = d.choose(c, u.Name); err != nil || form.New.Problem != "" {
		return err
	}
	return d.store.SetPassword(c.r.Context(), u.Name, hash)
}

func (d *Dashboard) endSessions(c *call, u *site.User, form *userForm) error {
	return d.store.EndSessions(c.r.Context(), u.Name)
}

func (d *Dashboard) removeUser(c *call, u *site.User, form *userForm) error {
	if form.Confirm = c.r.PostForm.Get("sure") == ""; form.Confirm {
		return nil
	}
	return d.store.RemoveUser(c.r.Context(), u.Name)
}

// sessionsPage lists who is logged in.
type sessionsPage struct {
	Sessions []sessionLine
	Gone     bool // the one to be ended has ended already
}

type sessionLine struct {
	ID      string // hash of the cookie, which opens nothing
	User    string
	Created time.Time
	Seen    time.Time
	Own     bool // the one that asks
}

// sessionLines are the sessions of a user, or of all if the name is empty.
func (d *Dashboard) sessionLines(c *call, user string) ([]sessionLine, error) {
	sessions, err := d.store.Sessions(c.r.Context(), user, c.now, sessionIdle)
	own := ""
	if cookie, err := c.r.Cookie(c.cookieName()); err == nil {
		own = sessionID(cookie.Value)
	}
	var lines []sessionLine
	for _, s := range sessions {
		lines = append(lines, sessionLine{s.ID, s.User, s.Created, s.Seen, s.ID == own})
	}
	return lines, err
}

func (d *Dashboard) showSessions(c *call) error {
	return d.renderSessions(c, http.StatusOK, sessionsPage{})
}

func (d *Dashboard) renderSessions(c *call, status int, page sessionsPage) (err error) {
	if page.Sessions, err = d.sessionLines(c, ""); err != nil {
		return err
	}
	return d.render(c, status, "sessions", page)
}

// endSessionOf ends one session, or all there are.
func (d *Dashboard) endSessionOf(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	ctx := c.r.Context()
	id := c.r.PostForm.Get("id")
	sessions, err := d.store.Sessions(ctx, "", c.now, sessionIdle)
	if err != nil {
		return err
	}
	all, found := c.r.PostForm.Get("all") != "", false
	for _, s := range sessions {
		if !all && s.ID != id {
			continue
		}
		found = true
		if err := d.store.Note(ctx, c.entry(audit.SessionEnded, s.User)); err != nil {
			return err
		}
		if err := d.store.EndSession(ctx, s); err != nil {
			return err
		}
	}
	if !found && !all {
		return d.renderSessions(c, http.StatusNotFound, sessionsPage{Gone: true})
	}
	return c.redirect("/admin/sessions")
}

// entry is a line of the audit log about what the user of a call does.
func (c *call) entry(action audit.Action, about string) audit.Entry {
	return audit.Entry{Time: c.now, Actor: audit.Actor{Via: audit.Page, Name: c.user.Name}, Action: action, About: about}
}
