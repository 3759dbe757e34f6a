// Package demo is a small website that Fotspor counts: pages with the script, a
// page with the pixel alone and a single-page application, to see on a fresh
// machine that everything works.
package demo

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/fotspor/fotspor/collector/dialect"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/httpcompress"
)

//go:embed web
var embedded embed.FS

// names are the pages: demo/NAME.html in the folder of each language.
var names = []string{"home", "plain", "app", "salt", "address", "sums"}

// website holds what is the same for every request.
type website struct {
	base   baseurl.URL // of the server
	site   uint32
	policy string                                           // Content-Security-Policy
	pages  map[*i18n.Language]map[string]*template.Template // by name
}

// view is what a template gets.
type view struct {
	Base    baseurl.URL
	Root    string // path of the website
	Site    uint32
	Lang    *i18n.Language
	Others  []*i18n.Language
	Query   string        // "?lang=…" where the visitor chose the language, else ""
	Path    string        // of this page
	Name    string        // of this page
	Public  baseurl.URL   // Base as a website elsewhere must write it
	Snippet string        // as a website owner pastes it
	Tracker template.HTML // the same, working
	Objects bool          // the browser asks not to be counted
}

// root is the path of the website.
const root = "/demo"

// Handler serves the website at /demo. base is the public URL of the server, and may be
// none; site is the id that the pages are counted under. It is safe for concurrent use.
func Handler(base baseurl.URL, site uint32) http.Handler {
	s := &website{base: base, site: site, policy: policy(base), pages: parse()}
	mux := http.NewServeMux()
	mux.Handle("GET /demo", s.page("home"))
	mux.Handle("GET /demo/{$}", http.RedirectHandler(root, http.StatusMovedPermanently))
	mux.Handle("GET /demo/plain", s.page("plain"))
	mux.Handle("GET /demo/app", s.page("app"))
	mux.Handle("GET /demo/app/way", s.page("app"))
	mux.Handle("GET /demo/app/there", s.page("app"))
	mux.Handle("GET /demo/articles/salt", s.page("salt"))
	mux.Handle("GET /demo/articles/address", s.page("address"))
	mux.Handle("GET /demo/articles/sums", s.page("sums"))
	for file, contentType := range map[string]string{
		"style.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		body, err := embedded.ReadFile("web/" + file)
		if err != nil {
			panic("demo: " + err.Error()) // the names are constant
		}
		static := httpcompress.NewStatic(body)
		mux.HandleFunc("GET /demo/"+file, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Cache-Control", "max-age=300")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			static.ServeHTTP(w, r)
		})
	}
	return mux
}

// parse reads the embedded templates, which a test executes one and all.
func parse() map[*i18n.Language]map[string]*template.Template {
	pages := make(map[*i18n.Language]map[string]*template.Template)
	for _, lang := range i18n.All() {
		pages[lang] = make(map[string]*template.Template)
		layout := template.Must(template.New("").Funcs(template.FuncMap{"t": lang.Text}).ParseFS(embedded, "web/layout.html"))
		for _, name := range names {
			words, err := lang.File("demo/" + name + ".html")
			if err != nil {
				panic("demo: " + err.Error()) // the names are constant
			}
			pages[lang][name] = template.Must(template.Must(layout.Clone()).Parse(words))
		}
	}
	return pages
}

// policy allows the pages their own files, and the tracker its server.
func policy(base baseurl.URL) string {
	sources := strings.TrimSpace("'self' " + base.String())
	return "default-src 'none'; style-src 'self'; script-src " + sources + "; connect-src " + sources +
		"; img-src " + sources + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func (s *website) page(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := view{
			Base: s.base, Root: root, Site: s.site, Path: r.URL.Path, Name: name,
			Public:  s.base.Or(baseurl.Of(r)),
			Tracker: template.HTML(script.Snippet(s.base.String(), s.site)), // escaped by Snippet
			Objects: dialect.Objects(r.Header) || dialect.OptedOut(r.Header),
		}
		v.Snippet = script.Snippet(v.Public.String(), s.site)
		if v.Lang = i18n.Find(r.URL.Query().Get("lang")); v.Lang != nil {
			v.Query = "?lang=" + v.Lang.Tag
		} else {
			v.Lang = i18n.Match(strings.Join(r.Header.Values("Accept-Language"), ","))
		}
		for _, lang := range i18n.All() {
			if lang != v.Lang {
				v.Others = append(v.Others, lang)
			}
		}
		header := w.Header()
		header.Set("Content-Security-Policy", s.policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "private, no-cache")
		header.Set("Referrer-Policy", "strict-origin-when-cross-origin") // what browsers do by themselves: hits are known by it
		header.Set("Vary", "Accept-Language")
		var b bytes.Buffer
		if err := s.pages[v.Lang][name].ExecuteTemplate(&b, "layout.html", v); err != nil {
			http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
			return
		}
		header.Set("Content-Type", "text/html; charset=utf-8")
		w.Write(httpcompress.Bytes(header, r, b.Bytes()))
	})
}
