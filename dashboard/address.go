package dashboard

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/report"
	"github.com/fotspor/fotspor/site"
)

// address is the address of a page of figures: which page of which site, over which period,
// with which filters. What a page shows follows from its address alone.
type address struct {
	site    uint32 // 0: all sites
	path    string // of the page, behind that of the site: "", "/pages"
	period  report.Period
	filters []report.Filter
	own     url.Values // parameters of the page itself
	latest  bool       // the period has no date: it is the last of its kind whenever the address is read
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

// shared are the parameters that all pages have.
var shared = []string{"period", "at", "from", "to", "compare", "align", "f", "lang", formDimension, formHow, formValue}

// readAddress reads the address of a page of a site. now is in the time zone of the site, and l
// the language in which pages to compare may have been typed. If the period can't be read, the
// error is an InvalidError, and the address one of a period that comes near. It is one of the
// field "filter", and the address of no use, if a filter can't be read.
func readAddress(site uint32, path string, values url.Values, now time.Time, l *i18n.Language) (address, error) {
	a := address{site: site, path: path, own: url.Values{}}
	values = maps.Clone(values)
	if i := slices.IndexFunc(values["from"], isPath); i >= 0 { // the other is the first day of a range
		a.own["from"] = []string{values["from"][i]}
		values["from"] = slices.DeleteFunc(slices.Clone(values["from"]), isPath)
	}
	var err, wrong error
	if a.filters, err = report.ParseFilters(values["f"]); err != nil {
		return address{}, err
	}
	a.period, wrong = report.ParsePeriod(values, now)
	for key, all := range values {
		if !slices.Contains(shared, key) {
			a.own[key] = all[:1]
			if key == byColumns { // a form says each by itself
				a.own[key] = []string{strings.Join(all, ",")}
			}
			if path == comparing && key == "path" {
				a.own[key] = pathsOf(l, all)
			}
		}
	}
	return a, wrong
}

// isPath tells the path of a page from a day.
func isPath(value string) bool { return strings.HasPrefix(value, "/") }

// String returns the address as a path with a query.
func (a address) String() string { return a.as("") }

// place returns the path of the address.
func (a address) place() string {
	if a.site == 0 {
		return cmp.Or(a.path, "/")
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
	if a.latest {
		values.Del("at")
	}
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
	a.period, a.latest = p, false
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

// lastingOwn are the parameters of pages themselves that a saved view keeps.
var lastingOwn = []string{byMeasure, byTable, bySort, byFind, byTag, byColumns, "path", "prefix", "name", "from"}

// kept returns what a saved view keeps of the address: its page, which is one of pages, and the
// parameters that pages have. latest says that the period stays the last one of its kind.
func (a address) kept(latest bool) address {
	own := maps.Clone(a.own)
	maps.DeleteFunc(own, func(key string, _ []string) bool { return !slices.Contains(lastingOwn, key) })
	a.own, a.latest = own, latest && a.period.Latest()
	return a
}

// savable reports whether the page is one that a view can be of: a page of figures of a site, or
// the list of sites.
func savable(site uint32, path string) bool {
	_, ok := findPage(path)
	return ok && (site != 0 || path == "")
}

// savedAddress reads the address of a saved view, and returns false for one that no page has: no
// text that a store holds leads to anything but pages of figures of the site, or the list of sites.
func savedAddress(v site.View, now time.Time, l *i18n.Language) (address, bool) {
	values, err := url.ParseQuery(v.Query)
	if !savable(v.Site, v.Page) || err != nil {
		return address{}, false
	}
	a, err := readAddress(v.Site, v.Page, values, now, l)
	return a.kept(!values.Has("at")), err == nil
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
