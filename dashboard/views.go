package dashboard

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// viewsPath is the page of the saved views, behind that of its site, and of those of the list
// of sites, which are each user's own.
const viewsPath = "/views"

// Parameters of the page of the saved views.
const (
	byPage = "of"   // path of the page that is to be saved, whose parameters the address has
	byView = "view" // the one that is changed
)

// viewsPage lists the saved views of a site, or of the list of sites, that the user sees, with a
// form for a new one.
type viewsPage struct {
	Site        siteHead
	Nav         []navLink
	Form        *viewForm // nil: nothing is to be saved
	Done        string    // key of what was done; "": nothing
	Own, Shared []viewLine
}

// viewForm is a saved view as it is, or as it was typed.
type viewForm struct {
	Action, Remove string // URLs; Remove is "" for a new view
	Cancel         string // URL of the page without the view, or of the page that is not saved
	ID             string // "": a new one
	Name           string
	What           string // what is saved
	Days           string // the days of the period, where it may stay the last of its kind; "": it can't
	Last           string // key of what the last period of the kind is called
	Latest         bool   // it stays the last of its kind
	Shares         bool   // the user may share it
	Shared         bool
	Problem        string // key; "": none
	Seen           string // what scrubbing makes of the name, where that is the problem
}

// viewLine is a saved view in the list.
type viewLine struct {
	ID         uint64
	Name, What string
	URL        string // "": it leads nowhere any more
	By         string
	Change     string // URL; "": the user may not
	Chosen     bool   // it is in the form
}

// save returns the URL of the form that saves a page with the period, filters and parameters of
// the question, and that of the saved views from any other page.
func (q *question) save(path string) string {
	if !savable(q.site, path) || q.wrong != nil || q.badFilter != "" {
		return q.to(viewsPath).String()
	}
	a := q.kept(false)
	a.path = viewsPath
	a.own.Set(byPage, "/"+strings.TrimPrefix(path, "/")) // the overview has one, too
	return a.String()
}

// toSave returns the address that the form is to save, and false if there is none.
func (q *question) toSave() (address, bool) {
	path := strings.TrimSuffix(q.own.Get(byPage), "/")
	if !savable(q.site, path) || !q.own.Has(byPage) || q.wrong != nil {
		return address{}, false
	}
	a := q.address
	a.path = path
	if path == comparing {
		a.own["path"] = pathsOf(q.lang, q.typed["path"])
	}
	return a.kept(true), true
}

// viewsQuestion reads the address of a call to the saved views.
func (d *Dashboard) viewsQuestion(c *call) (*question, error) {
	filter := noFilters(c.r.URL.Query())
	q, err := c.plainQuestion(viewsPath)
	if err != nil || q.site != 0 {
		return q, err
	}
	if q.filters = nil; filter != nil {
		if c.wrong = filter; c.r.Method == http.MethodPost {
			return q, *filter
		}
	}
	sites, err := d.sites(c)
	if len(sites) > 0 {
		q.inZoneOf(sites[0])
	}
	return q, err
}

// showViews answers with the saved views of a site, or of the list of sites.
func (d *Dashboard) showViews(c *call) error {
	q, err := d.viewsQuestion(c)
	if err != nil {
		return err
	}
	views, err := d.store.Views(c.r.Context(), q.site, c.user.Name)
	if err != nil {
		return err
	}
	form := viewForm{Latest: q.period.Latest(), Shares: c.shares(site.View{Site: q.site, Owner: c.user.Name})}
	if id := q.own.Get(byView); id != "" {
		v, ok := c.changeable(views, id)
		if !ok {
			return notFound
		}
		form = viewForm{ID: id, Name: v.Name, Shared: v.Shared, Shares: c.shares(v)}
	}
	return d.renderViews(c, q, http.StatusOK, form, views)
}

// changeable returns the view with an ID if the user may change it.
func (c *call) changeable(views []site.View, id string) (site.View, bool) {
	i := slices.IndexFunc(views, func(v site.View) bool { return noteID(v.ID) == id })
	if i < 0 || !views[i].ChangedBy(c.user) {
		return site.View{}, false
	}
	return views[i], true
}

// shares reports whether the user may share a view, or share it no more: its owner who writes
// about the site. The list of sites differs from user to user, so its views are not shared.
func (c *call) shares(v site.View) bool {
	return v.Site != 0 && c.user.Role.Writes() && v.Owner == c.user.Name
}

// renderViews shows the page with the form as it was filled in.
func (d *Dashboard) renderViews(c *call, q *question, status int, form viewForm, views []site.View) error {
	l := c.lang
	plain := q.to(viewsPath)
	var page viewsPage
	if q.site != 0 {
		page.Site, page.Nav = d.head(q), q.rail(viewsPath)
	}
	if done := q.own.Get(byDone); slices.Contains([]string{"added", "changed", "removed"}, done) && status == http.StatusOK {
		page.Done = "views.done." + done
	}
	if a, ok := q.toSave(); ok && form.ID == "" {
		form.Action, form.Cancel, form.What = q.address.String(), a.String(), q.what(l, a)
		if a.latest && a.period.Kind != report.Today {
			form.Days, form.Last = nameWithDays(l, a.period), "views.last."+string(a.period.Kind)
			a.latest = false
		}
		page.Form = &form
	} else if form.ID != "" {
		form.Action, form.Cancel, form.Remove = plain.String(), plain.String(), q.to(viewsPath+"/remove").String()
		page.Form = &form
	}
	for _, v := range views {
		line := viewLine{ID: v.ID, Name: v.Name, What: l.Say("views.gone"), Chosen: noteID(v.ID) == form.ID}
		if a, ok := savedAddress(v, q.now, l); ok {
			line.URL, line.What = a.String(), q.what(l, a)
		}
		if v.ChangedBy(c.user) {
			line.Change = q.to(viewsPath, byView, noteID(v.ID)).String()
		}
		if !v.Shared {
			page.Own = append(page.Own, line)
			continue
		}
		line.By = l.Say("notes.by", v.Owner, l.Day(calendar.DayOf(v.Since.In(q.now.Location()))))
		page.Shared = append(page.Shared, line)
	}
	return d.render(c, status, "views", page)
}

// what says in a line what an address shows: its page, period, comparison and filters.
func (q *question) what(l *i18n.Language, a address) string {
	p, _ := findPage(a.path)
	text := p.text
	if p.own != "" {
		text = p.own
	}
	if text == "" {
		text = "views.card." + strings.TrimPrefix(p.path, "/")
	}
	if a.site == 0 {
		text = "sites.title"
	}
	parts := []string{l.Say(text)}
	for _, key := range []string{"path", "prefix", "name", "from", byTag} {
		parts = append(parts, a.own[key]...)
	}
	if found := a.own.Get(byFind); found != "" {
		parts = append(parts, l.Say("views.found", found))
	}
	if a.latest {
		parts = append(parts, l.Say("views.last."+string(a.period.Kind)))
	} else {
		parts = append(parts, nameWithDays(l, a.period))
	}
	if a.period.Against != report.PeriodBefore {
		parts = append(parts, lower(l.Say("compare."+string(a.period.Against))))
	}
	for _, chip := range (&question{address: a}).chips(l) {
		name := l.Say(chip.Dimension) + ":"
		if chip.Not {
			name = l.Say("filter.not", l.Say(chip.Dimension))
		}
		value := chip.Text
		if chip.Prefix {
			value += "*"
		} else if value == "" {
			value = l.Say("unknown")
		}
		parts = append(parts, name+" "+value)
	}
	return strings.Join(parts, " · ")
}

// nameWithDays is what a period is called, with its days if it is a week, which has no year.
func nameWithDays(l *i18n.Language, p report.Period) string {
	name := nameOfPeriod(l, p)
	if p.Kind == report.OneWeek {
		name += " (" + l.Range(p.Range) + ")"
	}
	return name
}

// putView adds or changes a view.
func (d *Dashboard) putView(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	q, err := d.viewsQuestion(c)
	if err != nil {
		return err
	}
	views, err := d.store.Views(c.r.Context(), q.site, c.user.Name)
	if err != nil {
		return err
	}
	post := c.r.PostForm
	form := viewForm{ID: post.Get(byView), Name: post.Get("title"), Latest: post.Get("latest") != "", Shared: post.Get("shared") != ""}
	v := site.View{Site: q.site, Owner: c.user.Name}
	done := "changed"
	switch a, ok := q.toSave(); {
	case form.ID != "":
		if v, ok = c.changeable(views, form.ID); !ok {
			return notFound
		}
	case !ok:
		return badRequest
	default:
		a.latest = a.latest && (form.Latest || a.period.Kind == report.Today)
		v.Page, v.Query, done = a.path, a.values().Encode(), "added"
	}
	v.Name = site.CleanNote(form.Name)
	if form.Shares = c.shares(v); form.Shares {
		v.Shared = form.Shared
	}
	if a, ok := q.toSave(); ok && form.ID == "" {
		orders := pageOrders
		if q.site == 0 {
			orders = siteOrders
		}
		if wrong := a.unknown(orders); wrong != nil {
			form.Problem, form.Seen = "views.wrong.address", shortened(wrong.Value)
		}
	}
	if wrong := v.Problem(); wrong != "" {
		form.Problem = "views.wrong." + string(wrong)
		if wrong == site.ViewPersonal {
			form.Seen = v.Scrubbed()
		}
	}
	if form.Problem == "" {
		err := d.store.PutView(c.r.Context(), v)
		switch {
		case err == nil:
			return c.redirect(q.to(viewsPath, byDone, done).String())
		case errors.Is(err, site.ErrManyViews):
			form.Problem = "views.many"
		case errors.Is(err, site.ErrSameView):
			form.Problem = "views.same"
		default:
			return err
		}
	}
	return d.renderViews(c, q, http.StatusUnprocessableEntity, form, views)
}

// removeView removes a view.
func (d *Dashboard) removeView(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	q, err := d.viewsQuestion(c)
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(c.r.PostForm.Get(byView), 10, 64)
	if err != nil {
		return badRequest.because(err)
	}
	views, err := d.store.Views(c.r.Context(), q.site, c.user.Name)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(views, func(v site.View) bool { return v.ID == id })
	switch { // one that somebody else has removed is as removed as the reader wants it
	case i >= 0 && !views[i].ChangedBy(c.user):
		return notFound
	case i >= 0:
		if err := d.store.RemoveView(c.r.Context(), q.site, id); err != nil {
			return err
		}
	}
	return c.redirect(q.to(viewsPath, byDone, "removed").String())
}
