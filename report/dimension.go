package report

import "fmt"

// scope says of what a dimension is a property.
type scope uint8

const (
	ofDay   scope = iota // the same on all hits of a visitor's day
	ofVisit              // the same on all hits of a visit
	ofHit
	ofTime // when a hit came: every measure is counted where it happened
)

// crowd says whether few visitors may share a value of a dimension, so that small numbers are
// hidden. It is declared for each, since nobody can tell it from a column.
type crowd uint8

const (
	few  crowd = iota + 1 // such as a language
	many                  // such as a page, which the website chose
)

// Dimension is a property by which figures are broken down and filtered.
type Dimension struct {
	Key string
	// About says in English what its values are, and its details behind a semicolon, with
	// codes in backquotes. docs/dashboard.md lists it.
	About string
	// Value is its SQL over the columns of table hits, a text. Where there is a Detail,
	// that is the property itself, and Value is what it lies in: a region lies in a
	// country. {zone} stands for the time zone of the site.
	Value, Detail string
	// Where is the condition under which a hit has the property, "" for every hit.
	Where string
	// Of names the dimension whose lines add up to this one's, and which says all that
	// stands below. From is then the SQL over their value, "" for the value itself.
	Of, From string
	// Rank is the measure by which its lines are put in order.
	Rank string
	// Kept names the rollup that keeps its lines, "" for none: then only hits can tell.
	Kept  string
	crowd crowd
	scope scope
	// action is the kind of action whose name the dimension is, "" for none. The lines
	// of all actions are summed up together.
	action string
}

// SQL over the columns of table hits. Where a column has the name of one of a rollup,
// it is written with its table.
const (
	// action is the kind of what was done, as Action tells it.
	action = `multiIf(kind IN ('pageview', 'ping'), '', kind = 'event' AND match(name, '` + missingName + `'), 'missing', toString(kind))`
	// searchResult says whether a search had results, "" if that is not known.
	searchResult = `multiIf(hits.value > 0, 'some', hits.value = 0, 'none', '')`
	// leftPage is the page on which the time before the hit was spent.
	leftPage = `if(` + action + ` = 'missing', '', previous_path)`
	// sectionOf is hit.Section of a path.
	sectionOf = `extract(%s, '^/[^/?]*')`
)

// Dimensions are all dimensions. A new one over stored columns is an entry here, a
// migration of the view that keeps it, and its texts.
var Dimensions = []Dimension{
	{Key: "site", About: "number of the site", Of: "total", Rank: "visitors", crowd: many},

	{Key: "page", About: "path", Value: "path", Rank: "pageviews", Kept: daily, scope: ofHit, crowd: many},
	{Key: "section", About: "first segment of the path", Of: "page", From: sectionOf, Rank: "pageviews", crowd: many},
	{Key: "previous", About: "path of the page before, for page views and goals", Value: "previous_path", Where: "kind IN ('pageview', 'goal') AND previous_path != ''", Rank: "pageviews", Kept: moves, scope: ofHit, crowd: many},
	{Key: "entry", About: "path of the first page of the visit", Value: "entry_path", Rank: "visits", Kept: daily, scope: ofVisit, crowd: many},

	{Key: "source", About: "channel; source", Value: "channel", Detail: "source", Rank: "visits", Kept: daily, scope: ofVisit, crowd: many},
	{Key: "channel", About: "how visits came: `direct`, `search`, `social`, `ai`, `website`, `campaign`, `email`", Of: "source", Rank: "visits", crowd: many},
	ofCampaign("campaign", "name of the campaign"),
	ofCampaign("campaign_source", "its source"),
	ofCampaign("campaign_medium", "its medium"),
	ofCampaign("campaign_term", "its term"),
	ofCampaign("campaign_content", "its content"),

	{Key: "region", About: "country, of ISO 3166-1; region, of ISO 3166-2 (`NO-50`)", Value: "country", Detail: "region", Rank: "visitors", Kept: daily, scope: ofDay, crowd: few},
	{Key: "country", About: "country", Of: "region", Rank: "visitors", crowd: many},
	{Key: "version", About: "browser; its version", Value: "browser", Detail: "browser_version", Rank: "visitors", Kept: daily, scope: ofDay, crowd: few},
	{Key: "browser", About: "browser", Of: "version", Rank: "visitors", crowd: many},
	{Key: "os", About: "operating system", Value: "os", Rank: "visitors", Kept: daily, scope: ofDay, crowd: many},
	{Key: "device", About: "`desktop`, `mobile`, `tablet`, `other`", Value: "device", Rank: "visitors", Kept: daily, scope: ofDay, crowd: many},
	{Key: "language", About: "language, of BCP 47", Value: "language", Rank: "visits", Kept: daily, scope: ofVisit, crowd: few},

	{Key: "hour", About: "day of the week, 1 (Monday) to 7; hour, 00 to 23, of the site's time zone", Value: "toString(toDayOfWeek(day))", Detail: "leftPad(toString(toHour(time, {zone:String})), 2, '0')", Rank: "visits", Kept: hourly, scope: ofTime, crowd: many},
	{Key: "weekday", About: "day of the week", Of: "hour", Rank: "visits", crowd: many},

	ofAction("download", "address of the file", "download", ""),
	ofAction("outlink", "address of the link", "outlink", ""),
	ofAction("event", "name of an event of your own", "event", ""),
	ofAction("search_result", "words; `some` or `none` found, empty if not known", "search", searchResult),
	{Key: "search", About: "words of a search on the site", Of: "search_result", Rank: "events", crowd: few},
	ofAction("missing_link", "status and address of a page that is missing; path of the page that led there", "missing", "previous_path"),
	{Key: "missing", About: "status and address of a page that is missing", Of: "missing_link", Rank: "events", crowd: many},
	ofAction("goal", "name of the goal", "goal", ""),
}

// Lines of the rollups by day and month that are no dimension to ask for: the sums of
// all hits, and those of the hits that came after a page, by that page.
var (
	total = Dimension{Key: "total", Kept: daily}
	left  = Dimension{Key: "left", Value: leftPage, Kept: daily, scope: ofHit}
)

func ofCampaign(column, about string) Dimension {
	return Dimension{Key: column, About: about, Value: column, Where: column + " != ''", Rank: "visits", Kept: campaigns, crowd: few, scope: ofVisit}
}

// ofAction is the name of what was done, with a detail. Its condition looks at the kind first, so
// that the names of most hits are not read.
func ofAction(key, about, kind, detail string) Dimension {
	where := "kind = '" + kind + "'"
	switch kind {
	case "missing":
		where = "kind = 'event' AND match(name, '" + missingName + "')"
	case "event":
		where += " AND NOT match(name, '" + missingName + "')"
	}
	d := Dimension{Key: key, About: about, Value: "name", Detail: detail, Where: where, Rank: "events", Kept: daily, crowd: many, scope: ofHit, action: kind}
	switch kind {
	case "goal":
		d.Rank = "conversions"
	case "event", "search":
		d.crowd = few
	}
	return d
}

// FindDimension returns the dimension under a key.
func FindDimension(key string) (Dimension, bool) {
	if key == total.Key {
		return Dimension{}, false
	}
	d := find(key)
	return d, d.Key != ""
}

func find(key string) Dimension {
	if key == total.Key {
		return total
	}
	for _, d := range Dimensions {
		if d.Key == key {
			return d
		}
	}
	return Dimension{}
}

// base returns the dimension whose lines tell of d: itself, or the one it is of.
func (d Dimension) base() Dimension {
	if d.Of == "" {
		return d
	}
	return find(d.Of)
}

// kinds returns the kinds of the hits that have the property, nil for all.
func (d Dimension) kinds() []string {
	switch base := d.base(); base.action {
	case "":
		return kindsIn(base.Where)
	case "missing":
		return []string{"event"}
	default:
		return []string{base.action}
	}
}

// lines is what the rollups by day and month call the lines of a base.
func (d Dimension) lines() string {
	switch {
	case d.action != "":
		return d.action
	case d.Key == "previous":
		return left.Key
	}
	return d.Key
}

// keys returns the SQL of the value and the detail of d, over the SQL of those of its
// base: the columns of a rollup, or expressions over hits. A detail of "" is none.
func (d Dimension) keys(value, detail string) (string, string) {
	switch {
	case d.Key == "site":
		return "toString(site)", ""
	case d.From != "":
		return fmt.Sprintf(d.From, value), ""
	case d.Of != "" || d.Detail == "":
		return value, ""
	}
	return value, detail
}

// property returns the SQL of what a filter by d looks at, as keys does.
func (d Dimension) property(value, detail string) string {
	if value, detail = d.keys(value, detail); detail != "" {
		return detail
	}
	return value
}
