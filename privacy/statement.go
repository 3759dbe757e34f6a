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

// Statement is what the public privacy page of a site is made from. Everything
// it promises comes from the policy in force.
type Statement struct {
	Policy Policy
	Site   uint32 // id of the site, for links between the pages
	Name   string // of the site or of who runs it
	Host   string // main host of the site
	// Parameters of page addresses that the site keeps as part of the path.
	Parameters []string
	// Searches are the parameters of page addresses that hold what a visitor searched
	// for, if the site reads searches off its addresses.
	Searches []string
	// Categories are those that hold a category in which they did so.
	Categories []string
	// Contact is where people write to: an e-mail address, the address of a
	// page with http or https, or words. "" leaves them to the site itself.
	Contact string
	// GeoText and GeoURL are the notice and link that the licence of the region
	// data asks for. "" = none asked for.
	GeoText, GeoURL string
	Made            time.Time // when the page is made
}

// RenderStatement writes the privacy page as HTML in UTF-8, to be sent with
// ContentSecurityPolicy. A policy that does not validate is an error: nothing is
// promised by it. The page links to itself with ?lang= and a language, and to
// SITE/what beside it.
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

// The addresses that show the cut. They belong to nobody: RFC 5737 and RFC 3849.
var (
	example4 = netip.MustParseAddr("203.0.113.77")
	example6 = netip.MustParseAddr("2001:db8:3c4d:15::1a2f")
)

// Record lists what is stored for each page.
func (p page) Record() ([]string, error) { return p.Policy.record(p.Lang) }

// Keeps reports whether the policy keeps a column of table hits.
func (p page) Keeps(column string) bool {
	return slices.ContainsFunc(hit.Fields, func(f hit.Field) bool { return f.Name == column && p.Policy.keeps(f) })
}

// Retention is how long rows live, in words.
func (p page) Retention() (string, error) { return p.Policy.Retention.words(p.Lang) }

// Cutoff is the first day whose rows may be held today, in words.
func (p page) Cutoff() string { return p.Lang.Day(calendar.DayOf(p.Policy.Retention.Cutoff(p.Made))) }

// SearchesRead reports whether searches are read off addresses.
func (p page) SearchesRead() bool { return len(p.Searches) > 0 && p.Keeps("name") }

// Day is the day the page was made, in words.
func (p page) Day() string { return p.Lang.Day(calendar.DayOf(p.Made.UTC())) }

// Clock is the time of the day the page was made.
func (p page) Clock() string { return p.Lang.Clock(p.Made.UTC()) + " UTC" }

// Example4 is an address, and Cut4 what is kept of it.
func (p page) Example4() string { return example4.String() }

// Cut4 is the network that Example4 is cut to.
func (p page) Cut4() string { return cutTo(example4, p.Policy.Bits4) }

// Shared4 is the number of addresses in such a network.
func (p page) Shared4() string { return p.Lang.Number(int64(1) << (32 - p.Policy.Bits4)) }

// Example6 is an address, and Cut6 what is kept of it.
func (p page) Example6() string { return example6.String() }

// Cut6 is the network that Example6 is cut to.
func (p page) Cut6() string { return cutTo(example6, p.Policy.Bits6) }

func cutTo(a netip.Addr, bits int) string {
	return netip.PrefixFrom(a, bits).Masked().String()
}

// ContactURL is the link behind Contact, or "".
func (p page) ContactURL() string {
	switch {
	case strings.HasPrefix(p.Contact, "https://"), strings.HasPrefix(p.Contact, "http://"):
		return p.Contact
	case strings.Contains(p.Contact, "@") && !strings.ContainsAny(p.Contact, " ?"):
		return "mailto:" + p.Contact
	}
	return ""
}
