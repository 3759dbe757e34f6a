package dashboard

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// notesPath is the page of the notes, behind that of its site.
const notesPath = "/notes"

// Parameters of the page of the notes.
const (
	byNote = "note" // the one that is changed
	byDay  = "day"  // that a new one is about
	byDone = "done" // what was done
)

// notesPage lists the notes about a site, with a form for who may write.
type notesPage struct {
	Site      siteHead
	Nav       []navLink
	CSV, JSON string
	Form      *noteForm // nil: the user reads
	Done      string    // key of what was done; "": nothing
	Notes     []noteLine
}

// noteForm is a note as it is, or as it was typed.
type noteForm struct {
	Action, Remove string // URLs; Remove is "" for a new note
	Cancel         string // URL of the page without the note
	ID             string // "": a new one
	From, To, Text string
	DaysProblem    string // key; "": none
	TextProblem    string
	Seen           string // what scrubbing makes of the text, where that is the problem
	Most           int    // characters
}

// noteLine is a note in the list.
type noteLine struct {
	ID         uint64
	When, Text string
	Shows      string // URL of a chart with its days; "": they are to come
	By         string // who wrote it, and when
	Change     string // URL; "" for who reads
	Chosen     bool   // it is in the form
}

// notesQuestion reads the address of the page of the notes.
func (d *Dashboard) notesQuestion(c *call) (*question, error) {
	q, err := c.plainQuestion(notesPath)
	if err == nil {
		q.ctx, q.dashboard = c.r.Context(), d
	}
	return q, err
}

// everyDay is the range of all days that a store has.
var everyDay = calendar.Range{From: 0, To: math.MaxUint16}

// showNotes answers with the notes about a site.
func (d *Dashboard) showNotes(c *call) error {
	q, err := d.notesQuestion(c)
	if err != nil {
		return err
	}
	notes, err := d.store.Notes(c.r.Context(), q.site, everyDay)
	if err != nil {
		return err
	}
	slices.Reverse(notes) // the newest first
	switch c.format {
	case "json":
		return c.answerJSON(map[string]any{"site": q.site, "about": q.about(), "notes": notesJSON(notes)})
	case "csv":
		return c.answerNotesCSV(q, notes)
	}
	form := noteForm{From: calendar.DayOf(q.now).String()}
	if day, err := calendar.ParseDay(q.own.Get(byDay)); err == nil {
		form.From = day.String()
	}
	if id := q.own.Get(byNote); id != "" && c.user.Role.Writes() {
		i := slices.IndexFunc(notes, func(n site.Note) bool { return noteID(n.ID) == id })
		if i < 0 {
			return notFound
		}
		form.ID, form.From, form.To, form.Text = id, notes[i].Days.From.String(), notes[i].Days.To.String(), notes[i].Text
	}
	return d.renderNotes(c, q, http.StatusOK, form, notes)
}

func noteID(id uint64) string { return strconv.FormatUint(id, 10) }

// renderNotes shows the page with the form as it was filled in.
func (d *Dashboard) renderNotes(c *call, q *question, status int, form noteForm, notes []site.Note) error {
	l := c.lang
	plain := q.to(notesPath)
	page := notesPage{Site: d.head(q), Nav: q.rail(notesPath), CSV: plain.as("csv"), JSON: plain.as("json")}
	if done := q.own.Get(byDone); slices.Contains([]string{"added", "changed", "removed"}, done) && status == http.StatusOK {
		page.Done = "notes.done." + done
	}
	if c.user.Role.Writes() {
		form.Action, form.Cancel, form.Most = plain.String(), plain.String(), site.MaxNote
		if form.ID != "" {
			form.Remove = q.to(notesPath + "/remove").String()
		}
		page.Form = &form
	}
	for _, n := range notes {
		line := noteLine{ID: n.ID, When: capitalised(l.Range(n.Days)), Text: n.Text, Shows: q.showsDay(n.Days.From),
			By: l.Say("notes.by", n.Who, l.Day(calendar.DayOf(n.Since.In(q.now.Location()))))}
		if page.Form != nil {
			line.Change, line.Chosen = q.to(notesPath, byNote, noteID(n.ID)).String(), noteID(n.ID) == form.ID
		}
		page.Notes = append(page.Notes, line)
	}
	return d.render(c, status, "notes", page)
}

// showsDay returns the URL of the overview of the week in which a day lies, "" for one that
// is to come.
func (q *question) showsDay(day calendar.Day) string {
	year, week := day.Time().ISOWeek()
	p, err := report.ParsePeriod(url.Values{"period": {string(report.OneWeek)}, "at": {fmt.Sprintf("%04d-W%02d", year, week)}}, q.now)
	if err != nil {
		return ""
	}
	return q.to("").in(p).String()
}

// putNote adds or changes a note.
func (d *Dashboard) putNote(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	q, err := d.notesQuestion(c)
	if err != nil {
		return err
	}
	post := c.r.PostForm
	form := noteForm{ID: post.Get(byNote), From: strings.TrimSpace(post.Get("from")), To: strings.TrimSpace(post.Get("to")), Text: post.Get("text")}
	note, done := form.read(), "added"
	if form.ID != "" {
		if note.ID, err = strconv.ParseUint(form.ID, 10, 64); err != nil || note.ID == 0 {
			return badRequest.because(err)
		}
		done = "changed"
	}
	if form.DaysProblem == "" && form.TextProblem == "" {
		err := d.store.PutNote(c.r.Context(), q.site, note)
		switch {
		case err == nil:
			return c.redirect(q.to(notesPath, byDone, done).String())
		case errors.Is(err, site.ErrManyNotes):
			form.TextProblem = "notes.many"
		case errors.Is(err, site.ErrNotFound): // somebody has removed it; it can be stored anew
			form.ID, form.TextProblem = "", "notes.gone"
		default:
			return err
		}
	}
	notes, err := d.store.Notes(c.r.Context(), q.site, everyDay)
	if err != nil {
		return err
	}
	slices.Reverse(notes)
	return d.renderNotes(c, q, http.StatusUnprocessableEntity, form, notes)
}

// read returns the note that was typed, and finds the problems with it.
func (f *noteForm) read() site.Note {
	note := site.Note{Text: site.CleanNote(f.Text), Days: calendar.Range{From: 1, To: 0}}
	if from, err := calendar.ParseDay(f.From); err == nil {
		note.Days = calendar.One(from)
	}
	if f.To != "" {
		to, err := calendar.ParseDay(f.To)
		if note.Days.To = to; err != nil {
			note.Days = calendar.Range{From: 1, To: 0}
		}
	}
	for _, wrong := range note.Problems() {
		key := "notes.wrong." + string(wrong)
		switch wrong {
		case site.NoteWithoutDay:
			f.DaysProblem = key
		case site.NotePersonal:
			f.TextProblem, f.Seen = key, note.Scrubbed()
		default:
			f.TextProblem = key
		}
	}
	return note
}

// removeNote removes a note.
func (d *Dashboard) removeNote(c *call) error {
	if err := c.parseForm(); err != nil {
		return err
	}
	q, err := d.notesQuestion(c)
	if err != nil {
		return err
	}
	id, err := strconv.ParseUint(c.r.PostForm.Get(byNote), 10, 64)
	if err != nil {
		return badRequest.because(err)
	}
	// One that somebody else has removed is as removed as the reader wants it.
	if err := d.store.RemoveNote(c.r.Context(), q.site, id); err != nil && !errors.Is(err, site.ErrNotFound) {
		return err
	}
	return c.redirect(q.to(notesPath, byDone, "removed").String())
}

// notesJSON are notes for programs to read. An ID is a text: programs may have no room for
// its digits in a number.
func notesJSON(notes []site.Note) []map[string]any {
	all := []map[string]any{}
	for _, n := range notes {
		all = append(all, map[string]any{
			"id": noteID(n.ID), "from": n.Days.From.String(), "to": n.Days.To.String(), "text": n.Text, "by": n.Who, "at": n.Since.UTC().Format(time.RFC3339),
		})
	}
	return all
}

func (c *call) answerNotesCSV(q *question, notes []site.Note) error {
	s := &sheet{lang: c.lang}
	s.heading([]string{"period.from", "period.to", "notes.text", "audit.who", "audit.time"}, nil)
	for _, n := range notes {
		s.cells(n.Days.From.String(), n.Days.To.String(), safeCell(n.Text), safeCell(n.Who), n.Since.In(q.now.Location()).Format("2006-01-02 15:04"))
	}
	return c.answerSheet(s, fmt.Sprintf("notes %s.csv", q.of.Hosts[0]))
}

// noteLink leads from a chart to where notes are written, or to the list of those there are.
func (q *question) noteLink(l *i18n.Language) *span {
	switch {
	case q.writes:
		return &span{l.Say("notes.write"), q.to(notesPath, byDay, q.period.Range.To.String()).String()}
	case len(q.notes) > 0:
		return &span{l.Say("notes.all"), q.to(notesPath).String()}
	}
	return nil
}
