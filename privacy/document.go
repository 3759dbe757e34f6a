package privacy

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
)

// StatementSchema returns the JSON Schema (2020-12) of what WriteStatement writes.
func StatementSchema() []byte { return []byte(schema) }

// SchemaName is the name under which the schema is served beside the statements.
const SchemaName = "statement.schema.json"

// document is a statement for programs. The schema, pages/statement.schema.json, says what
// each part means.
type document struct {
	Schema      string                       `json:"$schema"`
	Site        uint32                       `json:"site"`
	Name        string                       `json:"name"`
	Host        string                       `json:"host"`
	Made        time.Time                    `json:"made"`
	Pages       map[string]string            `json:"pages"`
	Declared    map[string]map[string]string `json:"declared"`
	Missing     []string                     `json:"missing"`
	Record      Record                       `json:"record"`
	Stored      []storedFact                 `json:"stored"`
	Parameters  []string                     `json:"parameters"`
	Searches    []string                     `json:"searchParameters"`
	Categories  []string                     `json:"searchCategoryParameters"`
	Titles      int                          `json:"titleVisitors"`
	Bits4       int                          `json:"ipv4Bits"`
	Bits6       int                          `json:"ipv6Bits"`
	Retention   string                       `json:"retention"`
	Since       string                       `json:"heldSince"`
	Totals      *string                      `json:"totalsRetention"`
	Backups     *string                      `json:"backupRetention"`
	FoldBelow   int                          `json:"totalsFoldedBelow"`
	Rounding    int                          `json:"countsRoundedTo"`
	Ageing      map[string]string            `json:"ageing"`
	Objections  objections                   `json:"objections"`
	ReceiptKeys []string                     `json:"receiptKeys"`
	Attribution *attribution                 `json:"attribution,omitempty"`
}

// storedFact is what rows tell of one thing.
type storedFact struct {
	Fact    hit.Fact          `json:"fact"`
	Columns []string          `json:"columns"`
	Text    map[string]string `json:"text"`
}

type objections struct {
	Heeded  bool   `json:"browserSignalsHeeded"`
	Counted bool   `json:"countedByScript"`
	Page    string `json:"page,omitempty"`
}

type attribution struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
}

// WriteStatement writes the statement as JSON, by the schema of StatementSchema: what the page
// says, in all languages, but nothing of who reads it. Its links are relative to the address
// of a statement, as those of the page. It returns an error for an invalid policy.
func WriteStatement(w io.Writer, s Statement) error {
	if err := s.Policy.Validate(); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	doc := document{
		Schema: SchemaName, Site: s.Site, Name: s.Name, Host: s.Host, Made: s.Made.UTC().Truncate(time.Second),
		Pages: map[string]string{}, Declared: map[string]map[string]string{}, Missing: list(s.Declared.Missing()),
		Record: s.Policy.Record, Parameters: list(s.Parameters), Searches: []string{}, Categories: []string{},
		Bits4: s.Policy.Bits4, Bits6: s.Policy.Bits6,
		Retention:  s.Policy.Retention.iso(),
		Since:      calendar.DayOf(s.Policy.Retention.Cutoff(s.Made)).String(),
		FoldBelow:  s.Policy.FoldBelow,
		Rounding:   max(s.Policy.Rounding, 1),
		Ageing:     map[string]string{},
		Objections: objections{!s.Policy.IgnoreObjection, s.Policy.CountObjections, s.OptOut.Page},
	}
	for _, stage := range s.Policy.Ageing.Stages() {
		doc.Ageing[stage.Name] = stage.After.iso()
	}
	if s.Policy.Totals != (Period{}) {
		totals := s.Policy.Totals.iso()
		doc.Totals = &totals
	}
	if s.Policy.Backups != (Period{}) {
		backups := s.Policy.Backups.iso()
		doc.Backups = &backups
	}
	if s.Policy.KeepsTitles() {
		doc.Titles = s.Policy.TitleVisitors
	}
	if (page{Statement: s}).SearchesRead() {
		doc.Searches, doc.Categories = s.Searches, list(s.Categories)
	}
	doc.ReceiptKeys = append([]string{}, s.ReceiptKeys...)
	if s.GeoText != "" {
		doc.Attribution = &attribution{s.GeoText, s.GeoURL}
	}
	for _, d := range Declarations {
		texts := inLanguages(d.Of(s.Declared))
		if text, ok := texts[anyLanguage]; ok {
			delete(texts, anyLanguage)
			texts["und"] = text
		}
		doc.Declared[d.Key] = texts
	}
	for _, lang := range i18n.All() {
		doc.Pages[lang.Tag] = fmt.Sprintf("%d?lang=%s", s.Site, lang.Tag)
	}
	for _, fact := range hit.Facts {
		one := storedFact{Fact: fact, Text: map[string]string{}}
		for _, f := range hit.Fields {
			if f.Fact == fact && s.Policy.keeps(f) {
				one.Columns = append(one.Columns, f.Name)
			}
		}
		if one.Columns == nil {
			continue
		}
		for _, lang := range i18n.All() {
			words, err := lang.Text("fact." + string(fact))
			if err != nil {
				return err
			}
			one.Text[lang.Tag] = words
		}
		doc.Stored = append(doc.Stored, one)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	return nil
}

// iso returns the period as a duration of ISO 8601.
func (p Period) iso() string { return "P" + strings.ToUpper(p.String()) }

// list returns texts as a list that JSON has, also if there are none.
func list(texts []string) []string { return append([]string{}, texts...) }
