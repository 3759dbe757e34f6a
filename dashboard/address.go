package dashboard

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/report"
)

// address is the address of a page of figures: which page of which site, over which period,
// with which filters. What a page shows follows from its address alone.
type address struct {
	site    uint32 // 0: all sites
	path    string // of the page, behind that of the site: "", "/pages"
	period  report.Period
	filters []report.Filter
	own     url.Values // parameters of the page itself
}

// Parameters of an address besides those of the period and the filters.
const (
	byMeasure = "measure" // that the curve shows
	byTable   = "table"   // the one table that is shown, all of it
	bySort    = "sort"    // key of a column, with a minus the other way round
	byFind    = "q"       // only rows with this text
	byAfter   = "after"   // only rows behind these
	byColumns = "columns" // those that are shown
)

// String returns the address as a path with a query.
func (a address) String() string { return a.as("") }

// place returns the path of the address.
func (a address) place() string {
	if a.site == 0 {
		return "/"
	}
	return "/sites/" + strconv.FormatUint(uint64(a.site), 10) + a.path
}

// as returns the address in another format, csv or json. All rows are in it.
func (a address) as(format string) string {
	path := a.place()
	if a.site == 0 && format != "" {
		path = "/sites"
	}
	if format != "" {
		path += "." + format
		a = a.with(byAfter, "")
	}
	return path + "?" + a.values().Encode()
}

// values are the parameters of the address.
func (a address) values() url.Values {
	values := a.period.Values()
	for key, own := range a.own {
		values[key] = append(values[key], own...) // a page may have a parameter of the period's name
	}
	for _, f := range a.filters {
		values.Add("f", f.String())
	}
	return values
}

// with returns the address with a parameter of the page, or without it if value is empty.
// The rows begin anew.
func (a address) with(key, value string) address {
	a.own = maps.Clone(a.own)
	if a.own == nil {
		a.own = url.Values{}
	}
	a.own.Del(byAfter)
	if a.own.Del(key); value != "" {
		a.own.Set(key, value)
	}
	return a
}

// to returns the address of another page of the site over the same period, with the same
// filters. own are names and values of its own parameters.
func (a address) to(path string, own ...string) address {
	a.path, a.own = path, url.Values{}
	for i := 0; i+1 < len(own); i += 2 {
		a.own.Set(own[i], own[i+1])
	}
	return a
}

// of returns the address of the same page of another site.
func (a address) of(site uint32) address {
	a.site = site
	return a
}

// in returns the address over another period.
func (a address) in(p report.Period) address {
	a.period = p
	a.own = maps.Clone(a.own)
	a.own.Del(byAfter)
	return a
}

// filtered returns the address with one more filter.
func (a address) filtered(f report.Filter) address {
	if !slices.Contains(a.filters, f) {
		a.filters = append(slices.Clone(a.filters), f)
	}
	return a.rowsAnew()
}

// without returns the address without a filter.
func (a address) without(f report.Filter) address {
	a.filters = slices.DeleteFunc(slices.Clone(a.filters), func(g report.Filter) bool { return g == f })
	return a.rowsAnew()
}

func (a address) rowsAnew() address {
	a.own = maps.Clone(a.own)
	a.own.Del(byAfter)
	a.own.Del(byFind)
	return a
}

// redirected returns the address that one of an older kind of period means, and false if
// it is of none.
func redirected(u *url.URL) (string, bool) {
	values := u.Query()
	from := values.Get("from")
	switch values.Get("period") {
	case "30d":
		values.Set("period", string(report.FourWeeks))
	case "12m":
		values.Set("period", string(report.Year))
	case "custom":
		values.Set("period", string(report.DaysFromTo))
	case string(report.OneMonth):
		if from == "" || isPath(from) {
			return "", false
		}
		values.Del("from")
		values.Set("at", strings.Join(strings.SplitN(from, "-", 3)[:min(2, strings.Count(from, "-")+1)], "-"))
	default:
		return "", false
	}
	to := *u
	to.RawQuery = values.Encode()
	return to.RequestURI(), true
}
