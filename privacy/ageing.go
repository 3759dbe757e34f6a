package privacy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/i18n"
)

// Ageing is what rows lose as they grow older, before they are deleted: after how long each
// part of a row is removed. Zero: it lives as long as the row.
type Ageing struct {
	Network Period
	Hour    Period // minutes and seconds of the time: the hour stays
	Version Period // of the browser
	Region  Period // the country stays
}

// Never is what setting ageing says of rows that lose nothing.
const Never = "none"

// leastHours is the shortest time after which minutes go: today is compared with the same
// weekday, up to the same minute.
const leastHours = 8

// Stage is a part of a row, and after how long it is removed.
type Stage struct {
	Name  string
	After Period
}

// stages are the names of all parts in the order in which they are written.
var stages = []struct {
	name string
	of   func(*Ageing) *Period
}{
	{"network", func(a *Ageing) *Period { return &a.Network }},
	{"hour", func(a *Ageing) *Period { return &a.Hour }},
	{"version", func(a *Ageing) *Period { return &a.Version }},
	{"region", func(a *Ageing) *Period { return &a.Region }},
}

// Stages returns the parts that are removed.
func (a Ageing) Stages() []Stage {
	var all []Stage
	for _, s := range stages {
		if after := *s.of(&a); after != (Period{}) {
			all = append(all, Stage{s.name, after})
		}
	}
	return all
}

// String returns the stages as ParseAgeing reads them.
func (a Ageing) String() string {
	var texts []string
	for _, s := range a.Stages() {
		texts = append(texts, s.After.String()+":"+s.Name)
	}
	if texts == nil {
		return Never
	}
	return strings.Join(texts, ",")
}

// ParseAgeing reads stages such as "90d:network,1y:hour", or Never.
func ParseAgeing(text string) (Ageing, error) {
	var a Ageing
	if text == Never {
		return a, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		after, name, ok := strings.Cut(strings.TrimSpace(part), ":")
		i := slices.IndexFunc(stages, func(s struct {
			name string
			of   func(*Ageing) *Period
		}) bool {
			return s.name == name
		})
		if !ok || i < 0 || *stages[i].of(&a) != (Period{}) {
			return Ageing{}, fmt.Errorf("%q: want stages such as 90d:network,1y:hour, each once, of network, hour, version and region, or %s", part, Never)
		}
		period, err := ParsePeriod(after)
		if err == nil {
			err = period.Validate()
		}
		if err != nil {
			return Ageing{}, err
		}
		*stages[i].of(&a) = period
	}
	return a, nil
}

// validate returns an error if a stage would come after the rows are deleted.
func (a Ageing) validate(retention Period) error {
	for _, s := range a.Stages() {
		if err := s.After.Validate(); err != nil {
			return fmt.Errorf("ageing of %s: %w", s.Name, err)
		}
		if s.After.longerThan(retention) {
			return fmt.Errorf("ageing of %s after %s: want a time that is not longer than retention %s", s.Name, s.After, retention)
		}
	}
	if a.Hour != (Period{}) && (Period{Days: leastHours}).longerThan(a.Hour) {
		return errors.New("ageing of hour: want at least 8d, since today is compared with the same day of the week before")
	}
	return nil
}

// AgedSince returns the first day whose rows have all of a part that ageing may remove, by its
// name: those that no version of the policy has removed from any row.
func (h History) AgedSince(now time.Time) map[string]calendar.Day {
	since := map[string]calendar.Day{}
	for _, s := range stages {
		if day := h.since(now, func(p Policy) Period { return *s.of(&p.Ageing) }, 0); day > 0 {
			since[s.name] = day
		}
	}
	return since
}

// aged returns what rows lose and when, in words.
func (a Ageing) aged(lang *i18n.Language) (string, error) {
	var parts []string
	for _, s := range a.Stages() {
		after, err := s.After.Words(lang)
		if err != nil {
			return "", err
		}
		parts = append(parts, lang.Say("ageing."+s.Name, after))
	}
	return lang.List(parts), nil
}
