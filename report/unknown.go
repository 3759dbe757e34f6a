package report

import (
	"slices"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
)

// Probes returns queries that tell whether something is known of what some queries filter by
// or are broken down by: if it was not recorded, or nobody said it, 0 would say that nobody
// came, and a filter that leaves a value out would leave out nothing. There are none for most
// queries. With results nil it returns those that do not depend on them. UnknownIn reads the
// results of the probes.
func Probes(queries []Query, results []Result) []Query {
	var probes []Query
	seen := map[string]bool{}
	for i, q := range queries {
		empty := results != nil && len(results[i].Lines) == 0
		probe := func(key string) {
			d := find(key)
			if seen[key] {
				return
			}
			seen[key] = true
			all := Query{Sites: q.Sites, Zone: q.Zone, Range: q.Range, Compare: q.Compare, Measures: []string{"pageviews"}}
			if !slices.ContainsFunc(q.ranges(), func(r calendar.Range) bool { return r.Days() > MaxPoints }) {
				all.Step = Day
			}
			known, device := all, all
			known.Filters = []Filter{{Dimension: key, Not: true}}
			if d.base().Where != "" {
				known.Filters, known.Dimension, known.Measures, known.Limit = nil, key, []string{d.Rank}, 1
			}
			device.Filters = []Filter{{Dimension: "device", Not: true}}
			probes = append(probes, all, known, device)
		}
		for _, f := range q.Filters {
			switch d := find(f.Dimension); {
			case f.Value == "" && !f.Prefix: // asks what is not known
			case !d.minimal(), d.base().Where == "" && (empty || f.Not):
				probe(d.Key)
			}
		}
		if d := find(q.Dimension); d.base().Where != "" && !d.minimal() && empty && q.Find == "" && q.After == "" {
			probe(d.Key)
		}
	}
	return probes
}

// UnknownIn returns a RefusedError for the dimensions of which nothing is known, and nil if
// there is none: no hit has a value, or there is a day on which none has one, nor a device. A
// policy that records more than the least always records the device, and may have changed.
// Of what only some hits have, such as a search, the device alone tells.
func UnknownIn(probes []Query, results []Result) error {
	refused := RefusedError{Code: Unknown}
	for i := 0; i+2 < len(probes); i += 3 {
		all, known, device := results[i], results[i+1], results[i+2]
		d := find(probes[i+1].Dimension)
		if d.Key == "" {
			d = find(probes[i+1].Filters[0].Dimension)
		}
		told := func(r Result, l Line) bool {
			return slices.ContainsFunc(r.Lines, func(k Line) bool { return k.At.Equal(l.At) })
		}
		unknown := d.base().Where == "" && len(all.Lines) > 0 && len(known.Lines) == 0
		if !unknown && !d.minimal() {
			unknown = slices.ContainsFunc(all.Lines, func(l Line) bool { return !told(known, l) && !told(device, l) })
		}
		if unknown {
			refused.Unknown = append(refused.Unknown, d.Key)
		}
	}
	if len(refused.Unknown) == 0 {
		return nil
	}
	refused.Dimension = refused.Unknown[0]
	return refused
}

// minimal reports whether each policy records what the dimension is over.
func (d Dimension) minimal() bool {
	base := d.base()
	for _, name := range fieldsOf(base.Value + " " + base.Detail + " " + base.Where) {
		if f, _ := hit.FindField(name); !f.Minimal {
			return false
		}
	}
	return true
}

// Concerns reports whether an error with the code Unknown is about a query with a result.
func (e RefusedError) Concerns(q Query, r Result) bool {
	return slices.ContainsFunc(q.Filters, func(f Filter) bool { return slices.Contains(e.Unknown, f.Dimension) }) ||
		slices.Contains(e.Unknown, q.Dimension) && len(r.Lines) == 0
}

// IsUnknown reports whether nothing is known of a dimension: all lines of its result are of
// hits without a value, and there is one.
func (r Result) IsUnknown() bool {
	return len(r.Lines) > 0 && !slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Value != "" || l.Detail != "" })
}
