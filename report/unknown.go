package report

import "slices"

// Probes returns queries that tell whether an answer has no figure because nothing is known
// of what is filtered by: that was not recorded, or nobody said it. A 0 would then say that
// nobody came. There are none for most answers. UnknownIn reads the results.
func Probes(queries []Query, results []Result) []Query {
	var probes []Query
	seen := map[string]bool{}
	for i, q := range queries {
		if len(results[i].Lines) > 0 {
			continue
		}
		for _, f := range q.Filters {
			d := find(f.Dimension)
			if f.Not || f.Value == "" || d.base().Where != "" || seen[d.Key] {
				continue // what only some hits have says nothing of all others
			}
			seen[d.Key] = true
			all := Query{Sites: q.Sites, Zone: q.Zone, Range: q.Range, Compare: q.Compare, Measures: []string{d.Rank}}
			known := all
			known.Filters = []Filter{{Dimension: d.Key, Not: true}}
			probes = append(probes, all, known)
		}
	}
	return probes
}

// UnknownIn returns a RefusedError for the dimensions of which all hits that the probes found
// have no value, and nil if there is none.
func UnknownIn(probes []Query, results []Result) error {
	refused := RefusedError{Code: Unknown}
	for i := 0; i+1 < len(probes); i += 2 {
		if len(results[i].Lines) > 0 && len(results[i+1].Lines) == 0 {
			refused.Unknown = append(refused.Unknown, probes[i+1].Filters[0].Dimension)
		}
	}
	if len(refused.Unknown) == 0 {
		return nil
	}
	refused.Dimension = refused.Unknown[0]
	return refused
}

// IsUnknown reports whether nothing is known of a dimension: all lines of its result are of
// hits without a value, and there is one.
func (r Result) IsUnknown() bool {
	return len(r.Lines) > 0 && !slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Value != "" || l.Detail != "" })
}
