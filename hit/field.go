package hit

import (
	"fmt"
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// Field is a field of Row: all that the program must know of it to store, send, show
// and forget it. What keeps rows lists no fields itself but reads Fields, so that
// a new one is added here and in Row alone.
type Field struct {
	// Number stands for the field in stored bytes. It is from 1 to 58, because Row.Other
	// has a bit for each, and is never changed or used again for another field.
	Number int
	Name   string // the column of table hits
	Type   string // its ClickHouse type
	Codec  string // its compression: what stands in CODEC(…)
	// Comment is the column's in the schema: what it means, and its unit.
	Comment string
	Minimal bool // kept when as little as possible is recorded
	Fact    Fact // what it tells of a visitor

	// At returns the field of a row. It is a func(*Row) *T where T is string, int32, uint32,
	// uint64, float64, time.Time or calendar.Day: a type switch on it, once for a field and
	// not for each row, leaves a call that costs a nanosecond.
	At any
}

// A Fact is one thing that rows tell of a visitor. The statement has a line for each.
type Fact string

// The facts, in the order of the statement.
const (
	PageFact     Fact = "page"
	TimeFact     Fact = "time"
	BrowserFact  Fact = "browser"
	AddressFact  Fact = "address"
	SystemFact   Fact = "system"
	DeviceFact   Fact = "device"
	LanguageFact Fact = "language"
	SourceFact   Fact = "source"
	CampaignFact Fact = "campaign"
	ActionFact   Fact = "action"
	WayFact      Fact = "way"    // the pages of the visit before this one
	CountFact    Fact = "counts" // the measures
)

// Facts are all facts, in the order of the statement.
var Facts = []Fact{
	PageFact, TimeFact, BrowserFact, AddressFact, SystemFact, DeviceFact, LanguageFact,
	SourceFact, CampaignFact, ActionFact, WayFact, CountFact,
}

// Types and codecs of columns. Low-cardinality columns are compressed by ZSTD because
// LZ4 takes a third more, and measures by T64 first, which drops the bits that are
// zero in all of them. Paths are low-cardinality too: a million rows with 5,000 paths take
// 11.5 bytes a row where strings take 22.6, and the most read pages 24 ms instead of 84.
const (
	lowCardinality = "LowCardinality(String)"
	zstd           = "ZSTD(1)"
	t64            = "T64, ZSTD(1)"
)

// Fields are the fields of Row, in the order of Row, which is that of the table's
// columns. They are not to be changed.
var Fields = []Field{
	{1, "site", "UInt32", zstd, "site id", true, PageFact, func(r *Row) *uint32 { return &r.Site }},
	{2, "time", "DateTime('UTC')", "Delta(4), ZSTD(1)", "when, to the second", true, TimeFact, func(r *Row) *time.Time { return &r.Time }},
	{3, "day", "Date", "Delta(2), ZSTD(1)", "the day of time in the time zone of the site", true, TimeFact, func(r *Row) *calendar.Day { return &r.Day }},
	{4, "kind", lowCardinality, zstd, "pageview, event, outlink, download, search, goal or ping", true, PageFact, func(r *Row) *string { return (*string)(&r.Kind) }},
	{5, "path", lowCardinality, zstd, "path of the page", true, PageFact, func(r *Row) *string { return &r.Path }},
	{6, "host", lowCardinality, zstd, "host of the page", true, PageFact, func(r *Row) *string { return &r.Host }},
	{7, "name", "String", zstd, "name of the event or goal, search term, target of the link", false, ActionFact, func(r *Row) *string { return &r.Name }},
	{8, "value", "Float64", zstd, "value of the event, number of search results", false, ActionFact, func(r *Row) *float64 { return &r.Value }},
	{9, "network", lowCardinality, zstd, "region-level network of the address", true, AddressFact, func(r *Row) *string { return &r.Network }},
	{10, "country", lowCardinality, zstd, "ISO 3166-1 alpha-2", true, AddressFact, func(r *Row) *string { return &r.Country }},
	{11, "region", lowCardinality, zstd, "ISO 3166-2 code of the first subdivision of the country", true, AddressFact, func(r *Row) *string { return &r.Region }},
	{12, "browser", lowCardinality, zstd, "name of the browser", true, BrowserFact, func(r *Row) *string { return &r.Browser }},
	{13, "browser_version", lowCardinality, zstd, "major version", true, BrowserFact, func(r *Row) *string { return &r.BrowserVersion }},
	{14, "os", lowCardinality, zstd, "family of operating systems", false, SystemFact, func(r *Row) *string { return &r.OS }},
	{15, "device", lowCardinality, zstd, "desktop, mobile, tablet or other", false, DeviceFact, func(r *Row) *string { return &r.Device }},
	{16, "language", lowCardinality, zstd, "primary subtag of the first accepted language", false, LanguageFact, func(r *Row) *string { return &r.Language }},
	{17, "channel", lowCardinality, zstd, "how the visit came: direct, search, social, ai, website, campaign or email", false, SourceFact, func(r *Row) *string { return &r.Channel }},
	{18, "source", lowCardinality, zstd, "where the visit came from", false, SourceFact, func(r *Row) *string { return &r.Source }},
	{19, "campaign", lowCardinality, zstd, "campaign that the visit came from", false, CampaignFact, func(r *Row) *string { return &r.Campaign }},
	{20, "campaign_source", lowCardinality, zstd, "source that the campaign names", false, CampaignFact, func(r *Row) *string { return &r.CampaignSource }},
	{21, "campaign_medium", lowCardinality, zstd, "medium that the campaign names", false, CampaignFact, func(r *Row) *string { return &r.CampaignMedium }},
	{22, "campaign_term", lowCardinality, zstd, "search term that the campaign names", false, CampaignFact, func(r *Row) *string { return &r.CampaignTerm }},
	{23, "campaign_content", lowCardinality, zstd, "variant that the campaign names", false, CampaignFact, func(r *Row) *string { return &r.CampaignContent }},
	{24, "entry_path", lowCardinality, zstd, "first page of the visit", true, WayFact, func(r *Row) *string { return &r.EntryPath }},
	{25, "previous_path", lowCardinality, zstd, "page before this hit in the visit", true, WayFact, func(r *Row) *string { return &r.PreviousPath }},
	{26, "pageviews", "Int32", t64, "1 on a page view", true, CountFact, func(r *Row) *int32 { return &r.Pageviews }},
	{27, "visits", "Int32", t64, "1 on the first hit of a visit", true, CountFact, func(r *Row) *int32 { return &r.Visits }},
	{28, "visitors", "Int32", t64, "1 on the first hit of a visitor that day", true, CountFact, func(r *Row) *int32 { return &r.Visitors }},
	{29, "page_visitors", "Int32", t64, "1 on the first view of this page by a visitor that day", true, CountFact, func(r *Row) *int32 { return &r.PageVisitors }},
	{30, "section_visitors", "Int32", t64, "1 on the first view of a page of this section by a visitor that day", true, CountFact, func(r *Row) *int32 { return &r.SectionVisitors }},
	{31, "bounces", "Int32", t64, "+1 on the first page view of a visit, -1 on the second interaction", true, CountFact, func(r *Row) *int32 { return &r.Bounces }},
	{32, "seconds", "Int32", t64, "since the previous hit of the visit", true, CountFact, func(r *Row) *int32 { return &r.Seconds }},
	{33, "conversions", "Int32", t64, "1 on the first reaching of a goal in a visit", false, CountFact, func(r *Row) *int32 { return &r.Conversions }},
	{34, "other", "UInt64", t64, "which values have no line in the rollups: bit n is the field with number n", true, CountFact, func(r *Row) *uint64 { return &r.Other }},
}

// Value returns the field of a row: of one of the types of At.
func (f Field) Value(r *Row) any {
	switch at := f.At.(type) {
	case func(*Row) *string:
		return *at(r)
	case func(*Row) *int32:
		return *at(r)
	case func(*Row) *uint32:
		return *at(r)
	case func(*Row) *uint64:
		return *at(r)
	case func(*Row) *float64:
		return *at(r)
	case func(*Row) *time.Time:
		return *at(r)
	case func(*Row) *calendar.Day:
		return *at(r)
	}
	panic(fmt.Sprintf("field %s is found by %T", f.Name, f.At))
}

// zero has the zero value of every field.
var zero Row

// IsZero reports whether the field of a row has its zero value.
func (f Field) IsZero(r *Row) bool { return f.Value(r) == f.Value(&zero) }

// Clear sets the field of a row to its zero value.
func (f Field) Clear(r *Row) {
	switch at := f.At.(type) {
	case func(*Row) *string:
		*at(r) = ""
	case func(*Row) *int32:
		*at(r) = 0
	case func(*Row) *uint32:
		*at(r) = 0
	case func(*Row) *uint64:
		*at(r) = 0
	case func(*Row) *float64:
		*at(r) = 0
	case func(*Row) *time.Time:
		*at(r) = time.Time{}
	case func(*Row) *calendar.Day:
		*at(r) = 0
	default:
		panic(fmt.Sprintf("field %s is found by %T", f.Name, f.At))
	}
}
