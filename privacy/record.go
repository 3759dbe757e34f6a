package privacy

import (
	"fmt"
	"slices"
	"time"

	"github.com/fotspor/fotspor/geo/region"
	"github.com/fotspor/fotspor/hit"
)

// facts are the lines of the statement's list: what rows tell, said whenever the policy
// keeps one of the fields that tell it.
var facts = map[hit.Fact]text{
	hit.PageFact: {
		en: "which page you look at",
		nb: "hvilken side du ser på",
	},
	hit.TimeFact: {
		en: "date and time",
		nb: "dato og klokkeslett",
	},
	hit.BrowserFact: {
		en: "which browser you use, and which version of it",
		nb: "hvilken nettleser du bruker, og hvilken versjon",
	},
	hit.AddressFact: {
		en: "your machine’s internet address at region level: the network it belongs to, with country and region",
		nb: "maskinens internettadresse på regionnivå: nettverket den hører til, med land og region",
	},
	hit.SystemFact: {
		en: "which operating system you use, without its version",
		nb: "hvilket operativsystem du bruker, uten versjon",
	},
	hit.DeviceFact: {
		en: "whether you use a computer, a tablet or a phone",
		nb: "om du bruker datamaskin, nettbrett eller telefon",
	},
	hit.LanguageFact: {
		en: "the language your browser asks for first",
		nb: "språket nettleseren din ber om først",
	},
	hit.SourceFact: {
		en: "where the visit came from, such as a search engine or another website",
		nb: "hvor besøket kom fra, for eksempel en søkemotor eller et annet nettsted",
	},
	hit.CampaignFact: {
		en: "which campaign the visit came from, if the link you followed says so",
		nb: "hvilken kampanje besøket kom fra, hvis lenken du fulgte, sier det",
	},
	hit.ActionFact: {
		en: "what you do on the page, where we count it: a search and its words, a file fetched, a link followed to another website, a button used",
		nb: "det du gjør på siden, der vi teller det: et søk og ordene i det, en fil som hentes, en lenke til et annet nettsted, en knapp som brukes",
	},
	hit.WayFact: {
		en: "which page of ours the visit began on, and which one you saw before this one",
		nb: "hvilken av sidene våre besøket begynte på, og hvilken du så før denne",
	},
	hit.CountFact: {
		en: "counts: whether this opens a page or a visit, whether it is the first of the day, whether the visit stays at one page, and the seconds since the page before",
		nb: "telletall: om dette åpner en side eller et besøk, om det er det første den dagen, om besøket blir ved én side, og hvor mange sekunder det er siden forrige side",
	},
}

// meanings say what is in each column of a row.
var meanings = map[string]text{
	"site":             {"number of the website", "nummeret på nettstedet"},
	"time":             {"when, to the second", "når, på sekundet"},
	"day":              {"the day it was where the website is at home", "dagen det var der nettstedet hører hjemme"},
	"kind":             {"what was done", "hva som ble gjort"},
	"path":             {"the page; of what follows a question mark only what says which page it is", "siden; av det som følger et spørsmålstegn, bare det som sier hvilken side det er"},
	"host":             {"the website’s name on the internet", "nettstedets navn på internett"},
	"name":             {"name of an event, words of a search, target of a link", "navnet på en hendelse, ordene i et søk, målet for en lenke"},
	"value":            {"number that belongs to an event", "tall som hører til en hendelse"},
	"network":          {"what is left of your internet address", "det som er igjen av internettadressen din"},
	"country":          {"country of the address", "landet til adressen"},
	"region":           {"region of the address, as a code of ISO 3166-2; nothing finer is looked up", "regionen til adressen, som en kode i ISO 3166-2; noe finere slås ikke opp"},
	"browser":          {"name of the browser", "navnet på nettleseren"},
	"browser_version":  {"its version, first number only", "versjonen, bare første tall"},
	"os":               {"operating system, without its version", "operativsystem, uten versjon"},
	"device":           {"class of machine", "type maskin"},
	"language":         {"first language the browser asks for", "første språk nettleseren ber om"},
	"channel":          {"how the visit came", "måten besøket kom på"},
	"source":           {"where the visit came from", "hvor besøket kom fra"},
	"campaign":         {"campaign named in the link that led here", "kampanje som er nevnt i lenken hit"},
	"campaign_source":  {"source named in that link", "kilde som er nevnt i den lenken"},
	"campaign_medium":  {"medium named in that link", "medium som er nevnt i den lenken"},
	"campaign_term":    {"search term named in that link", "søkeord som er nevnt i den lenken"},
	"campaign_content": {"variant named in that link", "variant som er nevnt i den lenken"},
	"entry_path":       {"first page of the visit", "første side i besøket"},
	"previous_path":    {"page before this one", "siden før denne"},
	"pageviews":        {"1 when a page is opened", "1 når en side åpnes"},
	"visits":           {"1 when a visit begins", "1 når et besøk begynner"},
	"visitors":         {"1 the first time in a day", "1 den første gangen på en dag"},
	"page_visitors":    {"1 the first time on this page in a day", "1 den første gangen på denne siden på en dag"},
	"section_visitors": {"1 the first time in this part of the website in a day", "1 den første gangen i denne delen av nettstedet på en dag"},
	"bounces":          {"1 for the only page of a visit, taken back by a second one", "1 for den eneste siden i et besøk, trukket fra igjen ved neste"},
	"seconds":          {"seconds since the page before", "sekunder etter forrige side"},
	"conversions":      {"1 the first time a goal of the website is reached in a visit", "1 den første gangen et mål for nettstedet nås i et besøk"},
	"other":            {"which of these values are too rare for a line of their own in the reports", "hvilke av disse verdiene som er for sjeldne til å få en egen linje i rapportene"},
}

// keeps reports whether rows have a field under the policy.
func (p Policy) keeps(f hit.Field) bool { return f.Minimal || p.Record != Minimal }

// record returns the list of what rows tell under the policy.
func (p Policy) record(lang Language) []string {
	var list []string
	for _, fact := range hit.Facts {
		if slices.ContainsFunc(hit.Fields, func(f hit.Field) bool { return f.Fact == fact && p.keeps(f) }) {
			list = append(list, facts[fact].in(lang))
		}
	}
	return list
}

// valueOf returns what row holds in a field, as people read it.
func valueOf(f hit.Field, row *hit.Row, lang Language) string {
	switch v := f.Value(row).(type) {
	case time.Time:
		return v.UTC().Format(time.DateTime) + " UTC"
	case string:
		if f.Name == "region" {
			if name := region.Name(v, string(lang)); name != v {
				return v + ", " + name
			}
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}
