package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
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
	lang   *i18n.Language
	now    time.Time
	secure bool      // the browser came by HTTPS
	json   bool      // answer problems in JSON
	format string    // that the path ends with, json or csv; "": a page
	user   site.User // who is logged in; zero where nobody need be
	site   site.Site // of the path; zero where it names none
	status int       // answered
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
	crossOrigin  = &problem{status: http.StatusForbidden, code: "cross_origin"}
	notFound     = &problem{status: http.StatusNotFound, code: "not_found"}
	deadLink     = &problem{status: http.StatusGone, code: "dead_link"}
	internal     = &problem{status: http.StatusInternalServerError, code: "internal"}
	unavailable  = &problem{status: http.StatusServiceUnavailable, code: "unavailable"}

	problems = slices.Concat(inexact, []*problem{badPeriod, badRequest, badFilter, badDimension, badMeasure, badLimit, badAfter,
		noSession, crossOrigin, notFound, deadLink, internal, unavailable})

	// invalid are the problems with the fields of a query.
	invalid = map[string]*problem{
		"filter": badFilter, "filters": badFilter, "dimension": badDimension, "measure": badMeasure, "measures": badMeasure,
		"limit": badLimit, "after": badAfter, "range": badPeriod, "step": badPeriod,
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

// asProblem says what an error is to the user. Whatever is not a problem by
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		for key, value := range headers {
			w.Header().Set(key, value)
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		c := &call{w: w, r: r.WithContext(ctx), now: d.now(), secure: d.isSecure(r)}
		c.lang = d.languageOf(r)
		if err := d.serve(c, f); err != nil {
			d.fail(c, name, err, r.Context().Err() != nil)
		}
		if d.duration != nil {
			d.duration.WithLabelValues(name, strconv.Itoa(c.status)).Observe(time.Since(start).Seconds())
		}
	})
}

func (d *Dashboard) serve(c *call, f handler) error {
	if err := d.crossOrigin.Check(c.r); err != nil {
		if _, user, err := d.session(c); err == nil {
			d.refusals.add(c.now, audit.ForgeryRefused, user.Name)
		}
		return crossOrigin.because(err)
	}
	if l := d.languages.Find(c.r.URL.Query().Get("lang")); l != nil && c.r.Method == http.MethodGet {
		return c.chooseLanguage(l)
	}
	return f(c)
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
		body, _ := json.Marshal(apiError{p.code, d.pages.problemText(c.lang, p)})
		c.answer(p.status, "application/json", body)
		return
	}
	c.answer(p.status, "text/html; charset=utf-8", d.pages.problemPage(c.lang, p))
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
	return d.languages.Match(r.Header.Get("Accept-Language"))
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
