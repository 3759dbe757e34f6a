// Package hit is the domain: Hit is what one request of a visitor says and lives
// in memory only; Row is the anonymous part of it that may be stored, and Fields
// declares each field of it once, for all that store or show rows. LedgerEntry is what is
// kept of hits that are excluded from every figure, PageTitle what many visitors have seen.
// The package imports nothing of ours but calendar.
package hit

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Kind says what the visitor did.
type Kind string

// The kinds of hit. Every kind but Ping is an interaction: the second one of a visit ends
// its being a bounce. A Ping only extends the time of the visit. Goal is a kind of row that
// no hit has: a hit that reaches a goal of its site leaves such a row beside its own.
const (
	Pageview Kind = "pageview"
	Event    Kind = "event"
	Outlink  Kind = "outlink"
	Download Kind = "download"
	Search   Kind = "search"
	Goal     Kind = "goal"
	Ping     Kind = "ping"
)

// Hit is what one request says, before anything is cut from it. It holds the
// full address and User-Agent of a visitor and therefore never leaves memory:
// it prints and logs as its site and kind, and refuses to be encoded.
type Hit struct {
	Site      uint32    // site id, from 1
	Time      time.Time // when it happened, as the request claims; zero: now
	Kind      Kind
	URL       string // the page, as sent
	Referrer  string // where the visitor came from, as sent
	Title     string // of the page, as sent; of page views alone
	Name      string // name of the event, search term, target of the link
	Value     float64
	OwnLink   bool // an outlink counts even if it leads to the site itself: the page asks for that
	Passive   bool // something was shown, not done: a bounce stays one
	Addr      Addr // of the client; a dialect sets it only for a sender with a token
	Trusted   bool // it came with a token for its site: no limit of its network holds
	UserAgent string
	Hints     Hints
	Language  string // Accept-Language, as sent
	Objection bool   // the browser says Sec-GPC: 1 or DNT: 1
	OptedOut  bool   // the request carries a cookie by which its sender chose not to be counted
	Prefetch  bool   // fetched ahead of a visit that may never come

	// Campaign is a query of campaign parameters that the request itself has, as sent,
	// and Remembered is one of those that a tracker remembers of an earlier visit: it
	// counts where nothing else tells where a visit came from.
	Campaign, Remembered string

	Relayed  bool   // by a program for its visitor, of whose browser it may say nothing
	Bots     bool   // to be recorded even if a program sent it
	NewVisit bool   // the first of a visit, after anything
	Arrives  bool   // comes from outside of the site; the collector sets it
	From     string // name of the referring website, with any campaign; the collector sets it
	Goals    uint32 // bit n: it reaches the goal of number n+1 of its site, for the first time in the visit once that is known; the collector sets it
	SiteDay  uint64 // random number that stands for the site's day as long as its visitors are known; the visit sets it
	Visitor  uint8  // one of 64 numbers, by the keyed hash of the visitor on that day; the visit sets it
	Item     int    // its number in a batch, from 1; 0: it came by itself
	Invalid  string // why this item of a batch can't be recorded; it tells nothing that was sent

	// What a sender with a token says in place of what the address tells, as sent but
	// in upper case: to be a country of ISO 3166-1 alpha-2, and a region of ISO 3166-2
	// such as NO-03.
	Country, Region string
}

// Hints are the three low-entropy User-Agent Client Hints, as sent.
// See https://wicg.github.io/ua-client-hints/.
type Hints struct {
	Brands   string // Sec-CH-UA
	Mobile   string // Sec-CH-UA-Mobile
	Platform string // Sec-CH-UA-Platform
}

// Format implements fmt.Formatter: no verb or flag prints more than site and kind.
func (h Hit) Format(f fmt.State, _ rune) { io.WriteString(f, h.String()) }

// String returns the site and kind of the hit.
func (h Hit) String() string { return fmt.Sprintf("hit(site %d, %s)", h.Site, h.Kind) }

// LogValue implements slog.LogValuer.
func (h Hit) LogValue() slog.Value { return slog.StringValue(h.String()) }

// MarshalText refuses.
func (Hit) MarshalText() ([]byte, error) { return nil, errSecret }

// MarshalJSON refuses.
func (Hit) MarshalJSON() ([]byte, error) { return nil, errSecret }

// MarshalBinary refuses: encoding/gob uses it.
func (Hit) MarshalBinary() ([]byte, error) { return nil, errSecret }
