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
	Declared   Declared // what the owner says
	// Reader is the network that the reader's address is cut to, or "" for a statement that
	// is not shown to a reader.
	Reader string
	OptOut OptOut
	// GeoText and GeoURL are the notice and link that the licence of the GeoIP
	// database requires. "" = none required.
	GeoText, GeoURL string
	// ReceiptKeys are the public keys by which receipts of deletions are signed, in base64; none:
	// there is no receipt yet.
	ReceiptKeys []string
	Made        time.Time // when the page is made
}

// OptOut is how visitors choose on the page whether they are counted.
type OptOut struct {
	// State says how the reader's choice stands: the last part of the key of a text of the
	// box. "" if the page can't keep a choice for the site.
	State string
	// Out is what the button chooses. A State of "objects" has no button.
	Out bool
	// Page is the URL of the site's own page for it, or "".
	Page string
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
func (p page) Retention() (string, error) { return p.Policy.Retention.Words(p.Lang) }

// EndsTotals reports whether totals are deleted, too.
func (p page) EndsTotals() bool { return p.Policy.Totals != Period{} }

// Totals returns how long totals live, in words.
func (p page) Totals() (string, error) { return p.Policy.Totals.Words(p.Lang) }

// KeepsBackups reports whether there are backups.
func (p page) KeepsBackups() bool { return p.Policy.Backups != Period{} }

// Backups returns how long backups live, in words.
func (p page) Backups() (string, error) { return p.Policy.Backups.Words(p.Lang) }

// Ages reports whether rows lose something before they are deleted.
func (p page) Ages() bool { return p.Policy.Ageing != Ageing{} }

// Aged returns what rows lose and when, in words.
func (p page) Aged() (string, error) { return p.Policy.Ageing.aged(p.Lang) }

// AgesNetwork reports whether rows lose their network.
func (p page) AgesNetwork() bool { return p.Policy.Ageing.Network != Period{} }

// NetworkKept returns how long rows have their network, in words.
func (p page) NetworkKept() (string, error) { return p.Policy.Ageing.Network.Words(p.Lang) }

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

// said is what the owner of a site says, in a language.
type said struct {
	Text string // "" while it is not said
	Lang string // tag of the language, if it is another than that of the page and is known
	URL  string // that the text is, or ""
}

// Said returns the text of the owner with a key, in the language of the page if there is one.
func (p page) Said(key string) (said, error) {
	i := slices.IndexFunc(Declarations, func(d Declaration) bool { return d.Key == key })
	if i < 0 {
		return said{}, fmt.Errorf("no declaration %q", key)
	}
	text, tag := In(p.Lang, Declarations[i].Of(p.Declared))
	if tag == p.Lang.Tag {
		tag = anyLanguage
	}
	return said{text, tag, linkOf(text)}, nil
}

// ReaderShown reports whether there is a network of the reader to show: there is none if
// nothing of the address is kept.
func (p page) ReaderShown() bool {
	network, err := netip.ParsePrefix(p.Reader)
	return err == nil && network.Bits() > 0
}

// linkOf returns the link of a text that is an e-mail address or a URL, or "".
func linkOf(text string) string {
	switch {
	case strings.ContainsAny(text, " \n"):
		return ""
	case strings.HasPrefix(text, "https://"), strings.HasPrefix(text, "http://"):
		return text
	case strings.Contains(text, "@") && !strings.ContainsAny(text, "?:/"):
		return "mailto:" + text
	}
	return ""
}
