// Package optout serves the boxes in which visitors choose whether they are counted, as
// Matomo has them: a script that a page includes, and a page to be framed. The choice is
// kept for 13 months, in the origin of the page that shows the box or else in a cookie of
// this server, and says nothing of who made it.
package optout

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/httpcompress"
)

// dist is filled by the build of page.ts and frame.ts. It is committed empty, so that
// the Go code compiles before the scripts are built.
//
//go:embed all:dist
var dist embed.FS

//go:embed frame.html
var frameHTML string

//go:embed refusal.html
var refusalHTML string

var refusal = template.Must(template.New("refusal").Parse(refusalHTML))

// Refuse answers a visitor whose request is refused with a page that says why in a language. why
// is the part of the key of its text behind "visitor.". No page may frame it.
func Refuse(w http.ResponseWriter, l *i18n.Language, status int, why string) {
	refuse(w, l, status, why, "'none'")
}

// refuse is Refuse with who may frame the page: for what a frame asked, pages of any site.
func refuse(w http.ResponseWriter, l *i18n.Language, status int, why, ancestors string) {
	var html bytes.Buffer
	if err := refusal.Execute(&html, map[string]any{"Lang": l, "Text": l.Known("visitor.", why)}); err != nil {
		panic(err) // a buffer takes all, and the template has no other way to fail
	}
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors "+ancestors)
	w.WriteHeader(status)
	w.Write(html.Bytes()) // an error is the client's, which is gone
}

var frame = template.Must(template.New("frame").Parse(frameHTML))

var errMissing = errors.New("the scripts of the opt-out are not in this build: run `make build`")

// Check returns an error if the program was built without the scripts.
func Check() error {
	for _, name := range []string{"page.js", "frame.js"} {
		if _, err := dist.ReadFile("dist/" + name); err != nil {
			return errMissing
		}
	}
	return nil
}

// cookie is the name of the cookie that says no, on a page's own origin and here. It is
// Matomo's. older are those of Matomo's own box, on its server.
const cookie = "mtm_consent_removed"

var older = []string{"matomo_ignore", "piwik_ignore"}

// Lifetime is how long a choice is kept: 13 months, in seconds.
const Lifetime = 395 * 24 * 60 * 60

// Box is what the box of a request is to say.
type Box struct {
	Query   url.Values // of the request
	Server  string     // its public URL, without a slash at the end; "" if nobody has said it
	Asked   string     // the same, as the request says it
	Site    uint32     // whose privacy statement is linked to; 0 if that is not known
	Heeds   bool       // Global Privacy Control and Do Not Track count as an objection
	Objects bool       // the request carries one of them
	Out     bool       // the request carries a cookie for which its sender is not counted
}

// prefix is that of the keys of what a box says. Scripts know the texts by the rest.
const prefix = "optout."

// inLanguage holds what a box says, by language.
var inLanguage = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, l := range i18n.All() {
		all[l.Tag] = l.Group(prefix)
	}
	return all
})

// The forms of what a page may say of the looks of a box, as Matomo has them. All
// else that it says is ignored.
var (
	colour = regexp.MustCompile(`^(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$`)
	size   = regexp.MustCompile(`^[0-9]{1,4}(?:\.[0-9]{1,4})?(?:px|pt|em|rem|%)$`)
	family = regexp.MustCompile(`^[A-Za-z0-9 ,-]{1,200}$`)
)

// looks returns the style that a query asks for, by the names that scripts have for the
// properties.
func looks(query url.Values) map[string]string {
	style := map[string]string{}
	if c := query.Get("backgroundColor"); colour.MatchString(c) {
		style["backgroundColor"] = "#" + c
	}
	if c := query.Get("fontColor"); colour.MatchString(c) {
		style["color"] = "#" + c
	}
	if s := query.Get("fontSize"); size.MatchString(s) {
		style["fontSize"] = s
	}
	if f := strings.NewReplacer(`"`, "", `'`, "").Replace(query.Get("fontFamily")); family.MatchString(f) {
		style["fontFamily"] = f
	}
	return style
}

// css is the style for a rule of a style sheet.
func css(style map[string]string) template.CSS {
	var b strings.Builder
	for _, property := range [][2]string{{"background-color", "backgroundColor"}, {"color", "color"}, {"font-size", "fontSize"}, {"font-family", "fontFamily"}} {
		if value := style[property[1]]; value != "" {
			fmt.Fprintf(&b, "%s: %s; ", property[0], value)
		}
	}
	return template.CSS(b.String()) // which holds what looks lets through
}

// maxText is how long a text of a page's own may be, in bytes.
const maxText = 200

// short returns a parameter of a query, or "" if it is too long.
func short(query url.Values, name string) string {
	if text := query.Get(name); len(text) <= maxText {
		return text
	}
	return ""
}

// ServeScript answers with the script that shows the box in a page and keeps the choice
// in the page's own origin. It takes the parameters of Matomo's: divId, language,
// showIntro, backgroundColor, fontColor, fontSize, fontFamily, cookieDomain, cookiePath.
func (b Box) ServeScript(w http.ResponseWriter, r *http.Request) {
	js, err := dist.ReadFile("dist/page.js")
	if err != nil {
		http.Error(w, errMissing.Error(), http.StatusInternalServerError)
		return
	}
	query := b.Query
	divID := short(query, "divId")
	if divID == "" {
		divID = "matomo-opt-out"
	}
	privacy := ""
	if b.Site != 0 {
		privacy = fmt.Sprintf("privacy/%d", b.Site)
		if b.Server != "" {
			privacy = b.Server + "/" + privacy
		}
	}
	// It escapes what ends a script, and all else that is special in one.
	settings, err := json.Marshal(map[string]any{
		"divId": divID, "language": asked(query), "intro": query.Get("showIntro") != "0", "style": looks(query),
		"privacy": privacy, "server": b.Asked + "/", "heeds": b.Heeds, "texts": inLanguage(), "family": i18n.Neighbours(),
		"cookieDomain": attribute(strings.TrimPrefix(short(query, "cookieDomain"), "*")), "cookiePath": attribute(short(query, "cookiePath")),
	})
	if err != nil {
		http.Error(w, "fotspor: internal error", http.StatusInternalServerError) // a program loads the script
		return
	}
	header := w.Header()
	forAnyPage(header)
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Access-Control-Allow-Origin", "*")
	w.Write(httpcompress.Bytes(header, r, fmt.Appendf(nil, "(()=>{const settings=%s;\n%s})()\n", settings, js)))
}

// asked returns the language that a query asks for, or "" if that is left to the page.
func asked(query url.Values) string {
	if language := short(query, "language"); language != "auto" {
		return language
	}
	return ""
}

// attribute returns a value for an attribute of a cookie, or "" if it is none.
func attribute(value string) string {
	if strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c == ';' || c == ',' || c > '~' }) {
		return ""
	}
	return value
}

// forAnyPage sets the headers of answers that pages of any origin may show: they hold nothing of
// anybody's, and what is chosen there is kept for the site around it alone.
func forAnyPage(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Referrer-Policy", "same-origin")
}

// chosen is the parameter that tells the page behind a form what was chosen in it.
const chosen = "chosen"

// ServeFrame answers a GET with the page that others frame, and a POST with the choice
// made there: out=1 or out=0, which it keeps in a cookie. The page takes language,
// showIntro, backgroundColor, fontColor, fontSize, fontFamily and applyStyling. It works
// without scripts.
func (b Box) ServeFrame(w http.ResponseWriter, r *http.Request) {
	query := maps.Clone(b.Query)
	forAnyPage(w.Header())
	lang := i18n.Match(asked(query), strings.Join(r.Header.Values("Accept-Language"), ","))
	if r.Method == http.MethodPost {
		Choose(w, r, lang, query, false)
		return
	}
	js, err := dist.ReadFile("dist/frame.js")
	if err != nil {
		refuse(w, lang, http.StatusInternalServerError, "internal", "*")
		return
	}
	said := inLanguage()[lang.Tag]
	page := struct {
		Lang                                                    *i18n.Language
		Nonce, State, Button, Choice, Action, Privacy, Settings string
		Intro, Objects, Alone                                   bool
		Style                                                   template.CSS
		Script                                                  template.JS
	}{
		Lang: lang, Nonce: rand.Text(), Intro: query.Get("showIntro") != "0", Objects: b.Objects && b.Heeds,
		Script: template.JS(js),
	}
	if query.Get("applyStyling") != "0" {
		page.Style = css(looks(query))
	}
	if b.Site != 0 {
		query.Set("idsite", strconv.FormatUint(uint64(b.Site), 10)) // the answer to a form has no page around it
		page.Privacy = fmt.Sprintf("privacy/%d?lang=%s", b.Site, lang.Tag)
	}
	page.Action = "?" + query.Encode()
	// What the page around this one keeps, and where it sends to, only its scripts know.
	page.Button, page.Choice = said["leave"], "1"
	if b.Out {
		page.Button, page.Choice = said["join"], "0"
	}
	page.State = said[State(query, page.Objects, b.Out)]
	if !page.Objects && r.Header.Get("Sec-Fetch-Dest") == "document" { // a cookie for this page is none for another around it
		page.State, page.Alone = said["alone"], true
	}
	settings, err := json.Marshal(map[string]any{
		"site": b.Site, "asks": asked(query) == "", "intro": page.Intro, "privacy": page.Privacy, "heeds": b.Heeds, "own": b.Out, "texts": said,
	})
	page.Settings = string(settings)
	var html bytes.Buffer
	if err := errors.Join(err, frame.Execute(&html, page)); err != nil {
		refuse(w, lang, http.StatusInternalServerError, "internal", "*")
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+page.Nonce+"'; style-src 'nonce-"+page.Nonce+
		"'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors *")
	header.Set("Cross-Origin-Embedder-Policy", "require-corp") // so that pages may frame it that ask that of frames
	w.Write(httpcompress.Bytes(header, r, html.Bytes()))       // an error is the client's, which is gone
}

// Choose keeps the choice of a posted form, out=1 or out=0, in a cookie of this server, and
// leads back to the page with what was chosen, which says whether the cookie is there. It
// takes none from pages of others, and says so in l. own is said of a page that visitors of the site reach under
// the domain of the site: its cookie then belongs to that domain. Any other goes to the site
// whose page is around this one, alone.
func Choose(w http.ResponseWriter, r *http.Request, l *i18n.Language, query url.Values, own bool) {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		refuse(w, l, http.StatusForbidden, "cross_origin", "*")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	out, err := strconv.ParseBool(r.PostFormValue("out"))
	if err != nil {
		refuse(w, l, http.StatusBadRequest, "bad_form", "*")
		return
	}
	set := func(name, value string, age int, mode http.SameSite) {
		// As https://www.rfc-editor.org/rfc/rfc6265 and CHIPS have it. Scripts read it to
		// see whether it is there.
		partitioned := mode == http.SameSiteNoneMode
		http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, Secure: partitioned || baseurl.Of(r).IsHTTPS(), SameSite: mode, Partitioned: partitioned})
	}
	switch {
	case !out:
		for _, name := range append([]string{cookie}, older...) {
			set(name, "", -1, http.SameSiteNoneMode)
			set(name, "", -1, http.SameSiteLaxMode)
		}
	case own:
		set(cookie, "1", Lifetime, http.SameSiteLaxMode)
	default:
		set(cookie, "1", Lifetime, http.SameSiteNoneMode)
	}
	query.Set(chosen, map[bool]string{true: "1", false: "0"}[out])
	// Relative, since a proxy may have cut the path.
	w.Header().Set("Location", "?"+query.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// State says how the choice of a page under the domain of the site stands: the part of the key
// of its text behind "optout.". objects is whether the browser itself says no, out whether the
// request carries a cookie that does.
func State(query url.Values, objects, out bool) string {
	switch was := query.Get(chosen); {
	case objects:
		return "objects"
	case was == "1" && !out, was == "0" && out:
		return "lost"
	case out:
		return "outHere"
	}
	return "unsure"
}
