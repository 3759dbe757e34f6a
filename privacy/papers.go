package privacy

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
)

// Papers is what the papers of a controller are written from: the record of processing (GDPR
// article 30), a draft of the data protection impact assessment (article 35), the retention
// schedule, the accessibility of the dashboard and the cookies.
type Papers struct {
	Version   Version // of the policy in force
	Sites     []PapersSite
	AuditKeep Period // how long lines of the audit log live
	Users     int    // of the dashboard
	HTTPS     bool   // browsers reach the program by HTTPS, so that its cookies have other names
	Made      time.Time
}

// PapersSite is a site with what its papers say beyond its statement.
type PapersSite struct {
	Statement
	// Guard is how many visitors must share some figures for them to be shown. 0: one.
	Guard     int
	PathRules int  // number of rules that mark parts of paths
	Choice    bool // the statement keeps the choice of visitors
}

// WritePapers writes the papers as Markdown (CommonMark with tables) in UTF-8. Each sentence
// that a person must decide is a quotation that begins with the text papers.decide.
func WritePapers(w io.Writer, lang *i18n.Language, p Papers) error {
	text, err := p.markdown(lang)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write papers: %w", err)
	}
	return nil
}

// RenderPapers writes the papers as a page of HTML in UTF-8 that needs no other file.
func RenderPapers(w io.Writer, lang *i18n.Language, p Papers) error {
	text, err := p.markdown(lang)
	if err != nil {
		return err
	}
	return renderMarkdown(w, lang, text)
}

// renderMarkdown writes a text in Markdown, which begins with its title, as a page of HTML that
// needs no other file. HTML in it is left out.
func renderMarkdown(w io.Writer, lang *i18n.Language, text string) error {
	var body bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.Table)).Convert([]byte(text), &body); err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	title, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
	err := papersLayout().Execute(w, struct {
		Tag, Title string
		Style      template.CSS
		Body       template.HTML
	}{lang.Tag, escaped.ReplaceAllString(title, "$1"), style + papersStyle, template.HTML(body.String())})
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

var (
	papersLayout = sync.OnceValue(func() *template.Template {
		return template.Must(template.New("papers").Parse(string(mustRead("pages/papers.html"))))
	})
	papersStyle = mustRead("pages/papers.css")
)

func (p Papers) markdown(lang *i18n.Language) (string, error) {
	text, err := lang.File("papers.md")
	if err != nil {
		return "", err
	}
	paper := papersPage{p, p.Version, lang}
	decide, err := lang.Text("papers.decide")
	if err != nil {
		return "", err
	}
	written, err := texttemplate.New("papers").Funcs(texttemplate.FuncMap{
		"md": plainMarkdown, "decide": func() string { return "> **" + decide + "**" },
	}).Parse(text)
	if err != nil {
		return "", fmt.Errorf("read papers: %w", err)
	}
	for _, s := range p.Sites {
		if err := s.Policy.Validate(); err != nil {
			return "", fmt.Errorf("policy of site %d: %w", s.Site, err)
		}
	}
	var b strings.Builder
	if err := written.Execute(&b, paper); err != nil {
		return "", fmt.Errorf("make papers: %w", err)
	}
	return b.String(), nil
}

// plainMarkdown returns a text of somebody's as one line of Markdown that says the same: each
// mark of Markdown is escaped.
func plainMarkdown(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if strings.ContainsRune("\\`*_{}[]()<>#+-.!|~&=:", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// papersPage is the data of the template.
type papersPage struct {
	Papers
	Version
	Lang *i18n.Language
}

// papersGroup is sites of which the papers say the same.
type papersGroup struct {
	page
	Of    PapersSite // the first of them
	Sites []PapersSite
}

// Groups returns the sites, those together that differ in name and hosts alone.
func (p papersPage) Groups() []*papersGroup {
	type same struct {
		Declared Declared
		Policy   Policy
		Guard    int
		Paths    bool
		Choice   bool
		Page     bool
		Texts    string
	}
	var all []*papersGroup
	found := map[same]*papersGroup{}
	for _, s := range p.Sites {
		s.Made = p.Made
		key := same{s.Declared, s.Policy, s.Guard, s.PathRules > 0, s.Choice, s.OptOut.Page != "", fmt.Sprintf("%q %q %q", s.Parameters, s.Searches, s.Categories)}
		if found[key] == nil {
			found[key] = &papersGroup{page: page{Statement: s.Statement, Lang: p.Lang}, Of: s}
			all = append(all, found[key])
		}
		found[key].Sites = append(found[key].Sites, s)
	}
	return all
}

// Heading names the sites of a group: their hosts.
func (g papersGroup) Heading() string {
	var hosts []string
	for _, s := range g.Sites {
		hosts = append(hosts, s.Host)
	}
	return g.Lang.List(hosts)
}

// Text returns what the owner says, or "".
func (g papersGroup) Text(key string) (string, error) {
	said, err := g.Said(key)
	return said.Text, err
}

// Missing reports whether the owner has not said all yet.
func (g papersGroup) Missing() bool { return len(g.Declared.Missing()) > 0 }

// Day returns the day on which the papers are made.
func (p papersPage) Day() string { return p.Lang.Day(calendar.DayOf(p.Made.UTC())) }

// Begun returns the day from which the policy is in force.
func (p papersPage) Begun() string { return p.Lang.Day(calendar.DayOf(p.Version.Since.UTC())) }

// Retention returns how long rows live, in words.
func (p papersPage) Retention() (string, error) { return p.Version.Policy.Retention.Words(p.Lang) }

// EndsTotals reports whether totals are deleted.
func (p papersPage) EndsTotals() bool { return p.Version.Policy.Totals != Period{} }

// KeepsBackups reports whether there are backups.
func (p papersPage) KeepsBackups() bool { return p.Version.Policy.Backups != Period{} }

// Backups returns how long backups live, in words.
func (p papersPage) Backups() (string, error) { return p.Version.Policy.Backups.Words(p.Lang) }

// Totals returns how long totals live, in words.
func (p papersPage) Totals() (string, error) { return p.Version.Policy.Totals.Words(p.Lang) }

// AgedPart is a line of the retention schedule on a part of rows, or on those of some sites.
type AgedPart struct{ What, After string }

// Aged returns what rows lose before they are deleted, and after how long.
func (p papersPage) Aged() ([]AgedPart, error) {
	var all []AgedPart
	for _, s := range p.Version.Policy.Ageing.Stages() {
		after, err := s.After.Words(p.Lang)
		if err != nil {
			return nil, err
		}
		what, err := p.Lang.Text("ageing.part." + s.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, AgedPart{what, after})
	}
	return all, nil
}

// Shorter returns the sites whose rows live shorter than those of others, and how long.
func (p papersPage) Shorter() ([]AgedPart, error) {
	hosts := make([]hostKeep, len(p.Sites))
	for i, s := range p.Sites {
		hosts[i] = hostKeep{s.Host, s.Policy.Retention}
	}
	return shorter(p.Lang, p.Version.Policy.Retention, hosts)
}

// hostKeep is the main host of a site, and how long its rows live.
type hostKeep struct {
	host string
	keep Period
}

// shorter returns the hosts whose rows do not live as long as all, those of each time together.
func shorter(lang *i18n.Language, all Period, sites []hostKeep) ([]AgedPart, error) {
	var parts []AgedPart
	hosts := map[string][]string{} // by how long
	for _, s := range sites {
		if s.keep == all {
			continue
		}
		after, err := s.keep.Words(lang)
		if err != nil {
			return nil, err
		}
		if hosts[after] == nil {
			parts = append(parts, AgedPart{After: after})
		}
		hosts[after] = append(hosts[after], s.host)
	}
	for i := range parts {
		parts[i].What = lang.List(hosts[parts[i].After])
	}
	return parts, nil
}

// Objecting returns the main hosts of the sites where objections of browsers are ignored, or of the
// others, as a list in words; "" if there are none.
func (p papersPage) Objecting(ignored bool) string {
	var hosts []string
	for _, s := range p.Sites {
		if s.Policy.IgnoreObjection == ignored {
			hosts = append(hosts, s.Host)
		}
	}
	return p.Lang.List(hosts)
}

// AuditRetention returns how long lines of the audit log live, in words.
func (p papersPage) AuditRetention() (string, error) { return p.AuditKeep.Words(p.Lang) }

// RequestKeep returns how long the register of requests keeps one, in words.
func (p papersPage) RequestKeep() (string, error) { return RequestKeep.Words(p.Lang) }

// Titles reports whether titles of pages are kept of a site.
func (p papersPage) Titles() bool {
	for _, s := range p.Sites {
		if s.Policy.KeepsTitles() {
			return true
		}
	}
	return false
}

// Choices reports whether some statement keeps the choice of visitors.
func (p papersPage) Choices() bool {
	for _, s := range p.Sites {
		if s.Choice {
			return true
		}
	}
	return false
}

// Prefixed returns the name of a cookie of the dashboard as browsers have it.
func (p papersPage) Prefixed(prefix, name string) string {
	if p.HTTPS {
		return prefix + name
	}
	return name
}
