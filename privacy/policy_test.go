package privacy_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fotspor/fotspor/geo"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
)

func TestValidate(t *testing.T) {
	if err := privacy.Default().Validate(); err != nil {
		t.Fatalf("default policy: %v", err)
	}
	for name, c := range map[string]struct {
		mutate func(*privacy.Policy)
		names  string // what the error names; "" = none wanted
	}{
		"minimal":            {func(p *privacy.Policy) { p.Record = privacy.Minimal }, ""},
		"record empty":       {func(p *privacy.Policy) { p.Record = "" }, `record ""`},
		"record unknown":     {func(p *privacy.Policy) { p.Record = "Standard" }, `record "Standard"`},
		"a day":              {func(p *privacy.Policy) { p.Retention = privacy.Period{Days: 1} }, ""},
		"ten years":          {func(p *privacy.Policy) { p.Retention = privacy.Period{Months: 120} }, ""},
		"for ever":           {func(p *privacy.Policy) { p.Retention = privacy.Period{} }, "retention 0d"},
		"ten years, one day": {func(p *privacy.Policy) { p.Retention = privacy.Period{Years: 10, Days: 1} }, "retention 10y1d"},
		"thirty years":       {func(p *privacy.Policy) { p.Retention = privacy.Period{Years: 30} }, "retention 30y"},
		"many days":          {func(p *privacy.Policy) { p.Retention = privacy.Period{Days: 36500} }, "retention 36500d"},
		"days below zero":    {func(p *privacy.Policy) { p.Retention.Days = -1 }, "retention 3y-1d"},
		"months below zero":  {func(p *privacy.Policy) { p.Retention.Months = -1 }, "retention 3y-1m"},
		"years below zero":   {func(p *privacy.Policy) { p.Retention = privacy.Period{Years: -1, Days: 900} }, "retention -1y900d"},
		"totals as rows":     {func(p *privacy.Policy) { p.Totals = privacy.Period{Months: 36} }, ""},
		"totals of a month":  {func(p *privacy.Policy) { p.Totals = privacy.Period{Months: 1} }, "totals 1m"},
		"totals, too long":   {func(p *privacy.Policy) { p.Totals = privacy.Period{Years: 11} }, "totals 11y"},
		"IPv4 nothing":       {func(p *privacy.Policy) { p.Bits4 = 0 }, ""},
		"IPv4 most":          {func(p *privacy.Policy) { p.Bits4 = privacy.MaxBits4 }, ""},
		"IPv4 too much":      {func(p *privacy.Policy) { p.Bits4 = privacy.MaxBits4 + 1 }, "IPv4 address 25"},
		"IPv4 below zero":    {func(p *privacy.Policy) { p.Bits4 = -1 }, "IPv4 address -1"},
		"IPv6 nothing":       {func(p *privacy.Policy) { p.Bits6 = 0 }, ""},
		"IPv6 most":          {func(p *privacy.Policy) { p.Bits6 = privacy.MaxBits6 }, ""},
		"IPv6 too much":      {func(p *privacy.Policy) { p.Bits6 = privacy.MaxBits6 + 1 }, "IPv6 address 49"},
		"IPv6 below zero":    {func(p *privacy.Policy) { p.Bits6 = -1 }, "IPv6 address -1"},
		"objection ignored":  {func(p *privacy.Policy) { p.IgnoreObjection = true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := privacy.Default()
			c.mutate(&p)
			err := p.Validate()
			switch {
			case c.names == "" && err != nil:
				t.Errorf("Validate() = %v, want nil", err)
			case c.names != "" && (err == nil || !strings.Contains(err.Error(), c.names)):
				t.Errorf("Validate() = %v, want an error that names %q", err, c.names)
			}
		})
	}
}

// The cut has its own upper bounds, so that no policy can get round them.
func TestBoundsAreThoseOfTheCut(t *testing.T) {
	if privacy.MaxBits4 != geo.MaxBits4 || privacy.MaxBits6 != geo.MaxBits6 {
		t.Errorf("policy allows /%d and /%d, the cut /%d and /%d", privacy.MaxBits4, privacy.MaxBits6, geo.MaxBits4, geo.MaxBits6)
	}
}

// minimal is the contract of --record minimal: nothing else may ever survive.
var minimal = []string{
	"Site", "Time", "Day", "Kind", "Path", "Host",
	"Network", "Country", "Region", "Browser", "BrowserVersion",
	"EntryPath", "PreviousPath",
	"Pageviews", "Visits", "Visitors", "PageVisitors", "SectionVisitors", "Bounces", "Seconds", "Other",
}

func TestTrimMinimal(t *testing.T) {
	full := fullRow()
	row := full
	policy := privacy.Default()
	policy.Record = privacy.Minimal
	policy.Trim(&row)

	before, after := reflect.ValueOf(full), reflect.ValueOf(row)
	var survived []string
	for i := range after.NumField() {
		name := after.Type().Field(i).Name
		if after.Field(i).IsZero() {
			continue
		}
		survived = append(survived, name)
		if before.Field(i).Interface() != after.Field(i).Interface() {
			t.Errorf("%s is %v, was %v", name, after.Field(i), before.Field(i))
		}
	}
	slices.Sort(survived)
	if diff := cmp.Diff(slices.Sorted(slices.Values(minimal)), survived); diff != "" {
		t.Errorf("fields that survive (-want +got):\n%s", diff)
	}
}

func TestTrimMinimalKeepsNoActions(t *testing.T) {
	policy := privacy.Default()
	policy.Record = privacy.Minimal
	for kind, want := range map[hit.Kind]hit.Kind{
		hit.Pageview: hit.Pageview,
		hit.Ping:     hit.Ping,
		hit.Event:    hit.Ping,
		hit.Outlink:  hit.Ping,
		hit.Download: hit.Ping,
		hit.Search:   hit.Ping,
	} {
		row := hit.Row{Kind: kind, Bounces: -1, Seconds: 9}
		policy.Trim(&row)
		if want := (hit.Row{Kind: want, Bounces: -1, Seconds: 9}); row != want {
			t.Errorf("a %s becomes %+v, want %+v", kind, row, want)
		}
	}
}

func TestTrimStandardKeepsAll(t *testing.T) {
	row := fullRow()
	privacy.Default().Trim(&row)
	if diff := cmp.Diff(fullRow(), row); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

// fullRow has a different value in every field.
func fullRow() hit.Row {
	var row hit.Row
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("the " + v.Type().Field(i).Name)
		case reflect.Int32:
			f.SetInt(int64(1000 + i))
		case reflect.Uint32, reflect.Uint64:
			f.SetUint(uint64(1000 + i))
		case reflect.Float64:
			f.SetFloat(float64(i) + 0.5)
		default:
			f.Set(reflect.ValueOf(time.Date(2026, time.November, 22, 19, 43, 7, 0, time.UTC)))
		}
	}
	row.Kind = hit.Pageview
	return row
}
