package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

const (
	rightsURL = "/admin/rights"
	letterURL = rightsURL + "/letter"
)

// Rights finds and erases what people ask about. It is safe for concurrent use.
type Rights interface {
	privacy.Ledger
	// Find calls f with each text that a selection chooses, and where it stands, until f returns
	// an error.
	Find(ctx context.Context, s privacy.Selection, f func(privacy.FoundText) error) error
	// Rules returns the path rules of all sites, for a selection by marks.
	Rules(ctx context.Context) (map[uint32]privacy.PathRules, error)
	// Complete adds to what a report says of a request what could not be looked at.
	Complete(ctx context.Context, a privacy.Asked) (privacy.Asked, error)
	// NoteLookedUp notes in the audit log by which kind of selection the actor of ctx looks
	// something up.
	NoteLookedUp(ctx context.Context, s privacy.Selection) error
}

// Bounds of the page.
const (
	rightsTime  = 10 * time.Minute // for a look-up or an erasure, which may wait for the disk
	shortTime   = 50 * time.Second // where the server does not let an answer take that long
	foundTexts  = 100              // listed; the others are counted
	foundBytes  = 200              // shown of each text
	asksBytes   = 1000             // of what is typed
	openCases   = 200              // requests without an answer that are listed
	answerLines = 100              // requests with one
)

// rightsKinds are by what one can look up, in the order of the form.
var rightsKinds = []string{"network", "text", "path", "pattern", "marks", "time"}

// rightsPage is for those who answer people who ask what is stored about them. What is typed is
// in the answer to its form alone.
type rightsPage struct {
	Off      bool // this process can't look anything up
	Form     rightsForm
	Found    *rightsFound
	Letter   *rightsLetter
	Register register
}

// rightsForm is what to look for, as it was typed.
type rightsForm struct {
	By, What, Site, From, To, Case, Lang string
	Kinds                                []string
	Sites                                []siteChoice
	Cases                                []string
	Languages                            []languageLink
	Problem                              string // key of its text; "": none
	NoSite                               bool   // the problem is the site
}

// rightsFound is what an erasure would take out.
type rightsFound struct {
	Says     []string
	Texts    []foundText
	More     string
	Nothing  bool
	Problem  string // with the password; key of its text
	Wait     time.Duration
	OfTexts  bool
	Selected []hidden
}

// foundText is a text in one place.
type foundText struct{ Where, Site, Lines, Days, Text string }

// rightsLetter is a letter to the person, in Markdown.
type rightsLetter struct {
	Text, Lang string
	Rows       int
	Erased     string // what was erased; "": nothing was
	Again      bool   // more came in meanwhile
}

// register is the register of requests.
type register struct {
	Lines   []requestLine
	Hidden  string // how many are not listed
	Late    string // how many are late
	Kinds   []privacy.RequestKind
	Case    string
	Kind    privacy.RequestKind
	Day     string
	Problem string // key of its text; "": none
	At      string // the case that the problem is with; "": that of the form for a new one
	Wrong   string // key of the text of a problem with none of the forms; "": none
	Done    string // key of what has been done
}

type requestLine struct {
	Case                         string
	Kind                         privacy.RequestKind
	Received, AnswerBy, Answered string
	Extended, Overdue            bool
	By                           string
	Day                          string // today
	Problem                      string
}

func (d *Dashboard) showRights(c *call) error {
	done := c.r.URL.Query().Get("done")
	page := rightsPage{}
	if slices.Contains([]string{"add", "extend", "answer", "remove"}, done) {
		page.Register.Done = "requests.done." + done
	}
	return d.renderRights(c, http.StatusOK, page)
}

// answerRights does what a form of the page asks for.
func (d *Dashboard) answerRights(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	switch c.r.PostForm.Get("do") {
	case "find", "erase":
		return d.lookUp(c)
	case "add", "extend", "answer", "remove":
		return d.changeRequests(c)
	}
	return badRequest
}

// takeLong gives a call longer than others, and its answer a minute more. The function that it
// returns ends what the call began.
func (d *Dashboard) takeLong(c *call, long time.Duration) context.CancelFunc {
	if http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(long+time.Minute)) != nil {
		long = min(long, shortTime)
	}
	ctx, cancel := context.WithTimeout(audit.As(c.whole, audit.ActorOf(c.r.Context())), long)
	c.r = c.r.WithContext(ctx)
	return cancel
}

// lookUp shows what is held of what somebody asks about, or erases it. One look-up runs at a
// time, so that a store is not read as a whole by many at once.
func (d *Dashboard) lookUp(c *call) error {
	if d.subjects == nil {
		return notFound
	}
	if !d.lookingUp.TryLock() {
		return crowded
	}
	defer d.lookingUp.Unlock()
	defer d.takeLong(c, rightsTime)()

	page := rightsPage{Form: rightsForm{By: "network"}}
	f := &page.Form
	for name, value := range map[string]*string{"by": &f.By, "what": &f.What, "site": &f.Site, "from": &f.From, "to": &f.To, "case": &f.Case, "letter": &f.Lang} {
		*value = strings.TrimSpace(c.r.PostForm.Get(name))
	}
	s, asked, err := d.selected(c, f)
	if err != nil {
		return err
	}
	if f.Problem != "" {
		return d.renderRights(c, http.StatusUnprocessableEntity, page)
	}
	lang := d.languages.Find(f.Lang)
	if lang == nil || i18n.Find(f.Lang) == nil { // letters are in those of the program
		lang = i18n.All()[0]
	}
	f.Lang = lang.Tag
	if c.r.PostForm.Get("do") == "erase" {
		problem, wait, err := d.authenticate(c)
		if err != nil {
			return err
		}
		if problem == "" {
			return d.erase(c, page, s, asked, lang)
		}
		if err := d.find(c, &page, s, asked, lang); err != nil {
			return err
		}
		page.Found.Problem, page.Found.Wait = problem, wait
		return d.renderRights(c, statusOf(wait), page)
	}
	if err := d.subjects.NoteLookedUp(c.r.Context(), s); err != nil {
		return err
	}
	if err := d.find(c, &page, s, asked, lang); err != nil {
		return err
	}
	return d.renderRights(c, http.StatusOK, page)
}

// selected reads what a form selects, and what is known of the request. A mistake is told in
// f.Problem. An address is cut at once, and what is shown again is its network.
func (d *Dashboard) selected(c *call, f *rightsForm) (s privacy.Selection, asked privacy.Asked, err error) {
	all, err := d.policies(c)
	if err != nil {
		return s, asked, err
	}
	policy := policyIn(all)
	asked.Policy = policy
	f.Problem = "rights.wrong." + f.By
	switch f.By {
	case "network":
		if address, err := netip.ParseAddr(f.What); err == nil {
			f.What = geo.Cut(hit.NewAddr(address), policy.Bits4, policy.Bits6)
		}
		s.Network = f.What
	case "text":
		s.Text = f.What
	case "path":
		s.Path = f.What
	case "pattern":
		s.Pattern = f.What
	case "marks":
		s.Marks, f.What = true, ""
		if s.Rules, err = d.subjects.Rules(c.r.Context()); err != nil {
			return s, asked, err
		}
	case "time":
		f.What = ""
	default:
		return s, asked, badRequest
	}
	if s.Kind() != f.By || len(f.What) > asksBytes {
		if f.By == "network" { // it may be an address that was mistyped
			f.What = ""
		}
		return s, asked, nil
	}
	if f.Site != "" {
		id, err := strconv.ParseUint(f.Site, 10, 32)
		if err != nil {
			return s, asked, badRequest.because(err)
		}
		s.Site = uint32(id)
		sites, err := d.sites(c)
		if err != nil {
			return s, asked, err
		}
		if !slices.ContainsFunc(sites, func(of site.Site) bool { return of.ID == s.Site }) {
			f.Problem, f.NoSite = "rights.wrong.site", true
			return s, asked, nil
		}
	}
	var fromErr, toErr error
	s.From, fromErr = readMoment(f.From)
	s.To, toErr = readMoment(f.To)
	if fromErr != nil || toErr != nil || !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To) {
		f.Problem = "rights.wrong.time"
		return s, asked, nil
	}
	checked, wrong := s.Checked(policy)
	if wrong != nil {
		if f.By == "network" {
			f.What = ""
		}
		return s, asked, nil
	}
	if f.Case != "" {
		r, err := d.store.Request(c.r.Context(), f.Case)
		if errors.Is(err, privacy.ErrNoRequest) {
			f.Problem = "requests.wrong.gone"
			return s, asked, nil
		}
		if err != nil {
			return s, asked, err
		}
		asked.Case, asked.Received, asked.Extended = r.Case, r.Received, r.Extended
	}
	f.Problem = ""
	asked.Selection = checked
	asked, err = d.subjects.Complete(c.r.Context(), asked)
	return checked, asked, err
}

// readMoment reads a day as its start in UTC, or a time in UTC; "" is no limit.
func readMoment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Parse(time.RFC3339, text)
}

// errEnough ends a list of texts.
var errEnough = errors.New("that many texts are not listed")

// mostTexts is how many places of texts are looked at for the list.
const mostTexts = 100_000

// find fills in what is held of a selection, where its texts stand, and the letter.
func (d *Dashboard) find(c *call, page *rightsPage, s privacy.Selection, asked privacy.Asked, lang *i18n.Language) error {
	ctx := c.r.Context()
	report, err := privacy.Access(ctx, d.subjects, asked.Policy, s)
	if err != nil {
		return err
	}
	report.Asked = asked
	text, err := report.Letter(lang)
	if err != nil {
		return err
	}
	page.Letter = newLetter(text, lang)
	f := &rightsFound{OfTexts: s.OfTexts(), Nothing: report.Held.All() == 0}
	page.Found = f
	switch {
	case f.Nothing:
		f.Says = []string{c.lang.Say("rights.nothing")}
	case s.OfTexts():
		f.Says = []string{c.lang.Say("rights.replaced", c.lang.Number(report.Held.Rows), c.lang.Number(report.Held.Lines))}
		written, err := report.Held.Written(c.lang)
		if err != nil {
			return internal.because(err)
		}
		if written != "" {
			f.Says = append(f.Says, c.lang.Say("rights.written", written))
		}
	default:
		f.Says = []string{c.lang.Counted("rights.rows", report.Held.Rows)}
		if !report.Held.First.IsZero() {
			day := func(t time.Time) string { return c.lang.Day(calendar.DayOf(t.UTC())) }
			f.Says = append(f.Says, c.lang.Say("policy.days", day(report.Held.First), day(report.Held.Last)))
		}
	}
	for _, name := range []string{"by", "what", "site", "from", "to", "case", "letter"} {
		f.Selected = append(f.Selected, hidden{name, map[string]string{
			"by": page.Form.By, "what": page.Form.What, "site": page.Form.Site, "from": page.Form.From, "to": page.Form.To, "case": page.Form.Case, "letter": page.Form.Lang,
		}[name]})
	}
	if !s.OfTexts() || f.Nothing {
		return nil
	}
	n := 0
	err = d.subjects.Find(ctx, s, func(t privacy.FoundText) error {
		if n++; n > mostTexts {
			return errEnough
		}
		if n > foundTexts {
			return nil
		}
		line := foundText{Where: t.Table, Lines: c.lang.Number(t.Lines), Text: clipped(t.Value)}
		for _, part := range []string{t.Dimension, t.Column} {
			if part != "" {
				line.Where += " · " + part
			}
		}
		if t.Site > 0 {
			line.Site = strconv.FormatUint(uint64(t.Site), 10)
		}
		if t.First > 0 {
			line.Days = c.lang.Day(t.First)
			if t.Last != t.First {
				line.Days += " – " + c.lang.Day(t.Last)
			}
		}
		f.Texts = append(f.Texts, line)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if n > foundTexts {
		f.More = c.lang.Say("rights.more", c.lang.Number(foundTexts), c.lang.Number(int64(n)))
	}
	return nil
}

// clipped returns the begin of a text.
func clipped(text string) string {
	if len(text) <= foundBytes {
		return text
	}
	return strings.ToValidUTF8(text[:foundBytes], "") + "…"
}

func newLetter(text string, lang *i18n.Language) *rightsLetter {
	return &rightsLetter{Text: text, Lang: lang.Tag, Rows: min(30, strings.Count(text, "\n")+1)}
}

// erase takes out what was selected, and shows the letter with its receipt.
func (d *Dashboard) erase(c *call, page rightsPage, s privacy.Selection, asked privacy.Asked, lang *i18n.Language) error {
	report, err := privacy.Erase(c.r.Context(), d.subjects, asked.Policy, s)
	if err != nil {
		return err
	}
	report.Asked = asked
	text, err := report.Letter(lang)
	if err != nil {
		return err
	}
	page.Letter = newLetter(text, lang)
	page.Letter.Again = report.Erased.Left.All() > 0
	page.Letter.Erased = c.lang.Say("rights.erased", c.lang.Number(report.Erased.Rows), c.lang.Number(report.Erased.Lines), c.lang.Number(int64(report.Erased.Receipt)))
	written, err := report.Erased.Written(c.lang)
	if err != nil {
		return internal.because(err)
	}
	if written != "" {
		page.Letter.Erased += " " + c.lang.Say("rights.erased.written", written)
	}
	page.Form = rightsForm{By: page.Form.By, Lang: page.Form.Lang, Case: page.Form.Case}
	return d.renderRights(c, http.StatusOK, page)
}

// writeLetter returns a letter that stands in a form as a file.
func (d *Dashboard) writeLetter(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	format := privacy.Format(c.r.PostForm.Get("format"))
	lang := i18n.Find(c.r.PostForm.Get("lang"))
	if !slices.Contains(privacy.Formats, format) || lang == nil {
		return badRequest
	}
	text, err := privacy.FormatLetter(lang, strings.ReplaceAll(c.r.PostForm.Get("text"), "\r\n", "\n"), format)
	if err != nil {
		return internal.because(err)
	}
	c.w.Header().Set("Content-Disposition", `attachment; filename="letter.`+string(format)+`"`)
	contentType := map[privacy.Format]string{privacy.PlainText: "text/plain", privacy.Markdown: "text/markdown", privacy.Page: "text/html"}[format]
	c.answer(http.StatusOK, contentType+"; charset=utf-8", []byte(text))
	return nil
}

// wrongRequests are the keys of the texts of what the register refuses.
var wrongRequests = map[error]string{
	privacy.ErrCase: "requests.wrong.case", privacy.ErrKnown: "requests.wrong.known", privacy.ErrManyRequest: "requests.wrong.many", privacy.ErrRequestDay: "requests.wrong.day",
	privacy.ErrNoRequest: "requests.wrong.gone", privacy.ErrAnswered: "requests.wrong.answered", privacy.ErrExtended: "requests.wrong.extended", privacy.ErrExtendLate: "requests.wrong.late",
}

// changeRequests changes the register.
func (d *Dashboard) changeRequests(c *call) error {
	post, ctx := c.r.PostForm, c.r.Context()
	do, number, today := post.Get("do"), strings.TrimSpace(post.Get("case")), calendar.DayOf(c.now.UTC())
	day, err := readMoment(post.Get("day"))
	on := calendar.DayOf(day)
	if err != nil || post.Get("day") == "" {
		on = 0 // no day: refused where one is needed
	}
	switch do {
	case "add":
		if !slices.Contains(privacy.RequestKinds, privacy.RequestKind(post.Get("kind"))) {
			return badRequest
		}
		err = d.store.AddRequest(ctx, privacy.Request{Case: number, Kind: privacy.RequestKind(post.Get("kind")), Received: on}, today)
	case "extend":
		err = d.store.ChangeRequest(ctx, number, today, audit.RequestExtended, func(r *privacy.Request) error { return r.Extend(today) })
	case "answer":
		err = d.store.ChangeRequest(ctx, number, today, audit.RequestAnswered, func(r *privacy.Request) error {
			if on == 0 {
				return privacy.ErrRequestDay
			}
			return r.Answer(on)
		})
	case "remove":
		err = d.store.RemoveRequest(ctx, number)
	}
	if err == nil {
		return c.redirect(rightsURL + "?done=" + do)
	}
	for wrong, key := range wrongRequests {
		if errors.Is(err, wrong) {
			page := rightsPage{Register: register{Problem: key, Day: post.Get("day"), Kind: privacy.RequestKind(post.Get("kind"))}}
			if page.Register.Case = number; do != "add" {
				page.Register.Case, page.Register.At = "", number
			}
			return d.renderRights(c, http.StatusUnprocessableEntity, page)
		}
	}
	return err
}

// renderRights adds the register and what there is to choose from.
func (d *Dashboard) renderRights(c *call, status int, page rightsPage) error {
	page.Off = d.subjects == nil
	sites, err := d.sites(c)
	if err != nil {
		return err
	}
	f := &page.Form
	f.Kinds = rightsKinds
	if f.By == "" {
		f.By = f.Kinds[0]
	}
	if f.Lang == "" {
		f.Lang = c.lang.Tag
	}
	for _, s := range sites {
		f.Sites = append(f.Sites, siteChoice{s.ID, s.Name, strconv.FormatUint(uint64(s.ID), 10) == f.Site})
	}
	for _, l := range i18n.All() {
		f.Languages = append(f.Languages, languageLink{Tag: l.Tag, Name: l.Name})
	}
	all, err := d.store.Requests(c.r.Context())
	if err != nil {
		return err
	}
	r, today := &page.Register, calendar.DayOf(c.now.UTC())
	r.Kinds = privacy.RequestKinds
	if r.Kind == "" {
		r.Kind = r.Kinds[0]
	}
	if r.Day == "" {
		r.Day = today.String()
	}
	hiddenLines, late, open, answered := 0, 0, 0, 0
	for _, one := range all {
		line := requestLine{
			Case: one.Case, Kind: one.Kind, Received: c.lang.Day(one.Received), AnswerBy: c.lang.Day(one.AnswerBy()),
			Extended: one.Extended, Overdue: one.Overdue(today), By: one.By, Day: today.String(),
		}
		if line.Overdue {
			late++
		}
		if one.Answered > 0 {
			line.Answered = c.lang.Day(one.Answered)
			answered++
		} else {
			open++
		}
		if r.At == one.Case && one.Answered == 0 && r.Problem != "" {
			line.Problem, line.Day, r.Problem = r.Problem, r.Day, ""
		}
		if open > openCases && one.Answered == 0 || answered > answerLines {
			hiddenLines++
			continue
		}
		if one.Answered == 0 {
			f.Cases = append(f.Cases, one.Case)
		}
		r.Lines = append(r.Lines, line)
	}
	if r.At != "" { // no form is of that case
		r.Wrong, r.Problem = r.Problem, ""
	}
	if late > 0 {
		r.Late = c.lang.Counted("requests.late", int64(late))
	}
	if hiddenLines > 0 {
		r.Hidden = c.lang.Counted("requests.hidden", int64(hiddenLines))
	}
	return d.render(c, status, "rights", page)
}
