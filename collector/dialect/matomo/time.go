package matomo

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// farAway is later than every accepted time, in Unix seconds.
const farAway = 1e11

// when returns the time at which the hit happened by the request (cdt, cdo), or the zero time
// if it does not say. For a time in the future it returns the zero time too, since clocks of
// phones may be fast. It returns an error for an invalid time, and for one longer ago than
// plausible.
func (p *params) when(now time.Time) (time.Time, error) {
	at := now
	if told := strings.TrimSpace(p.time); told != "" {
		var ok bool
		if at, ok = parseTime(told, now); !ok || now.Sub(at) > plausible {
			return time.Time{}, errTime
		}
	} else if p.timeOffset == "" {
		return time.Time{}, nil
	}
	if p.timeOffset != "" {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(p.timeOffset), 64)
		if seconds = math.Abs(seconds); err != nil || !(seconds <= plausible.Seconds()) {
			return time.Time{}, errOffset
		}
		if at = at.Add(-time.Duration(seconds) * time.Second); now.Sub(at) > plausible {
			return time.Time{}, errOffset
		}
	}
	if at.After(now) {
		return time.Time{}, nil
	}
	return at, nil
}

// layouts are the forms of dates and times that trackers send, without the zone.
var layouts = []string{
	time.DateTime, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
	"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/01/02",
	"Mon, 2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05", "2 January 2006 15:04:05",
}

// zoned matches a date and time followed by a zone: +01, GMT+1, CET or Europe/Oslo. In the
// form of mail, an offset is followed by its name in brackets.
var zoned = regexp.MustCompile(`^(.*\d) ?(?:(?:(?:GMT|UTC|Z)?([+-])(\d{1,2})(?::?(\d{2}))?)(?: \([A-Za-z ]+\))?|([A-Za-z][A-Za-z0-9_/+-]*))$`)

// zones maps the abbreviations of zones that are read to minutes east of UTC, as in PHP.
// Abbreviations of several distant zones, such as IST, are not read.
// See https://www.php.net/manual/en/timezones.others.php.
var zones = map[string]int{
	"UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "MET": 60, "CEST": 120, "MEST": 120,
	"EET": 120, "SAST": 120, "EEST": 180, "MSK": 180, "HKT": 480, "AWST": 480, "JST": 540, "ACST": 570, "AEST": 600, "AEDT": 660,
	"NZST": 720, "NZDT": 780, "NDT": -150, "NST": -210, "ADT": -180, "AST": -240, "EDT": -240, "EST": -300, "CDT": -300, "CST": -360,
	"MDT": -360, "MST": -420, "PDT": -420, "PST": -480, "AKDT": -480, "AKST": -540, "HST": -600,
}

// maxDate bounds a date with its zone, in bytes.
const maxDate = 80

// parseDate reads a date and time in one of the layouts; one without a zone is UTC.
func parseDate(s string, zone *time.Location) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseZone returns the zone in the submatches of zoned, and false if it is unknown.
func parseZone(parts []string) (*time.Location, bool) {
	sign, hours, minutes, name := parts[2], parts[3], parts[4], parts[5]
	if sign != "" {
		h, _ := strconv.Atoi(hours) // "" gives 0; others are digits
		m, _ := strconv.Atoi(minutes)
		if h > 14 || m > 59 {
			return nil, false
		}
		if m += 60 * h; sign == "-" {
			m = -m
		}
		return time.FixedZone("", 60*m), true
	}
	if minutes, ok := zones[strings.ToUpper(name)]; ok {
		return time.FixedZone("", 60*minutes), true
	}
	if !strings.Contains(name, "/") { // a name such as EST5EDT means little to people
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// parseTime reads Unix seconds, a date, or one of the words and offsets that Matomo
// takes for a time: those of PHP's strtotime that say when something was.
// See https://www.php.net/manual/en/datetime.formats.php.
func parseTime(s string, now time.Time) (time.Time, bool) {
	if seconds, err := strconv.ParseFloat(strings.TrimPrefix(s, "@"), 64); err == nil {
		if math.Abs(seconds) < farAway { // false for NaN
			return time.Unix(int64(seconds), 0).UTC(), true
		}
		return time.Time{}, false
	}
	if len(s) > maxDate {
		return time.Time{}, false
	}
	if t, ok := parseDate(s, time.UTC); ok {
		return t, true
	}
	if parts := zoned.FindStringSubmatch(s); parts != nil {
		if zone, ok := parseZone(parts); ok {
			if t, ok := parseDate(parts[1], zone); ok {
				return t, true
			}
		}
	}
	return parseRelative(s, now.UTC())
}

// words are the times that have a name, as days from today and an hour; hour -1 is the
// current time of day.
var words = map[string]struct{ days, hour int }{
	"now": {0, -1}, "today": {0, 0}, "midnight": {0, 0}, "noon": {0, 12}, "yesterday": {1, 0}, "tomorrow": {-1, 0},
}

// units are the lengths of the units of time, and those that go by the calendar.
var units = map[string]struct {
	length              time.Duration
	years, months, days int
}{
	"sec": {length: time.Second}, "second": {length: time.Second},
	"min": {length: time.Minute}, "minute": {length: time.Minute}, "hour": {length: time.Hour},
	"day": {days: 1}, "week": {days: 7}, "fortnight": {days: 14}, "month": {months: 1}, "year": {years: 1},
}

const (
	maxRelative = 64 // bytes of a relative time
	maxUnits    = 1_000_000_000
)

// relativeField matches a number or a word of a relative time: "-3hours" and "- 3 hours" have
// two. Any other character is a field that makes the time invalid.
var relativeField = regexp.MustCompile(`[+-]? *\d[\d:]*|[a-z]+|\S`)

// parseRelative reads a time such as "-3 hours", "1 day 2 hours ago", "yesterday noon" or
// "yesterday 14:30". As in PHP, a time without a zone is in UTC, and "ago" applies to all
// numbers before it.
func parseRelative(s string, now time.Time) (time.Time, bool) {
	if len(s) > maxRelative {
		return time.Time{}, false
	}
	at := now
	var years, months, days int
	var length time.Duration
	fields := relativeField.FindAllString(strings.ToLower(s), -1)
	for i := 0; i < len(fields); i++ {
		field := strings.ReplaceAll(fields[i], " ", "")
		if word, ok := words[field]; ok {
			at = at.AddDate(0, 0, -word.days)
			if word.hour >= 0 {
				at = time.Date(at.Year(), at.Month(), at.Day(), word.hour, 0, 0, 0, time.UTC)
			}
			continue
		}
		if field == "ago" {
			if i == 0 {
				return time.Time{}, false
			}
			years, months, days, length = -years, -months, -days, -length
			continue
		}
		if clock, ok := parseClock(field); ok {
			at = time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC).Add(clock)
			continue
		}
		n, err := strconv.Atoi(field)
		if err != nil || i+1 == len(fields) || n > maxUnits || n < -maxUnits {
			return time.Time{}, false
		}
		i++
		unit, ok := units[strings.TrimSuffix(fields[i], "s")]
		if !ok {
			return time.Time{}, false
		}
		years, months, days = years+n*unit.years, months+n*unit.months, days+n*unit.days
		length += time.Duration(n) * unit.length
	}
	if len(fields) == 0 {
		return time.Time{}, false
	}
	return at.AddDate(years, months, days).Add(length), true
}

// parseClock reads a time of day such as 14:30 or 14:30:05.
func parseClock(s string) (time.Duration, bool) {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)), true
		}
	}
	return 0, false
}
