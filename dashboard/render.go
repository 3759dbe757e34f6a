package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/site"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pageNames are the pages, each a template file that fills templates/layout.html.
var pageNames = []string{"login", "setup", "sites", "page", "waiting", "settings", "notes", "views", "account", "users", "user", "sessions", "audit", "receipts", "policy", "rights", "problem"}

// sitePages are those of one site, which templates/site.html frames.
var sitePages = []string{"page", "waiting", "settings", "notes", "views"}

// renderer turns pages into HTML. It is safe for concurrent use.
type renderer struct {
	pages    map[string]map[string]*template.Template // by language and name
	problems map[string]map[string][]byte             // by language and code of the problem
}

// view is what every template gets.
type view struct {
	Lang        *i18n.Language
	Other       []languageLink
	User        string
	Admin       bool // the user is one
	Attribution *attribution
	Wrong       []notice // what of the address the page leaves out
	Page        any
}

type languageLink struct{ Tag, Name, URL string }

type attribution struct{ Text, URL string }

// shippedPages are the pages in the languages of the program: all dashboards of a process
// share them, since reading them takes longer than all else that New does.
var shippedPages = sync.OnceValues(func() (renderer, error) {
	assets, err := loadAssets()
	if err != nil {
		return renderer{}, err
	}
	return newRenderer(assets, i18n.Shipped())
})

// newRenderer reads the templates for each language, and renders the pages of
// problems at once, so that they can't fail when they are needed.
func newRenderer(assets *assets, languages *i18n.Catalogue) (renderer, error) {
	r := renderer{map[string]map[string]*template.Template{}, map[string]map[string][]byte{}}
	for _, l := range languages.All() {
		var err error
		if r.pages[l.Tag], err = readPages(l, assets); err != nil {
			return r, err
		}
		r.problems[l.Tag] = map[string][]byte{}
		for _, p := range problems {
			if r.problems[l.Tag][p.code], err = r.page(l, "problem", view{Lang: l, Page: p.code}); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// readPages reads the templates of all pages for a language.
func readPages(l *i18n.Language, assets *assets) (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, name := range pageNames {
		files := []string{"templates/layout.html", "templates/parts.html"}
		if slices.Contains(sitePages, name) {
			files = append(files, "templates/site.html")
		}
		var t *template.Template
		var err error
		t, err = template.New(name).Funcs(template.FuncMap{
			"part": func(shows content, of block) (template.HTML, error) {
				var b bytes.Buffer
				err := t.ExecuteTemplate(&b, shows.part(), of)
				return template.HTML(b.String()), err
			},
			"breaks":   breaks,
			"t":        l.Text,
			"number":   l.Number,
			"duration": l.Duration,
			"asset":    assets.url,
			"moment":   moment,
			"refresh":  func() template.HTML { return `<meta http-equiv="refresh" content="15">` },
		}).ParseFS(templateFiles, append(files, "templates/"+name+".html")...)
		if err != nil {
			return nil, fmt.Errorf("read template %q: %w", name, err)
		}
		pages[name] = t
	}
	return pages, nil
}

// breaks lets a path that is too long for its line break behind a slash: browsers do so behind
// hyphens alone.
func breaks(path string) template.HTML {
	escaped := template.HTMLEscapeString(path)
	head := min(1, len(escaped)) // no slash stands alone
	return template.HTML(escaped[:head] + strings.ReplaceAll(escaped[head:], "/", "/<wbr>"))
}

// moment writes a time to the minute. Users have no time zone of their own.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// page renders a page.
func (r renderer) page(l *i18n.Language, name string, v view) ([]byte, error) {
	var body bytes.Buffer
	if err := r.pages[l.Tag][name].ExecuteTemplate(&body, "layout", v); err != nil {
		return nil, fmt.Errorf("render page %q: %w", name, err)
	}
	return body.Bytes(), nil
}

func (r renderer) problemPage(l *i18n.Language, p *problem) []byte {
	return r.problems[l.Tag][p.code]
}

func (r renderer) problemText(l *i18n.Language, p *problem) string {
	return l.Known("problem.", p.code)
}

// render answers a page. A program that asks for JSON and may not have the page, or whose
// form was refused, is told the problem alone.
func (d *Dashboard) render(c *call, status int, name string, page any) error {
	if c.json && status >= http.StatusBadRequest {
		d.answerProblem(c, withStatus(ofPage, status))
		return nil
	}
	if c.wrong != nil && status == http.StatusOK {
		status = http.StatusBadRequest
	}
	v := view{Lang: c.lang, User: c.user.Name, Admin: c.user.Role == site.Admin, Other: d.otherLanguages(c), Page: page}
	v.Wrong = d.leaveOut(c)
	if text, link := d.attribution(); text != "" && c.user.Name != "" {
		v.Attribution = &attribution{text, link}
	}
	body, err := d.pages.page(c.lang, name, v)
	if err != nil {
		return internal.because(err)
	}
	c.answer(status, "text/html; charset=utf-8", body)
	return nil
}

// otherLanguages are links to the same page in the other languages.
func (d *Dashboard) otherLanguages(c *call) []languageLink {
	var links []languageLink
	for _, l := range d.languages.All() {
		if l == c.lang {
			continue
		}
		query := url.Values{}
		if c.r.Method == http.MethodGet {
			query = c.r.URL.Query()
		}
		query.Set("lang", l.Tag)
		links = append(links, languageLink{l.Tag, l.Name, c.r.URL.Path + "?" + query.Encode()})
	}
	return links
}
