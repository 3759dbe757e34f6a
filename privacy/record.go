package privacy

import (
	"fmt"
	"reflect"
	"time"

	"github.com/fotspor/fotspor/geo/region"
	"github.com/fotspor/fotspor/hit"
)

// fact is one thing that rows tell, in the words of the statement: a line of its
// list, said whenever the policy keeps one of the fields of hit.Row.
type fact struct {
	fields []string
	words  text
}

// facts name every field of hit.Row once, which a test holds them to.
var facts = []fact{
	{[]string{"Site", "Host", "Path", "Kind"}, text{
		en: "which page you look at",
		nb: "hvilken side du ser på",
	}},
	{[]string{"Time", "Day"}, text{
		en: "date and time",
		nb: "dato og klokkeslett",
	}},
	{[]string{"Browser", "BrowserVersion"}, text{
		en: "which browser you use, and which version of it",
		nb: "hvilken nettleser du bruker, og hvilken versjon",
	}},
	{[]string{"Network", "Country", "Region"}, text{
		en: "your machine’s internet address at region level: the network it belongs to, with country and region",
		nb: "maskinens internettadresse på regionnivå: nettverket den hører til, med land og region",
	}},
	{[]string{"OS"}, text{
		en: "which operating system you use, without its version",
		nb: "hvilket operativsystem du bruker, uten versjon",
	}},
	{[]string{"Device"}, text{
		en: "whether you use a computer, a tablet or a phone",
		nb: "om du bruker datamaskin, nettbrett eller telefon",
	}},
	{[]string{"Language"}, text{
		en: "the language your browser asks for first",
		nb: "språket nettleseren din ber om først",
	}},
	{[]string{"Channel", "Source"}, text{
		en: "where the visit came from, such as a search engine or another website",
		nb: "hvor besøket kom fra, for eksempel en søkemotor eller et annet nettsted",
	}},
	{[]string{"Campaign", "CampaignSource", "CampaignMedium", "CampaignTerm", "CampaignContent"}, text{
		en: "which campaign the visit came from, if the link you followed says so",
		nb: "hvilken kampanje besøket kom fra, hvis lenken du fulgte, sier det",
	}},
	{[]string{"Name", "Value"}, text{
		en: "what you do on the page, where we count it: a search and its words, a file fetched, a link followed to another website, a button used",
		nb: "det du gjør på siden, der vi teller det: et søk og ordene i det, en fil som hentes, en lenke til et annet nettsted, en knapp som brukes",
	}},
	{[]string{"EntryPath", "PreviousPath"}, text{
		en: "which page of ours the visit began on, and which one you saw before this one",
		nb: "hvilken av sidene våre besøket begynte på, og hvilken du så før denne",
	}},
	{[]string{"Pageviews", "Visits", "Visitors", "PageVisitors", "SectionVisitors", "Bounces", "Seconds", "Conversions", "Other"}, text{
		en: "counts: whether this opens a page or a visit, whether it is the first of the day, whether the visit stays at one page, and the seconds since the page before",
		nb: "telletall: om dette åpner en side eller et besøk, om det er det første den dagen, om besøket blir ved én side, og hvor mange sekunder det er siden forrige side",
	}},
}

// column is one stored column: the field of hit.Row it is filled from, its name
// in table hits, and what it says.
type column struct {
	field, name string
	words       text
}

// columns are all that a row is made of, in the order of hit.Row, which a test
// holds them to.
var columns = []column{
	{"Site", "site", text{"number of the website", "nummeret på nettstedet"}},
	{"Time", "time", text{"when, to the second", "når, på sekundet"}},
	{"Day", "day", text{"the day it was where the website is at home", "dagen det var der nettstedet hører hjemme"}},
	{"Kind", "kind", text{"what was done", "hva som ble gjort"}},
	{"Path", "path", text{"the page; of what follows a question mark only what says which page it is", "siden; av det som følger et spørsmålstegn, bare det som sier hvilken side det er"}},
	{"Host", "host", text{"the website’s name on the internet", "nettstedets navn på internett"}},
	{"Name", "name", text{"name of an event, words of a search, target of a link", "navnet på en hendelse, ordene i et søk, målet for en lenke"}},
	{"Value", "value", text{"number that belongs to an event", "tall som hører til en hendelse"}},
	{"Network", "network", text{"what is left of your internet address", "det som er igjen av internettadressen din"}},
	{"Country", "country", text{"country of the address", "landet til adressen"}},
	{"Region", "region", text{"region of the address, as a code of ISO 3166-2; nothing finer is looked up", "regionen til adressen, som en kode i ISO 3166-2; noe finere slås ikke opp"}},
	{"Browser", "browser", text{"name of the browser", "navnet på nettleseren"}},
	{"BrowserVersion", "browser_version", text{"its version, first number only", "versjonen, bare første tall"}},
	{"OS", "os", text{"operating system, without its version", "operativsystem, uten versjon"}},
	{"Device", "device", text{"class of machine", "type maskin"}},
	{"Language", "language", text{"first language the browser asks for", "første språk nettleseren ber om"}},
	{"Channel", "channel", text{"how the visit came", "måten besøket kom på"}},
	{"Source", "source", text{"where the visit came from", "hvor besøket kom fra"}},
	{"Campaign", "campaign", text{"campaign named in the link that led here", "kampanje som er nevnt i lenken hit"}},
	{"CampaignSource", "campaign_source", text{"source named in that link", "kilde som er nevnt i den lenken"}},
	{"CampaignMedium", "campaign_medium", text{"medium named in that link", "medium som er nevnt i den lenken"}},
	{"CampaignTerm", "campaign_term", text{"search term named in that link", "søkeord som er nevnt i den lenken"}},
	{"CampaignContent", "campaign_content", text{"variant named in that link", "variant som er nevnt i den lenken"}},
	{"EntryPath", "entry_path", text{"first page of the visit", "første side i besøket"}},
	{"PreviousPath", "previous_path", text{"page before this one", "siden før denne"}},
	{"Pageviews", "pageviews", text{"1 when a page is opened", "1 når en side åpnes"}},
	{"Visits", "visits", text{"1 when a visit begins", "1 når et besøk begynner"}},
	{"Visitors", "visitors", text{"1 the first time in a day", "1 den første gangen på en dag"}},
	{"PageVisitors", "page_visitors", text{"1 the first time on this page in a day", "1 den første gangen på denne siden på en dag"}},
	{"SectionVisitors", "section_visitors", text{"1 the first time in this part of the website in a day", "1 den første gangen i denne delen av nettstedet på en dag"}},
	{"Bounces", "bounces", text{"1 for the only page of a visit, taken back by a second one", "1 for den eneste siden i et besøk, trukket fra igjen ved neste"}},
	{"Seconds", "seconds", text{"seconds since the page before", "sekunder etter forrige side"}},
	{"Conversions", "conversions", text{"1 the first time a goal of the website is reached in a visit", "1 den første gangen et mål for nettstedet nås i et besøk"}},
	{"Other", "other", text{"which of these values are too rare for a line of their own in the reports", "hvilke av disse verdiene som er for sjeldne til å få en egen linje i rapportene"}},
}

// kept returns the names of the fields of hit.Row that live through Trim: what
// is said of the record is read off what is done to it.
func (p Policy) kept() map[string]bool {
	var row hit.Row
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Int32:
			f.SetInt(1)
		case reflect.Uint32, reflect.Uint64:
			f.SetUint(1)
		case reflect.Float64:
			f.SetFloat(1)
		default:
			f.Set(reflect.ValueOf(time.Unix(1, 0)))
		}
	}
	p.Trim(&row)
	kept := make(map[string]bool)
	for i := range v.NumField() {
		kept[v.Type().Field(i).Name] = !v.Field(i).IsZero()
	}
	return kept
}

// record returns the list of what rows tell under the policy.
func (p Policy) record(lang Language) []string {
	kept := p.kept()
	var list []string
	for _, f := range facts {
		for _, field := range f.fields {
			if kept[field] {
				list = append(list, f.words.in(lang))
				break
			}
		}
	}
	return list
}

// value returns what row holds in the column, as people read it.
func (c column) value(row hit.Row, lang Language) string {
	switch v := reflect.ValueOf(row).FieldByName(c.field).Interface().(type) {
	case time.Time:
		return v.UTC().Format(time.DateTime) + " UTC"
	case string:
		if c.field == "Region" {
			if name := region.Name(v, string(lang)); name != v {
				return v + ", " + name
			}
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}
