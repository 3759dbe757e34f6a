package privacy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
)

// Ledger holds rows, totals and titles. A row belongs to a network if its own network is the
// same or lies within it: an earlier policy may have cut addresses less.
type Ledger interface {
	// Held counts what a selection, that has been checked, chooses.
	Held(ctx context.Context, s Selection) (Held, error)
	// Erase takes out what the selection chooses, and returns what Held would have counted before
	// and after. It returns when that has left the disk, not only been hidden. Rows of a network or
	// time are deleted; in the place of texts there is hit.Erased, and no figure changes.
	Erase(ctx context.Context, s Selection) (Erased, error)
}

// Erased is what a ledger has taken out.
type Erased struct {
	Held
	Left    Held   // found afterwards, because it came in meanwhile
	Receipt uint64 // number of the receipt; 0: none
}

// Held is what a ledger reports of a selection. It holds no more on purpose: pages and exact
// times may be those of another person.
type Held struct {
	Rows        int64
	First, Last time.Time // times of the first and the last row; zero if there are none
	Lines       int64     // of totals and titles with a text

	// What people wrote with a text, in the dashboard or by a command: goals, and values of other
	// settings of sites, are those of now and of the history.
	Views, Notes, Goals, Settings int64
}

// All is how much it is together.
func (h Held) All() int64 { return h.Rows + h.Lines + h.Views + h.Notes + h.Goals + h.Settings }

// Written returns what people wrote, as kinds and counts such as "1 note and 2 goals"; "" for
// nothing.
func (h Held) Written(lang *i18n.Language) (string, error) {
	var all []string
	for _, kind := range []struct {
		key string
		n   int64
	}{{"held.views", h.Views}, {"held.notes", h.Notes}, {"held.goals", h.Goals}, {"held.settings", h.Settings}} {
		if kind.n == 0 {
			continue
		}
		text, err := lang.Count(kind.key, kind.n)
		if err != nil {
			return "", err
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		return "", nil
	}
	return lang.List(all), nil
}

// Asked is a person's request. It holds nothing of them but the network of their address, or
// what they ask about.
type Asked struct {
	Case   string // its number in the organisation's own case system; may be ""
	Unread Unread
	// Networks is the first day whose rows have a network: ageing has removed it from older
	// ones. 0: it has removed none.
	Networks calendar.Day
	Policy   Policy
	Sites    []AskedSite // that the request may be about: the one of the selection, or all
	Selection
	Received calendar.Day // when the person asked; 0: it is not said
	Extended bool         // the time for the answer is, by two months
}

// AskedSite is a site that a request may be about.
type AskedSite struct {
	ID         uint32
	Name, Host string
	Own        Own
}

// Unread is what could not be looked at.
type Unread struct {
	Segments  int64 // of the spool, parts of which can't be read
	Elsewhere bool  // collectors on other machines may have spools, too
}

// AccessReport is the answer to a person who asks what is held on them (GDPR
// article 15).
type AccessReport struct {
	Asked
	Held Held
}

// EraseReport is the answer to a person who asks for erasure (GDPR article 17).
type EraseReport struct {
	Asked
	Erased Erased
}

// Access looks up what is held of a selection.
func Access(ctx context.Context, ledger Ledger, policy Policy, s Selection) (AccessReport, error) {
	s, err := s.Checked(policy)
	if err != nil {
		return AccessReport{}, err
	}
	held, err := ledger.Held(ctx, s)
	if err != nil {
		return AccessReport{}, fmt.Errorf("look up by %s: %w", s.Kind(), err)
	}
	return AccessReport{Asked{Policy: policy, Selection: s}, held}, nil
}

// Erase takes out what Access finds. Totals stay what they are.
func Erase(ctx context.Context, ledger Ledger, policy Policy, s Selection) (EraseReport, error) {
	s, err := s.Checked(policy)
	if err != nil {
		return EraseReport{}, err
	}
	erased, err := ledger.Erase(ctx, s)
	if err != nil {
		return EraseReport{}, fmt.Errorf("erase by %s: %w", s.Kind(), err)
	}
	return EraseReport{Asked{Policy: policy, Selection: s}, erased}, nil
}

// The limits of the times of a selection.
var (
	earliest = time.Unix(0, 0).UTC()
	latest   = time.Unix(math.MaxUint32, 0).UTC()
)

// Format is one in which a letter is written.
type Format string

// The formats: lines of text, Markdown (CommonMark), and a page of HTML that needs no other file
// and prints.
const (
	PlainText Format = "txt"
	Markdown  Format = "md"
	Page      Format = "html"
)

// Formats are all formats.
var Formats = []Format{PlainText, Markdown, Page}

// Letter returns the report as a letter to the person, in Markdown. FormatLetter makes other
// formats of it.
func (r AccessReport) Letter(lang *i18n.Language) (string, error) {
	return letter{Asked: r.Asked, Held: r.Held, lang: lang}.markdown("access.md")
}

// Letter is that of AccessReport.
func (r EraseReport) Letter(lang *i18n.Language) (string, error) {
	return letter{Asked: r.Asked, Erased: r.Erased, Left: r.Erased.Left, lang: lang}.markdown("erase.md")
}

// FormatLetter returns a letter, in Markdown, in a format.
func FormatLetter(lang *i18n.Language, letter string, f Format) (string, error) {
	switch f {
	case Markdown:
		return letter, nil
	case Page:
		var b strings.Builder
		err := renderMarkdown(&b, lang, letter)
		return b.String(), err
	case PlainText:
		return plainLetter(letter), nil
	}
	return "", fmt.Errorf("format %q: want one of %v", f, Formats)
}

// factOf is a line of a letter with a fact: its name and what it is.
var factOf = regexp.MustCompile(`^- \*\*(.+):\*\* (.*)$`)

// plainLetter returns a letter without the marks of Markdown, and its facts in two columns.
func plainLetter(letter string) string {
	lines := strings.Split(letter, "\n")
	width := 10
	for _, line := range lines {
		if m := factOf.FindStringSubmatch(line); m != nil {
			width = max(width, utf8.RuneCountInString(m[1]))
		}
	}
	for i, line := range lines {
		if m := factOf.FindStringSubmatch(line); m != nil {
			line = fmt.Sprintf("%-*s %s", width, m[1], m[2])
		} else if strings.HasPrefix(line, "- ") {
			line = "  " + line
		}
		lines[i] = escaped.ReplaceAllString(strings.TrimPrefix(line, "# "), "$1")
	}
	return strings.Join(lines, "\n")
}

// escaped is a sign that plainMarkdown escapes.
var escaped = regexp.MustCompile(`\\([^\pL\pN\s])`)

// letter is the data of the templates of both letters.
type letter struct {
	Asked
	Held   Held
	Erased Erased
	Left   Held
	lang   *i18n.Language
}

// markdown makes the letter whose template has a name in the folder of the language.
func (l letter) markdown(name string) (string, error) {
	text, err := l.lang.File(name)
	if err != nil {
		return "", err
	}
	t, err := template.New(name).Funcs(template.FuncMap{
		"number":  l.lang.Number,
		"count":   l.lang.Count,
		"md":      plainMarkdown,
		"written": func(h Held) (string, error) { return h.Written(l.lang) },
		"day":     func(t time.Time) string { return l.lang.Day(calendar.DayOf(t.UTC())) },
	}).Parse(text)
	if err != nil {
		return "", fmt.Errorf("read letter: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, l); err != nil {
		return "", fmt.Errorf("make letter: %w", err)
	}
	return b.String(), nil
}

// Addresses returns the number of addresses in the network.
func (l letter) Addresses() (string, error) {
	prefix, err := netip.ParsePrefix(l.Network)
	if err != nil {
		return "", err
	}
	bits := prefix.Addr().BitLen() - prefix.Bits()
	if bits > 32 {
		return fmt.Sprintf("2^%d", bits), nil
	}
	return l.lang.Number(int64(1) << bits), nil
}

// Begin returns the first time of the request, or "" for no limit.
func (l letter) Begin() string { return limit(l.From) }

// End returns the time up to which the request goes, or "" for no limit.
func (l letter) End() string { return limit(l.To) }

// Record returns the lines on what a row holds.
func (l letter) Record() ([]string, error) { return l.policy().record(l.lang) }

// asked returns the site of the request; nil: all, or one that is not known.
func (l letter) asked() *AskedSite {
	for i := range l.Sites {
		if l.Site != 0 && l.Sites[i].ID == l.Site {
			return &l.Sites[i]
		}
	}
	return nil
}

// policy returns the policy of the site of the request, else that of all.
func (l letter) policy() Policy {
	if one := l.asked(); one != nil {
		return l.Policy.Of(one.Own)
	}
	return l.Policy
}

// SiteName names the site of the request as people know it.
func (l letter) SiteName() string {
	one := l.asked()
	switch {
	case one == nil:
		return strconv.FormatUint(uint64(l.Site), 10)
	case one.Name == one.Host:
		return one.Host
	}
	return fmt.Sprintf("%s (%s)", one.Name, one.Host)
}

// Shorter returns, for a request about all sites, those whose rows live shorter than the others',
// and how long.
func (l letter) Shorter() ([]AgedPart, error) {
	if l.Site != 0 {
		return nil, nil
	}
	hosts := make([]hostKeep, len(l.Sites))
	for i, one := range l.Sites {
		hosts[i] = hostKeep{one.Host, l.Policy.Of(one.Own).Retention}
	}
	return shorter(l.lang, l.Policy.Retention, hosts)
}

// EndsTotals reports whether totals are deleted.
func (l letter) EndsTotals() bool { return l.Policy.Totals != Period{} }

// Totals returns how long totals live, in words.
func (l letter) Totals() (string, error) { return l.Policy.Totals.Words(l.lang) }

// Unseen returns a paragraph for each kind of rows that the report did not look at.
func (l letter) Unseen() ([]string, error) {
	var all []string
	if l.Unread.Segments > 0 {
		segments, err := l.lang.Count("segments", l.Unread.Segments)
		text, textErr := l.lang.Text("spool.unread", segments)
		if err := errors.Join(err, textErr); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	if l.Unread.Elsewhere {
		text, err := l.lang.Text("spool.elsewhere")
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}

// Retention returns how long rows live, in words.
func (l letter) Retention() (string, error) { return l.policy().Retention.Words(l.lang) }

// ReceivedOn returns the day on which the person asked.
func (l letter) ReceivedOn() string { return l.lang.Day(l.Received) }

// AnswerBy returns the last day for the answer.
func (l letter) AnswerBy() string {
	return l.lang.Day(Request{Received: l.Received, Extended: l.Extended}.AnswerBy())
}

// KeepsBackups reports whether there are backups.
func (l letter) KeepsBackups() bool { return l.Policy.Backups != Period{} }

// Backups returns how long backups live, in words.
func (l letter) Backups() (string, error) { return l.Policy.Backups.Words(l.lang) }

// NoNetwork returns the day from which on rows have a network, where older rows that the request
// is about have none; else "".
func (l letter) NoNetwork() string {
	if l.Kind() != "network" || !l.Networks.Time().After(l.From) || l.Networks <= 0 {
		return ""
	}
	return l.lang.Day(l.Networks)
}

// AnswerBy returns the last day of the month within which a request that was received on a day
// is to be answered (GDPR article 12(3)).
func AnswerBy(received calendar.Day) calendar.Day { return received.AddMonths(1) }

// limit returns a time as text, or "" for no limit.
func limit(t time.Time) string {
	if t.Equal(earliest) || t.Equal(latest) {
		return ""
	}
	return t.Format("2006-01-02 15:04 UTC")
}
