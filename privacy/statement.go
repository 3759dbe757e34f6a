package privacy

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
)

// Statement is the data of the public privacy page of a site. Everything that the page
// promises comes from Policy.
type Statement struct {
	Policy Policy
	Site   uint32 // id of the site, for links between the pages
	Name   string // name of the site or of who runs it
	Host   string // main host of the site
	// Parameters of page addresses that the site keeps as part of the path.
	Parameters []string
	// Searches are the parameters of page addresses that hold a visitor's search term, if
	// the site has such parameters.
	Searches []string
	// Categories are the parameters that hold the category of a search.
	Categories []string
	// Contact is where people write to: an e-mail address, the address of a
	// page with http or https, or words. If it is "", the page refers them to the site.
	Contact string
	// GeoText and GeoURL are the notice and link that the licence of the GeoIP
	// database requires. "" = none required.
	GeoText, GeoURL string
	Made            time.Time // when the page is made
}

// RenderStatement writes the privacy page as HTML in UTF-8, to be sent with
// ContentSecurityPolicy. It returns an error for an invalid policy. The page links to
// itself with ?lang= and a language, and to SITE/what beside it.
func RenderStatement(w io.Writer, lang *i18n.Language, s Statement) error {
	p, err := newPage(lang, s)
	if err != nil {
		return err
	}
	return render(w, statementPages(), lang, p)
}

func newPage(lang *i18n.Language, s Statement) (page, error) {
	if err := s.Policy.Validate(); err != nil {
		return page{}, fmt.Errorf("policy: %w", err)
	}
	return page{Statement: s, Lang: lang}, nil
}

// The addresses by which the page shows the cut. They are reserved for documentation: RFC
// 5737 and RFC 3849.
var (
	example4 = netip.MustParseAddr("203.0.113.77")
	example6 = netip.MustParseAddr("2001:db8:3c4d:15::1a2f")
)

// Record returns the lines on what is stored for each page.
func (p page) Record() ([]string, error) { return p.Policy.record(p.Lang) }

// Keeps reports whether the policy keeps a column of table hits.
func (p page) Keeps(column string) bool {
	return slices.ContainsFunc(hit.Fields, func(f hit.Field) bool { return f.Name == column && p.Policy.keeps(f) })
}

// Retention returns how long rows live, in words.
func (p page) Retention() (string, error) { return p.Policy.Retention.words(p.Lang) }

// EndsTotals reports whether totals are deleted, too.
func (p page) EndsTotals() bool { return p.Policy.Totals != Period{} }

// Totals returns how long totals live, in words.
func (p page) Totals() (string, error) { return p.Policy.Totals.words(p.Lang) }

// Cutoff returns the first day whose rows may be held today, in words.
func (p page) Cutoff() string { return p.Lang.Day(calendar.DayOf(p.Policy.Retention.Cutoff(p.Made))) }

// SearchesRead reports whether searches are read from addresses.
func (p page) SearchesRead() bool { return len(p.Searches) > 0 && p.Keeps("name") }

// Day returns the day the page was made, in words.
func (p page) Day() string { return p.Lang.Day(calendar.DayOf(p.Made.UTC())) }

// Clock returns the time of day the page was made.
func (p page) Clock() string { return p.Lang.Clock(p.Made.UTC()) + " UTC" }

// Example4 returns an IPv4 address as an example.
func (p page) Example4() string { return example4.String() }

// Cut4 returns the network that Example4 is cut to.
func (p page) Cut4() string { return cutTo(example4, p.Policy.Bits4) }

// Shared4 returns the number of addresses in such a network.
func (p page) Shared4() string { return p.Lang.Number(int64(1) << (32 - p.Policy.Bits4)) }

// Example6 returns an IPv6 address as an example.
func (p page) Example6() string { return example6.String() }

// Cut6 returns the network that Example6 is cut to.
func (p page) Cut6() string { return cutTo(example6, p.Policy.Bits6) }

func cutTo(a netip.Addr, bits int) string {
	return netip.PrefixFrom(a, bits).Masked().String()
}

// ContactURL returns the link of Contact, or "" if it is words.
func (p page) ContactURL() string {
	switch {
	case strings.HasPrefix(p.Contact, "https://"), strings.HasPrefix(p.Contact, "http://"):
		return p.Contact
	case strings.Contains(p.Contact, "@") && !strings.ContainsAny(p.Contact, " ?"):
		return "mailto:" + p.Contact
	}
	return ""
}
