package dashboard

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/fotspor/fotspor/report"
)

// worldFile has the shapes of countries; see build.mjs.
const worldFile = "web/dist/world.txt"

// land is the shape of a country.
type land struct{ code, path string }

// readWorld reads the shapes of countries. They are in a box of 1000 to 440.
func readWorld() ([]land, error) {
	text, err := webFiles.ReadFile(worldFile)
	if err != nil {
		return nil, fmt.Errorf("read map: %w", err)
	}
	var all []land
	for line := range strings.Lines(string(text)) {
		number, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("read map: %w", err)
		}
		code := "XK" // which has no number of ISO 3166
		if n != 983 {
			region, err := language.EncodeM49(n)
			if err != nil {
				return nil, fmt.Errorf("read map: country %s: %w", number, err)
			}
			code = region.String()
		}
		all = append(all, land{code, path})
	}
	return all, nil
}

// counties are Norway's 15 counties of 2024 as tiles: column and row.
var counties = []struct {
	code string
	x, y float64
}{
	{"NO-56", 5, 0},
	{"NO-55", 4, 0},
	{"NO-18", 3, 1},
	{"NO-50", 2, 2},
	{"NO-15", 1, 3},
	{"NO-34", 2, 3},
	{"NO-46", 0, 4},
	{"NO-33", 1, 4},
	{"NO-03", 2, 4},
	{"NO-32", 3, 4},
	{"NO-11", 0, 5},
	{"NO-40", 1, 5},
	{"NO-39", 2, 5},
	{"NO-31", 3, 5},
	{"NO-42", 0.5, 6},
}

// Geometry of the tiles: how many fit across, their height in pixels, and how many letters
// fit in where there is room and where there is little.
const (
	tilesAcross = 6
	tileHeight  = 56
	longName    = 10
	shortName   = 5
)

// world is a map of countries, and norway one of counties. The table beside them is what
// they are drawn from.
type (
	world  struct{ areas }
	norway struct{ areas }
)

func (*world) part() string  { return "world" }
func (*norway) part() string { return "norway" }

// areas are what a map shows.
type areas struct {
	Label  string // what it shows, for those who do not see it
	Areas  []area
	Legend []legendEntry
	Beside string // what is not on it
}

// area is a country or county.
type area struct {
	Code, Name  string
	Long, Short string  // what a tile is called where there is room, and where there is little
	Path        string  // of a country
	X, Y        float64 // of a county: percent across, pixels down
	Value       string
	Class       string
	URL         string // of the page filtered by it; "": nobody came from there
}

// legendEntry says what a shade means.
type legendEntry struct{ Class, Text string }

// The shades of areas besides those of numbers, which are l1 to l5.
const (
	shadeNone   = "none"
	shadeHidden = "covered"
	// shadeWithheld is of areas of which nobody is told whether anybody came from there.
	shadeWithheld = "withheld"
)

// places are where visitors are: a map and a table of countries, and of counties.
func places(q *question) (func() doc, error) {
	tables := []list{
		{key: "country", dimension: "country", measures: []string{"visitors", "pageviews"}, short: 12},
		{key: "region", dimension: "region", measures: []string{"visitors", "pageviews"}, short: 16},
	}
	if q.own.Get(byTable) != "" || q.all {
		return q.tables("nav.places", tables...), nil
	}
	var countries, regions *answer
	measures := q.exact("country", "visitors", "pageviews")[:1]
	// The days before are not on the maps, but in the tables: what is asked over the same days
	// is read once.
	countries = q.ask(q.by("country", report.MaxLimit, measures...))
	regions = q.ask(q.by("region", report.MaxLimit, measures...))
	show := q.tables("nav.places", tables...)
	return func() doc {
		d := show()
		at := func(title string, c content) block {
			return block{Key: c.part(), Title: q.lang.Say(title, q.lang.Say("measure."+measures[0])), Shows: c}
		}
		if countries.refused == nil && regions.refused == nil {
			d.Blocks = []block{at("map.world", q.world(countries, measures[0])), d.Blocks[0], at("map.norway", q.norway(regions, measures[0])), d.Blocks[1]}
		}
		return d
	}, nil
}

// linesNow are the lines of an answer that are not of the days before alone.
func (a *answer) linesNow() []report.Line {
	return slices.DeleteFunc(slices.Clone(a.Lines), func(l report.Line) bool { return l.Hidden == report.Shown && l.Now == (report.Sums{}) })
}

// found is the number of an area, and why it is hidden.
type found struct {
	n      int64
	hidden report.Hiding
}

// area says what an area has.
// withheld: areas without a number may be hidden.
func (q *question) area(a area, of found, known, withheld bool, shades []int64, filter report.Filter) area {
	a.Class, a.Value = shadeNone, q.lang.Number(0)
	switch {
	case !known && withheld:
		a.Class, a.Value = shadeWithheld, q.lang.Say("map.withheld")
		return a
	case !known:
		return a
	case of.hidden != report.Shown:
		a.Class, a.Value = shadeHidden, coverOf(q.lang, of.hidden, q.below())
	default:
		a.Class, a.Value = "l"+strconv.Itoa(shadeOf(shades, of.n)), q.lang.Number(of.n)
	}
	a.URL = q.filtered(filter).String()
	return a
}

func (q *question) world(got *answer, measure string) *world {
	l := q.lang
	numbers := map[string]found{}
	for _, line := range got.linesNow() {
		numbers[line.Value] = found{line.Now.Count(measure), line.Hidden}
	}
	w := &world{}
	var codes []string
	for _, country := range q.dashboard.world {
		codes = append(codes, country.code)
	}
	shades := shadesOf(numbers, codes)
	for _, country := range q.dashboard.world {
		of, known := numbers[country.code]
		w.Areas = append(w.Areas, q.area(area{Code: country.code, Name: l.Country(country.code), Path: country.path}, of, known, got.Withheld, shades, report.Filter{Dimension: "country", Value: country.code}))
		delete(numbers, country.code)
	}
	w.finish(q, "map.world", measure, shades, numbers, func(code string) string { return nameOf(l, "country", code) })
	return w
}

func (q *question) norway(got *answer, measure string) *norway {
	l := q.lang
	numbers, folded := map[string]found{}, report.Shown
	for _, line := range got.linesNow() {
		switch {
		case line.Value != "NO":
		case line.Folded: // none of them is told apart
			folded = max(line.Hidden, report.Beside)
		default:
			numbers[line.Detail] = found{line.Now.Count(measure), line.Hidden}
		}
	}
	n := &norway{}
	var codes []string
	for _, c := range counties {
		codes = append(codes, c.code)
	}
	shades := shadesOf(numbers, codes)
	for _, c := range counties {
		of, known := numbers[c.code]
		if folded != report.Shown {
			of, known = found{0, folded}, true
		}
		name := l.Region(c.code)
		a := area{Code: c.code, Name: name, Long: name, Short: short(name), X: c.x / tilesAcross * 100, Y: c.y * tileHeight}
		if len([]rune(name)) > longName {
			a.Long = a.Short
		}
		n.Areas = append(n.Areas, q.area(a, of, known, got.Withheld, shades, report.Filter{Dimension: "region", Value: c.code}))
		delete(numbers, c.code)
	}
	n.finish(q, "map.norway", measure, shades, numbers, func(code string) string { return nameOf(l, "region", code) })
	return n
}

// short returns the first word of a name, cut where it is long.
func short(name string) string {
	word, _, _ := strings.Cut(name, " ")
	if letters := []rune(word); len(letters) > shortName+1 {
		return string(letters[:shortName]) + "."
	}
	return word
}

// finish writes what stands around a map: rest are the numbers of what is not on it.
func (m *areas) finish(q *question, title, measure string, shades []int64, rest map[string]found, name func(string) string) {
	l := q.lang
	m.Label = l.Say(title, l.Say("measure."+measure))
	has := map[string]bool{}
	for _, a := range m.Areas {
		has[a.Class] = true
	}
	for i, from := range shades {
		text := l.Say("map.from", l.Number(from))
		if i+1 < len(shades) {
			text = l.Number(from)
			if to := shades[i+1] - 1; to > from {
				text += "–" + l.Number(to)
			}
		}
		m.Legend = append(m.Legend, legendEntry{"l" + strconv.Itoa(i+1), text})
	}
	for _, e := range []legendEntry{{shadeNone, l.Say("map.none")}, {shadeHidden, l.Say("guard.beside")}, {shadeWithheld, l.Say("map.withheld")}} {
		if has[e.Class] {
			m.Legend = append(m.Legend, e)
		}
	}
	type one struct {
		name string
		found
	}
	var all []one
	for code, f := range rest {
		text := name(code)
		if code == "" {
			text = lower(l.Say("unknown"))
		}
		all = append(all, one{text, f})
	}
	slices.SortFunc(all, func(a, b one) int {
		if a.n != b.n {
			return int(b.n - a.n)
		}
		return strings.Compare(a.name, b.name)
	})
	var texts []string
	for _, o := range all {
		value := l.Number(o.n)
		if o.hidden != report.Shown {
			value = coverOf(l, o.hidden, q.below())
		}
		texts = append(texts, o.name+" "+value)
	}
	if len(texts) > shortTable {
		texts = append(texts[:shortTable:shortTable], l.Say("map.more", l.Number(int64(len(texts)-shortTable))))
	}
	if len(texts) > 0 {
		m.Beside = l.Say("map.beside", l.List(texts))
	}
}

// shadesOf returns from which number on each shade of the areas of a map is, at most levels
// of them: each is of numbers that are about as many times as large as those of the one
// before.
func shadesOf(numbers map[string]found, codes []string) []int64 {
	least, most := int64(math.MaxInt64), int64(0)
	for _, code := range codes {
		if f := numbers[code]; f.hidden == report.Shown && f.n > 0 {
			least, most = min(least, f.n), max(most, f.n)
		}
	}
	if most == 0 {
		return nil
	}
	shades := []int64{least}
	ratio := math.Pow(float64(most)/float64(least), 1./levels)
	for i := 1; i < levels; i++ {
		from := float64(least) * math.Pow(ratio, float64(i))
		digit := math.Pow(10, math.Floor(math.Log10(from)))
		if n := int64(math.Round(from/digit) * digit); n > shades[len(shades)-1] && n <= most {
			shades = append(shades, n)
		}
	}
	return shades
}

// shadeOf returns the shade of a number, 1 for the lightest.
func shadeOf(shades []int64, n int64) int {
	shade := 1
	for i, from := range shades {
		if n >= from {
			shade = i + 1
		}
	}
	return shade
}
