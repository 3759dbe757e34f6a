package hit

import (
	"time"

	"github.com/fotspor/fotspor/calendar"
)

// LedgerEntry counts hits that are excluded from every figure: those of one site and day
// with the same reason. It is all that is kept of them. It has no time of day, page,
// network, browser or region.
type LedgerEntry struct {
	Site   uint32
	Day    calendar.Day // in the site's own time zone
	Reason string       // why they are excluded, as in fotspor_hits_dropped_total
	Rule   string       // which rule told a bot; "" for every other reason
	// Name is that of a bot, from the program's tables, or the host of a page that is not
	// the site's, without personal data. "": none.
	Name  string
	Count int64
}

// The reasons of the ledger.
const (
	Objection       = "objection" // its entries have neither Rule nor Name
	IsBot           = "bot"
	Prefetched      = "prefetch"
	ReferrerSpam    = "referrer_spam"
	ForeignHost     = "foreign_host"
	ExcludedPath    = "excluded_path"
	ExcludedNetwork = "excluded_network"
)

// LedgerReasons are all of them.
var LedgerReasons = []string{Objection, IsBot, Prefetched, ReferrerSpam, ForeignHost, ExcludedPath, ExcludedNetwork}

// Batch is what is stored together.
type Batch struct {
	Rows   []Row
	Ledger []LedgerEntry
	Titles []PageTitle
	// Again says that an earlier attempt to store the batch may have stored some of it.
	Again bool
}

// Len returns the number of rows, entries and titles.
func (b Batch) Len() int { return len(b.Rows) + len(b.Ledger) + len(b.Titles) }

// Drop is what memory holds of hits that are excluded alike.
type Drop struct {
	LedgerEntry
	Last time.Time // when the last of them came, UTC, to the second; zero of an objection
}

// Pulse is what a site has counted last.
type Pulse struct {
	Last    time.Time // of the last hit, to the second, UTC; zero if there is none, or it is deleted
	Minutes [30]int64 // hits of each of the last minutes, the current one last
}

// Sum returns the hits of all minutes.
func (p Pulse) Sum() int64 {
	var sum int64
	for _, n := range p.Minutes {
		sum += n
	}
	return sum
}

// ExcludedSum is how many hits were excluded for a reason in two ranges of days.
type ExcludedSum struct {
	Reason, Rule string
	Now, Before  int64
}
