package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/site"
)

// A log-in lasts a working day, and ends before that once nothing has been asked for
// two hours. When something was asked is written once a minute, so it may end that
// much earlier.
const (
	sessionLength = 12 * time.Hour
	sessionIdle   = 2 * time.Hour
	seenEvery     = time.Minute
)

const sessionCookie = "fotspor_session"

// cookieName says what the session cookie is called. With the prefix a browser
// takes it only over HTTPS, from this very host, for all its paths:
// https://www.rfc-editor.org/rfc/rfc6265#section-4.1.2 and its successor's 4.1.3.2.
func (c *call) cookieName() string {
	if c.secure {
		return "__Host-" + sessionCookie
	}
	return sessionCookie
}

// startSession logs a user in: the browser gets a random cookie, the store the
// hash of it, so a copy of the store lets nobody in.
// The user is as read before the password was checked: a change since has ended the
// session already.
func (d *Dashboard) startSession(c *call, user site.User) error {
	token := rand.Text() + rand.Text() // 260 bits
	session := site.Session{
		ID: sessionID(token), User: user.Name, Generation: user.Generation,
		Created: c.now, Seen: c.now, Expires: c.now.Add(sessionLength),
	}
	if err := d.store.PutSession(c.r.Context(), session); err != nil {
		return err
	}
	c.setSession(token, int(sessionLength/time.Second))
	c.knowDevice(user)
	return nil
}

func (c *call) setSession(token string, maxAge int) {
	http.SetCookie(c.w, &http.Cookie{
		Name: c.cookieName(), Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	})
}

// isToken reports whether a cookie has the form that startSession gives it. The store
// is not asked about any other.
func isToken(s string) bool {
	return len(s) == 52 && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '2' || r > '7') })
}

func sessionID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// session returns the session of a call and whose it is; none is site.ErrNotFound. It
// asks the store each time, which keeps what it told only as long as it sees all changes: a
// log-out, or a change of the user, counts at once in every process.
func (d *Dashboard) session(c *call) (site.Session, site.User, error) {
	cookie, err := c.r.Cookie(c.cookieName())
	if err != nil || !isToken(cookie.Value) {
		return site.Session{}, site.User{}, site.ErrNotFound
	}
	return d.store.Session(c.r.Context(), sessionID(cookie.Value), c.now, sessionIdle)
}

// sessionUser returns who is logged in, and writes down that the session was seen.
func (d *Dashboard) sessionUser(c *call) (site.User, error) {
	session, user, err := d.session(c)
	if err == nil && c.now.Sub(session.Seen) >= seenEvery {
		session.Seen = c.now
		if err := d.store.PutSession(c.r.Context(), session); err != nil {
			// Reading goes on. At worst the session ends early.
			d.log.Warn("a session was seen and that was not written down", "err", err)
		}
	}
	return user, err
}

// endSession logs out, in the store and in the browser. The audit log comes second: a
// session that can't be noted ends all the same.
func (d *Dashboard) endSession(c *call) error {
	session, user, err := d.session(c)
	if errors.Is(err, site.ErrNotFound) {
		return nil // there is none
	}
	if err != nil {
		return err
	}
	if err := d.store.EndSession(c.r.Context(), session); err != nil {
		return err
	}
	c.user = user
	if err := d.store.Note(c.r.Context(), c.entry(audit.LoggedOut, "")); err != nil {
		d.log.Warn("the audit log lacks a line", "err", err)
	}
	c.user = site.User{}
	return nil
}
