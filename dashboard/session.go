package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/fotspor/fotspor/store"
)

// sessionLength is how long a log-in lasts: a working day. It is fixed from the
// start, so nothing has to be written while somebody reads.
const sessionLength = 12 * time.Hour

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
func (d *Dashboard) startSession(c *call, user string) error {
	token := rand.Text() + rand.Text() // 260 bits
	expires := c.now.Add(sessionLength)
	if err := d.store.PutSession(c.r.Context(), sessionID(token), user, expires); err != nil {
		return err
	}
	c.setSession(token, int(sessionLength/time.Second))
	return nil
}

func (c *call) setSession(token string, maxAge int) {
	http.SetCookie(c.w, &http.Cookie{
		Name: c.cookieName(), Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	})
}

func sessionID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// sessionUser returns who is logged in; nobody is store.ErrNotFound. It asks the
// store each time: a log-out counts at once, in every process.
func (d *Dashboard) sessionUser(c *call) (store.User, error) {
	cookie, err := c.r.Cookie(c.cookieName())
	if err != nil {
		return store.User{}, store.ErrNotFound
	}
	return d.store.SessionUser(c.r.Context(), sessionID(cookie.Value), c.now)
}

// endSession logs out, in the store and in the browser.
func (d *Dashboard) endSession(c *call) error {
	cookie, err := c.r.Cookie(c.cookieName())
	if err != nil {
		return nil // there is none
	}
	id := sessionID(cookie.Value)
	user, err := d.store.SessionUser(c.r.Context(), id, c.now)
	if err == nil {
		err = d.store.PutSession(c.r.Context(), id, user.Name, time.Unix(0, 0))
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	c.setSession("", -1)
	return nil
}

// member lets users through to f, and answers others with otherwise.
func (d *Dashboard) member(f, otherwise handler) handler {
	return func(c *call) error {
		user, err := d.sessionUser(c)
		if errors.Is(err, store.ErrNotFound) {
			return otherwise(c)
		}
		if err != nil {
			return err
		}
		c.user = user
		return f(c)
	}
}

// toLogin asks for a log-in, and comes back afterwards.
func toLogin(c *call) error {
	to := "/login"
	if next := localPath(c.r.URL.RequestURI()); next != "/" {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	return c.redirect(to)
}

func unauthorized(*call) error { return noSession }
