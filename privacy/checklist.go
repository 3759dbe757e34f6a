package privacy

// Verdict is what a checklist says of a point.
type Verdict string

// The verdicts. What only a person can know is Decide.
const (
	Met    Verdict = "met"
	Unmet  Verdict = "unmet"
	Decide Verdict = "decide"
)

// Point is a point of a checklist. The text cnil. with Key says what it asks for.
type Point struct {
	Key     string
	Verdict Verdict
}

// cnilKeep is how long the CNIL lets data of audience measurement live.
var cnilKeep = Period{Months: 25}

// cnilRounding is to what multiple the CNIL has counts rounded.
const cnilRounding = 10

// CNIL returns the points of the CNIL's self-assessment of audience measurement (4 July 2025) that
// are known to us, as running settings fill them in. It is our own assessment and nobody else's.
func CNIL(policy Policy, sites []PapersSite) []Point {
	all := func(holds func(PapersSite) bool) Verdict {
		for _, s := range sites {
			if !holds(s) {
				return Unmet
			}
		}
		return Met
	}
	totals := Unmet
	if policy.Totals != (Period{}) && !policy.Totals.longerThan(cnilKeep) {
		totals = Met
	}
	rows := Met
	if policy.Retention.longerThan(cnilKeep) {
		rows = all(func(s PapersSite) bool { return !s.Policy.Retention.longerThan(cnilKeep) })
		if len(sites) == 0 {
			rows = Unmet
		}
	}
	rounding := Unmet
	if policy.Rounding >= cnilRounding && policy.Rounding%cnilRounding == 0 {
		rounding = Met
	}
	events := all(func(s PapersSite) bool { return s.Policy.Record == Minimal })
	if events == Unmet {
		events = Decide // which ones are counted is the owner's
	}
	return []Point{
		{"rows", rows},
		{"totals", totals},
		{"tracker", Met}, // nothing that tells visitors apart is on their devices
		{"optout", all(func(s PapersSite) bool { return s.Choice || s.OptOut.Page != "" })},
		{"referrer", Met}, // referrer.Source has hosts and names alone
		{"rounding", rounding},
		{"events", events},
		{"publisher", Decide},
		{"others", Decide},
	}
}
