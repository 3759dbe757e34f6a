package site

import "time"

// Session is a log-in of a user.
type Session struct {
	ID         string // hash of the cookie
	User       string
	Generation string    // User.Generation, read before the password was checked
	Created    time.Time // all times to the second
	Seen       time.Time // time of the last request, to the minute
	Expires    time.Time
}
