package calendar

import (
	"cmp"
	"slices"
	"time"
)

// Kind is what an Event is.
type Kind string

// The kinds of events.
const (
	Holiday  Kind = "holiday" // a public holiday, on whichever day of the week it falls
	School   Kind = "school"  // days without school
	Election Kind = "election"
)

// Event is a run of days with a name in the Norwegian calendar.
type Event struct {
	Kind Kind
	Name string // key of what it is called, such as good_friday
	Days Range
}

// SchoolWeeks are the weeks of ISO 8601 in which the schools of a municipality are closed in
// winter and in autumn. 0 is a week that is not known, and no event.
type SchoolWeeks struct {
	Winter int `json:"winter"` // FirstWinterWeek to LastWinterWeek
	Autumn int `json:"autumn"` // FirstAutumnWeek to LastAutumnWeek
}

// The weeks that SchoolWeeks may have: in one of them each municipality's schools are closed,
// where they are closed for a week at all.
const (
	FirstWinterWeek, LastWinterWeek = 7, 11
	FirstAutumnWeek, LastAutumnWeek = 39, 42
)

// Valid reports whether both weeks are known weeks, or 0.
func (w SchoolWeeks) Valid() bool {
	within := func(week, first, last int) bool { return week == 0 || first <= week && week <= last }
	return within(w.Winter, FirstWinterWeek, LastWinterWeek) && within(w.Autumn, FirstAutumnWeek, LastAutumnWeek)
}

// The year of the first election that Norway lists. It and all after it were on the second
// Monday of September, or are expected then: the King in Council decides on the day.
const firstElection = 2005

// Easter returns Easter Sunday of a year of the Gregorian calendar: the Sunday after the
// first full moon of spring, as the church reckons it.
func Easter(year int) Day {
	golden, century := year%19, year/100
	// Days from 21 March to the full moon: the moon is eleven days younger each year, and the
	// corrections are for leap years that are left out and for the moon's own drift.
	moon := (19*golden + 15 + century - century/4 - (8*century+13)/25) % 30
	if moon == 29 || moon == 28 && golden > 10 {
		moon--
	}
	return Week(dayOf(year, time.March, 21) + Day(moon) + 1).To
}

func dayOf(year int, month time.Month, day int) Day {
	return DayOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// Norway returns the events of which at least one day is in r, in order of their first day,
// the longest first. They are:
//   - the public holidays (lov om helligdager, lov om 1 og 17 mai);
//   - the days on which all schools are closed: in Holy Week and over Easter, in weeks 26 to
//     32, from 24 December to 1 January. Most schools close some days before;
//   - Monday to Friday of the weeks that differ by municipality, which weeks names;
//   - elections to the Storting, the Sámediggi, and municipalities and counties.
func Norway(r Range, weeks SchoolWeeks) []Event {
	var all []Event
	if r.Empty() {
		return nil
	}
	for year := r.From.Time().Year(); year <= r.To.Time().Year()+1; year++ {
		add := func(kind Kind, name string, from, to Day) {
			if from <= r.To && to >= r.From {
				all = append(all, Event{kind, name, Range{from, to}})
			}
		}
		holiday := func(name string, day Day) { add(Holiday, name, day, day) }
		holiday("new_years_day", dayOf(year, time.January, 1))
		holiday("labour_day", dayOf(year, time.May, 1))
		holiday("constitution_day", dayOf(year, time.May, 17))
		holiday("christmas_day", dayOf(year, time.December, 25))
		holiday("boxing_day", dayOf(year, time.December, 26))
		easter := Easter(year)
		holiday("maundy_thursday", easter-3)
		holiday("good_friday", easter-2)
		holiday("easter_sunday", easter)
		holiday("easter_monday", easter+1)
		holiday("ascension_day", easter+39)
		holiday("whit_sunday", easter+49)
		holiday("whit_monday", easter+50)

		add(School, "easter_break", easter-6, easter+1)
		add(School, "summer_break", WeekOf(year, 26), WeekOf(year, 32)+6)
		add(School, "christmas_break", dayOf(year-1, time.December, 24), dayOf(year, time.January, 1))
		if weeks.Winter > 0 {
			monday := WeekOf(year, weeks.Winter)
			add(School, "winter_break", monday, monday+4)
		}
		if weeks.Autumn > 0 {
			monday := WeekOf(year, weeks.Autumn)
			add(School, "autumn_break", monday, monday+4)
		}

		monday := Week(dayOf(year, time.September, 14)).From // the second: one of the 8th to the 14th
		switch {
		case year < firstElection:
		case year%4 == 1:
			add(Election, "storting_election", monday, monday)
			add(Election, "sami_election", monday, monday)
		case year%4 == 3:
			add(Election, "municipal_election", monday, monday)
		}
	}
	slices.SortStableFunc(all, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Days.From, b.Days.From), cmp.Compare(b.Days.To, a.Days.To))
	})
	return all
}
