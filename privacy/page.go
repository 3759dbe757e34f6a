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
)

//go:embed pages
var pageFiles embed.FS

var (
	style          = mustRead("pages/style.css")
	statementPages = parsePages("statement")
	whatPages      = parsePages("what")
)

// ContentSecurityPolicy returns the value of the header that belongs to both
// pages: they load nothing, run nothing, and have the one inline style sheet
// named by its hash. Only pages of hosts may frame them: a site may show them
// among its own. A host is a name, or *.name for all below it; one that the header
// can't hold is left out.
func ContentSecurityPolicy(hosts ...string) string {
	sum := sha256.Sum256([]byte(style))
	framers := "'self'"
	for _, host := range hosts {
		if hostSource.MatchString(host) {
			framers += " " + host
		}
	}
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors " + framers
}

// hostSource is a host as Content Security Policy Level 3, section 2.3.1, writes it.
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

// parsePages returns the page in every language.
func parsePages(name string) map[Language]*template.Template {
	pages := make(map[Language]*template.Template)
	for _, lang := range []Language{Bokmal, English} {
		pages[lang] = template.Must(template.ParseFS(pageFiles, "pages/layout.html",
			fmt.Sprintf("pages/footer.%s.html", lang), fmt.Sprintf("pages/%s.%s.html", name, lang)))
	}
	return pages
}

// page is what both pages show.
type page struct {
	Statement
	Lang Language
}

// Style is the style sheet.
func (page) Style() template.CSS { return style }

// render writes nothing to w unless the whole page could be made.
func render(w io.Writer, pages map[Language]*template.Template, lang Language, data any) error {
	var b bytes.Buffer
	if err := pages[lang].ExecuteTemplate(&b, "layout.html", data); err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
