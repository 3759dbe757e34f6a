package dashboard

import (
	"slices"
	"strings"

	"github.com/fotspor/fotspor/report"
)

// sources tell where visits came from: by channel, and by what lies in each.
func sources(q *question) (func() doc, error) {
	l := q.lang
	if key := q.own.Get(byTable); key == "source" {
		return tablePage(list{key: "source", dimension: "source", measures: []string{"visits", "pageviews", "bounce_rate", "visit_seconds"}})(q)
	}
	measures := q.exact("", "visits", "pageviews", "bounce_rate")
	sums := q.ask(q.query(measures...))
	channels := q.table(l, list{key: "channel", dimension: "channel", measures: []string{"visits", "pageviews", "bounce_rate"}})
	all := q.table(l, list{key: "source", dimension: "source", measures: []string{"visits", "bounce_rate"}, short: 12})
	named := q.table(l, list{key: "campaign", dimension: "campaign", measures: []string{"visits", "bounce_rate"}})
	return func() doc {
		d := doc{Title: q.title("nav.sources"), Notices: q.missing(l, "visits")}
		d.refuse(q, sums)
		d.Figures = q.figures(l, sums, measures)
		d.Blocks = append(d.Blocks, q.block(l, channels(), ""), q.block(l, all(), ""))
		if t := named(); len(t.Rows) > 0 || q.wants("campaign") {
			d.Blocks = append(d.Blocks, q.block(l, t, "/campaigns"))
		}
		return d
	}, nil
}

// campaignParts are the dimensions of a campaign, its name first.
var campaignParts = func() []string {
	var parts []string
	for _, d := range report.Dimensions {
		if strings.HasPrefix(d.Key, "campaign") {
			parts = append(parts, d.Key)
		}
	}
	return parts
}()

// campaigns are told in all five parts.
func campaigns(q *question) (func() doc, error) {
	l := q.lang
	var asked []func() *table
	for _, part := range campaignParts {
		if key := q.own.Get(byTable); !slices.Contains(campaignParts, key) || key == part {
			asked = append(asked, q.table(l, list{key: part, dimension: part, measures: []string{"visits", "pageviews", "bounce_rate"}}))
		}
	}
	return func() doc {
		d := doc{Title: q.title("nav.campaigns")}
		for i, show := range asked {
			if t := show(); i == 0 || len(t.Rows) > 0 || q.wants(t.Key) {
				b := q.block(l, t, "")
				b.Wide = i == 0
				d.Blocks = append(d.Blocks, b)
			}
		}
		return d
	}, nil
}

// campaignCard tells how many came by a campaign, and what they read.
func campaignCard(q *question) (func() doc, error) {
	l := q.lang
	name := q.own.Get("name")
	if name == "" {
		return nil, notFound
	}
	q.within = append(q.within, report.Filter{Dimension: "campaign", Value: name})
	measures := q.exact("", "visits", "pageviews", "pages_per_visit", "bounce_rate", "visit_seconds")
	sums, draw := q.chart(l, measures)
	entries := q.table(l, list{key: "entry", dimension: "entry", measures: []string{"visits"}})
	read := q.table(l, list{key: "page", dimension: "page", measures: []string{"pageviews"}})
	shown := []func() *table{entries, read}
	for _, part := range campaignParts[1:] {
		shown = append(shown, q.table(l, list{key: part, dimension: part, measures: []string{"visits"}}))
	}
	return func() doc {
		d := doc{
			Title: name, Over: []span{{l.Say("nav.campaigns"), q.to("/campaigns").String()}},
			Lead: []span{{Text: q.headlineSentence(l, sums, measures[0]) + "."}},
		}
		d.refuse(q, sums)
		d.Figures = q.figures(l, sums, measures)
		d.Blocks = append(d.Blocks, q.curve(l, draw()))
		for _, show := range shown {
			if t := show(); len(t.Rows) > 0 || t.Refused != "" {
				b := q.block(l, t, "")
				b.More = nil
				d.Blocks = append(d.Blocks, b)
			}
		}
		return d
	}, nil
}

// devices are what visitors use.
func devices(q *question) (func() doc, error) {
	return q.tables("nav.devices", list{key: "device", dimension: "device", measures: []string{"visitors"}},
		list{key: "browser", dimension: "browser", measures: []string{"visitors"}},
		list{key: "os", dimension: "os", measures: []string{"visitors"}},
		list{key: "version", dimension: "version", measures: []string{"visitors"}}), nil
}

// tables asks for several tables, each of which may stand alone.
func (q *question) tables(title string, lists ...list) func() doc {
	l := q.lang
	var asked []func() *table
	key := q.own.Get(byTable)
	if !slices.ContainsFunc(lists, func(of list) bool { return of.key == key }) {
		key = ""
	}
	for _, of := range lists {
		if key == "" || key == of.key {
			asked = append(asked, q.table(l, of))
		}
	}
	return func() doc {
		d := doc{Title: q.title(title)}
		for _, show := range asked {
			b := q.block(l, show(), "")
			b.Wide = len(asked) == 1
			d.Blocks = append(d.Blocks, b)
		}
		return d
	}
}

func sortWays(rows []way) {
	slices.SortStableFunc(rows, func(a, b way) int { return int(b.count - a.count) })
}
