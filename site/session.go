package site

import "time"

// Session is a log-in of a user.
type Session struct {
	ID         string // hash of the cookie
	User       string
	Generation string    // of the user, read before the password was checked
	Created    time.Time // all to the second
	Seen       time.Time // the last request, to the minute
	Expires    time.Time
}
