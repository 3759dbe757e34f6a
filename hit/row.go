package hit

import (
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// Row is one stored hit: a line of table hits. Nothing in it says who came.
// Its measures are additive: every figure of a report is a sum over rows. Fields
// declares what the program knows of each field.
type Row struct {
	Site           uint32
	Time           time.Time    // UTC, to the second
	Day            calendar.Day // the day of Time in the site's own time zone
	Kind           Kind
	Path           string // path of the page; query parameters only where the site allows them
	Host           string
	Name           string // name of the event, search term, target of the link
	Value          float64
	Network        string // the region-level network in CIDR form, such as 192.0.0.0/16
	Country        string // ISO 3166-1 alpha-2, upper case
	Region         string // ISO 3166-2 code of the first subdivision
	Browser        string
	BrowserVersion string // major version
	OS             string // family
	Device         string // desktop, mobile, tablet or other
	Language       string // primary subtag, such as nb

	// Where the visit came from: the same on every row of a visit, so that
	// sums by source hold for bounces and seconds too.
	Channel         string // direct, search, social, ai, website, campaign, email
	Source          string
	Campaign        string
	CampaignSource  string
	CampaignMedium  string
	CampaignTerm    string
	CampaignContent string

	EntryPath    string // first page of the visit
	PreviousPath string // page before this hit, empty on the first hit of a visit

	Pageviews       int32 // 1 on a page view
	Visits          int32 // 1 on the first hit of a visit
	Visitors        int32 // 1 on a visitor's first hit of the day
	PageVisitors    int32 // 1 on a visitor's first view of this page that day
	SectionVisitors int32 // 1 on a visitor's first view of a page of this section that day; the section is the first segment of the path
	Bounces         int32 // +1 on the first page view of a visit, -1 on the second interaction
	Seconds         int32 // since the previous hit of the visit
	Conversions     int32 // 1 on the first reaching of a goal in a visit

	// Other has bit n set where the value of the field with number n has no line in the
	// rollups: they count it among the others. The bits from CampaignBit are of what is no
	// field. No bit is set of a field that is empty.
	Other uint64
}

// Conversion returns the row beside r that says that its visit has reached a goal: with all
// that r tells, no measure but Conversions, and the name of the goal.
func (r Row) Conversion(goal string) Row {
	for i := range Fields {
		if Fields[i].Fact == CountFact && Fields[i].Name != "other" {
			Fields[i].Clear(&r)
		}
	}
	r.Kind, r.Name, r.Value, r.Conversions = Goal, goal, 0, 1
	return r
}
