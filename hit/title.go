package hit

import "github.com/fotspor/fotspor/calendar"

// PageTitle is a title that so many visitors of a day have seen at a page that it is kept.
// It is no part of a row, and has no time of day.
type PageTitle struct {
	Site     uint32
	Path     string       // as in Row
	Title    string       // without personal data
	Day      calendar.Day // on which they saw it, in the site's own time zone
	Visitors uint8        // how many they were when it was kept, at the least
}
