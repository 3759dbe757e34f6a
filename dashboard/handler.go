package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/httpcompress"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// call is one request on its way through the dashboard.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	whole  context.Context // of the request, without a time limit of ours
	lang   *i18n.Language
	now    time.Time
	secure bool      // the browser came by HTTPS
	json   bool      // answer problems in JSON: see asksJSON
	format string    // that the path ends with, json or csv; "": a page
	user   site.User // who is logged in; zero where nobody need be
	site   site.Site // of the path; zero where it names none
	status int       // answered

	wrong *report.InvalidError // what of the address a page leaves out, and says so; nil: nothing
}

// handler answers a call, or returns why it can't.
type handler func(*call) error

// problem is an error that the user is told about; cause, if any, is for the log alone.
type problem struct {
	status int
	code   string // for programs, documented in docs/dashboard.md; also the key of its texts
	cause  error
}

// The problems a page can have. Their pages are rendered when the program starts.
var (
	badPeriod    = &problem{status: http.StatusBadRequest, code: "bad_period"}
	badRequest   = &problem{status: http.StatusBadRequest, code: "bad_request"}
	badFilter    = &problem{status: http.StatusBadRequest, code: "bad_filter"}
	badDimension = &problem{status: http.StatusBadRequest, code: "bad_dimension"}
	badMeasure   = &problem{status: http.StatusBadRequest, code: "bad_measure"}
	badLimit     = &problem{status: http.StatusBadRequest, code: "bad_limit"}
	badAfter     = &problem{status: http.StatusBadRequest, code: "bad_after"}
	noSession    = &problem{status: http.StatusUnauthorized, code: "no_session"}
	badPassword  = &problem{status: http.StatusForbidden, code: "bad_password"}
	crossOrigin  = &problem{status: http.StatusForbidden, code: "cross_origin"}
	notFound     = &problem{status: http.StatusNotFound, code: "not_found"}
	badMethod    = &problem{status: http.StatusMethodNotAllowed, code: "bad_method"}
	tooSlow      = &problem{status: http.StatusRequestTimeout, code: "too_slow"}
	outdated     = &problem{status: http.StatusConflict, code: "outdated"}
	deadLink     = &problem{status: http.StatusGone, code: "dead_link"}
	tooLarge     = &problem{status: http.StatusRequestEntityTooLarge, code: "too_large"}
	badForm      = &problem{status: http.StatusUnprocessableEntity, code: "bad_form"}
	tooMany      = &problem{status: http.StatusTooManyRequests, code: "too_many"}
	internal     = &problem{status: http.StatusInternalServerError, code: "internal"}
	unavailable  = &problem{status: http.StatusServiceUnavailable, code: "unavailable"}
	crowded      = &problem{status: http.StatusServiceUnavailable, code: "crowded"}

	problems = slices.Concat(inexact, []*problem{badPeriod, badRequest, badFilter, badDimension, badMeasure, badLimit, badAfter,
		noSession, badPassword, crossOrigin, notFound, badMethod, tooSlow, outdated, deadLink, tooLarge, badForm, tooMany, internal, unavailable, crowded})

	// ofPage are the problems of forms, which pages tell beside the form.
	ofPage = []*problem{badRequest, badPassword, notFound, outdated, badForm, tooMany}
	// ofBody are the problems of bodies that were not read to their end.
	ofBody = []*problem{badRequest, tooSlow, tooLarge, crowded}

	// invalid are the problems with the fields of a query.
	invalid = map[string]*problem{
		"filter": badFilter, "filters": badFilter, "dimension": badDimension, "measure": badMeasure, "measures": badMeasure,
		byTable: badDimension, bySort: badMeasure, byColumns: badMeasure, "limit": badLimit, "after": badAfter, "range": badPeriod, "step": badPeriod,
		"period": badPeriod, "at": badPeriod, "from": badPeriod, "to": badPeriod, "compare": badPeriod, "align": badPeriod,
	}
	// inexact are the reasons for which a query is refused.
	inexact = func() []*problem {
		var all []*problem
		for _, code := range report.Codes {
			all = append(all, &problem{status: http.StatusBadRequest, code: string(code)})
		}
		return all
	}()
)

// Error implements error.
func (p *problem) Error() string {
	if p.cause != nil {
		return p.cause.Error()
	}
	return p.code
}

// Unwrap returns the cause.
func (p *problem) Unwrap() error { return p.cause }

// because returns the problem with its cause.
func (p *problem) because(err error) *problem { return &problem{p.status, p.code, err} }

// asProblem says what an error is to the user. What is not a problem by
// itself comes from the store.
func asProblem(err error) *problem {
	var p *problem
	var wrong report.InvalidError
	var refused report.RefusedError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &wrong):
		return cmp.Or(invalid[wrong.Field], badRequest).because(err)
	case errors.As(err, &refused):
		i := slices.IndexFunc(inexact, func(p *problem) bool { return p.code == string(refused.Code) })
		return inexact[i].because(err)
	case errors.Is(err, site.ErrNotFound):
		return notFound.because(err)
	default:
		return unavailable.because(err)
	}
}

// statusCancelled stands for a client that went away, as in nginx; no one reads it.
const statusCancelled = 499

// headers are on every answer. Nothing is allowed but what the program serves.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), browsing-topics=()",
	"Cache-Control":                "no-store",
}

// handle turns a handler into an http.Handler: it sets the headers, refuses
// requests forged by other sites, measures, and answers errors.
func (d *Dashboard) handle(pattern string, f handler) http.Handler {
	name := handlerName(pattern)
	return d.requests.Handler(name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := d.newCall(w, r)
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		c.r = r.WithContext(ctx)
		if err := d.serve(c, f); err != nil {
			d.fail(c, name, err, r.Context().Err() != nil)
		}
	}))
}

// newCall returns the call of a request whose answer gets the headers.
func (d *Dashboard) newCall(w http.ResponseWriter, r *http.Request) *call {
	for key, value := range headers {
		w.Header().Set(key, value)
	}
	return &call{w: w, r: r, whole: r.Context(), now: d.now(), secure: d.isSecure(r), json: asksJSON(r), lang: d.languageOf(r)}
}

// asksJSON reports whether a request is a program's: of the API, of an address that ends in
// .json, or one that accepts JSON and no page.
func asksJSON(r *http.Request) bool {
	path := r.URL.Path
	accepts := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	return path == "/api" || strings.HasPrefix(path, "/api/") || strings.HasSuffix(path, ".json") ||
		strings.Contains(accepts, "application/json") && !strings.Contains(accepts, "text/html")
}

// RefuseBody answers a request whose body was not read to its end, as any other that the
// dashboard refuses. It is for handlers in front of it. status is 400, 408, 413 or 503.
func (d *Dashboard) RefuseBody(w http.ResponseWriter, r *http.Request, status int, why error) {
	d.fail(d.newCall(w, r), "body", withStatus(ofBody, status).because(why), r.Context().Err() != nil)
}

// AnswerPanic answers a request whose handler panicked, as any other that fails. What there is
// to log of the panic, its caller logs.
func (d *Dashboard) AnswerPanic(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "Location"} { // of the answer that did not come
		w.Header().Del(name)
	}
	c := d.newCall(w, r)
	if c.json {
		d.answerProblem(c, internal)
		return
	}
	c.answer(internal.status, "text/html; charset=utf-8", d.pages.problemPage(c.lang, internal))
}

// withStatus returns the problem that has a status, or else the first.
func withStatus(problems []*problem, status int) *problem {
	i := slices.IndexFunc(problems, func(p *problem) bool { return p.status == status })
	return problems[max(i, 0)]
}

func (d *Dashboard) serve(c *call, f handler) error {
	if err := d.crossOrigin.Check(c.r); err != nil {
		if _, user, err := d.session(c); err == nil {
			d.refusals.add(c.now, audit.ForgeryRefused, user.Name)
		}
		return crossOrigin.because(err)
	}
	if wrong := readable(c.r.URL.RawQuery); wrong != nil {
		if c.json || c.r.Method != http.MethodGet || strings.HasSuffix(c.r.URL.Path, ".csv") {
			return *wrong
		}
		c.wrong = wrong
		c.ask(readableOnly(c.r.URL.RawQuery))
		if f(c) != nil {
			return *wrong
		}
		return nil
	}
	if l := d.languages.Find(c.r.URL.Query().Get("lang")); l != nil && c.r.Method == http.MethodGet {
		return c.chooseLanguage(l)
	}
	return f(c)
}

// ask gives the call another query.
func (c *call) ask(query string) {
	r := *c.r
	u := *r.URL
	u.RawQuery, r.URL = query, &u
	c.r = &r
}

// readableOnly returns a query without the parameters that can't be decoded.
func readableOnly(query string) string {
	parts := slices.DeleteFunc(strings.Split(query, "&"), func(part string) bool { return readable(part) != nil })
	return strings.Join(parts, "&")
}

// leaveOut returns a notice of what a page leaves out of its address; nil for nothing.
func (d *Dashboard) leaveOut(c *call) []notice {
	if c.wrong == nil {
		return nil
	}
	claim := d.pages.problemText(c.lang, asProblem(*c.wrong))
	if c.wrong.Value != "" {
		claim += " " + shortened(c.wrong.Value)
	}
	return []notice{{Claim: claim, Reason: spans(c.lang, "address.usual")}}
}

// readable returns an InvalidError for the first parameter of a query that can't be decoded.
// url.URL.Query leaves such a parameter out, and the answer would be to another question.
func readable(query string) *report.InvalidError {
	for part := range strings.SplitSeq(query, "&") {
		if _, err := url.ParseQuery(part); err != nil {
			name, value, _ := strings.Cut(part, "=")
			if name == "f" {
				name = "filter"
			}
			return &report.InvalidError{Field: name, Value: value, Want: "an encoded parameter: " + err.Error()}
		}
	}
	return nil
}

// handlerName is the path of a pattern, for the label of a metric.
func handlerName(pattern string) string {
	_, path, found := strings.Cut(pattern, " ")
	if !found {
		path = pattern
	}
	if path == "/" {
		return "other"
	}
	return strings.TrimSuffix(path, "{$}")
}

// fail answers an error and logs it if it is ours.
func (d *Dashboard) fail(c *call, name string, err error, cancelled bool) {
	p := asProblem(err)
	switch {
	case cancelled:
		c.status = statusCancelled
		return
	case p.status >= http.StatusInternalServerError:
		d.log.Error("request failed", "handler", name, "status", p.status, "error", err)
	default:
		d.log.Debug("request refused", "handler", name, "status", p.status, "error", err)
	}
	if c.json {
		d.answerProblem(c, p)
		return
	}
	c.answer(p.status, "text/html; charset=utf-8", d.pages.problemPage(c.lang, p))
}

// answerProblem tells a program what the problem is.
func (d *Dashboard) answerProblem(c *call, p *problem) {
	text := d.pages.problemText(c.lang, p)
	if wrong, ok := errors.AsType[report.InvalidError](p.cause); ok && wrong.Field == "filter" {
		if f, err := report.ParseFilter(wrong.Value); err != nil && f.Dimension != "" { // no hit can have its value
			text = wrong.Value + ": " + c.lang.Say(wrongFilter(f.Dimension))
		}
	}
	body, _ := json.Marshal(apiError{p.code, text})
	c.answer(p.status, "application/json", body)
}

// answer sends a complete body. It is compressed only if no other site began the request:
// pages hold what is secret beside what their address says.
func (c *call) answer(status int, contentType string, body []byte) {
	c.status = status
	if !httpcompress.FromElsewhere(c.r) {
		body = httpcompress.Bytes(c.w.Header(), c.r, body)
	}
	c.w.Header().Set("Content-Type", contentType)
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	c.w.Write(body) // an error is the client's, which is gone
}

// redirect sends the browser to another page of the dashboard.
func (c *call) redirect(to string) error {
	c.status = http.StatusSeeOther
	http.Redirect(c.w, c.r, to, c.status)
	return nil
}

// isSecure reports whether the browser reached us by HTTPS. A client that lies
// about it only changes the flags of its own cookies.
func (d *Dashboard) isSecure(r *http.Request) bool {
	return d.base.Or(baseurl.Of(r)).IsHTTPS()
}

// languageCookie keeps the language that somebody chose.
const languageCookie = "lang"

// languageOf returns the language that somebody chose, or else by the browser.
func (d *Dashboard) languageOf(r *http.Request) *i18n.Language {
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if l := d.languages.Find(cookie.Value); l != nil {
			return l
		}
	}
	return d.languages.Match(strings.Join(r.Header.Values("Accept-Language"), ","))
}

// chooseLanguage remembers a language and shows the same page in it.
func (c *call) chooseLanguage(l *i18n.Language) error {
	http.SetCookie(c.w, &http.Cookie{
		Name: languageCookie, Value: l.Tag, Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	})
	u := *c.r.URL
	query := u.Query()
	query.Del("lang")
	u.RawQuery = query.Encode()
	return c.redirect(localPath(u.RequestURI()))
}

// localPath returns path if it leads to this program, and else the start page: a
// browser reads "//host" and "/\host" as another site.
func localPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}
