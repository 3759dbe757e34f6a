package privacy

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"sync"

	"github.com/fotspor/fotspor/i18n"
)

//go:embed pages
var pageFiles embed.FS

var (
	style          = mustRead("pages/style.css")
	layout         = string(mustRead("pages/layout.html"))
	schema         = mustRead("pages/statement.schema.json")
	statementPages = sync.OnceValue(func() pages { return parsePages("statement.html") })
	whatPages      = sync.OnceValue(func() pages { return parsePages("what.html") })
)

// ContentSecurityPolicy returns the value of the header of that name for both pages. They
// load and run nothing, have one inline style sheet, which the header names by its hash, and
// send what a visitor chooses to themselves.
// Only pages of hosts may frame them, so that a site may show them among its own pages. A
// host is a name, or *.name for all hosts below it. A host that the header can't hold is
// skipped.
func ContentSecurityPolicy(hosts ...string) string {
	sum := sha256.Sum256([]byte(style))
	framers := "'self'"
	for _, host := range hosts {
		if hostSource.MatchString(host) {
			framers += " " + host
		}
	}
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'self'; frame-ancestors " + framers
}

// hostSource matches a host as in Content Security Policy Level 3, section 2.3.1.
var hostSource = regexp.MustCompile(`^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$`)

// mustRead returns an embedded file. It panics at the start of the program if
// there is none.
func mustRead(name string) template.CSS {
	text, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return template.CSS(text)
}

// pages holds the template of one page in every language.
type pages map[*i18n.Language]*template.Template

// parsePages reads a page in every language. It panics if one is missing or invalid, which
// is an error of the build.
func parsePages(name string) pages {
	all := pages{}
	for _, lang := range i18n.All() {
		words, err := lang.File(name)
		if err != nil {
			panic("privacy: " + err.Error())
		}
		all[lang] = template.Must(template.Must(template.New("layout").Funcs(template.FuncMap{"t": lang.Text}).Parse(layout)).Parse(words))
	}
	return all
}

// page is the data of both pages.
type page struct {
	Statement
	Lang *i18n.Language
}

// link is a link to the page in another language.
type link struct{ Tag, Text string }

// Others returns the links to the page in the other languages.
func (p page) Others() ([]link, error) {
	var links []link
	for _, lang := range i18n.All() {
		if lang == p.Lang {
			continue
		}
		text, err := lang.Text("privacy.read")
		if err != nil {
			return nil, err
		}
		links = append(links, link{lang.Tag, text})
	}
	return links, nil
}

// Style returns the style sheet.
func (page) Style() template.CSS { return style }

// render writes a page to w. It writes nothing if the page can't be rendered completely.
func render(w io.Writer, pages pages, lang *i18n.Language, data any) error {
	var b bytes.Buffer
	if err := pages[lang].Execute(&b, data); err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
