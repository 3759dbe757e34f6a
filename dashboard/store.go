package dashboard

import (
	"context"
	"time"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/site"
)

// Store is what a dashboard asks of a store besides figures. It is safe for concurrent
// use. What does not exist is site.ErrNotFound; any other error that is not named here
// means that the store does not answer.
type Store interface {
	Site(ctx context.Context, id uint32) (site.Site, error)
	Sites(ctx context.Context) ([]site.Site, error)
	// CountedSince returns the first day of each of some sites that was counted, by its ID.
	// Sites of which nothing was counted are missing.
	CountedSince(ctx context.Context, sites ...uint32) (map[uint32]calendar.Day, error)
	// Excluded returns the hits of a site over a range that were excluded, added up over
	// the days: objections before all others, then most first, at most limit entries.
	Excluded(ctx context.Context, id uint32, days calendar.Range, limit int) ([]hit.LedgerEntry, error)
	// ExcludedSums returns how many hits of a site were excluded over two ranges, of which the
	// second may be empty, by reason and rule, and what Excluded returns of the first.
	ExcludedSums(ctx context.Context, id uint32, now, before calendar.Range, limit int) ([]hit.ExcludedSum, []hit.LedgerEntry, error)
	// Others returns how much of a site's traffic over a range has no line of its own: page
	// views of pages, visits by entry page and source, and how often something was done.
	Others(ctx context.Context, id uint32, days calendar.Range) (map[string]int64, error)
	// Pulse returns when the last hit of a site was, and how many there were in the minutes
	// before now.
	Pulse(ctx context.Context, id uint32, now time.Time) (hit.Pulse, error)
	// ChangeSite changes a site by f, which gets it as it is stored, and returns it as it is
	// then. It is noted in the audit log as the actor's of ctx. If f returns an error, or leaves
	// an invalid site, nothing is stored.
	ChangeSite(ctx context.Context, id uint32, f func(*site.Site) error) (site.Site, error)
	// SiteChanges returns the last changes of a site that concern its figures, the newest
	// first, of at most limit times.
	SiteChanges(ctx context.Context, id uint32, limit int) ([]site.Change, error)
	// PageTitles returns the titles of pages of a site by path, of those that have one.
	PageTitles(ctx context.Context, id uint32, paths []string) (map[string]string, error)

	Policies
	Requests
	Notes
	Views
	Users
	Sessions
	Log
	// Receipts calls f with all receipts of deletions, the first one first, until f returns an
	// error, which it returns.
	Receipts(ctx context.Context, f func(receipt.Receipt) error) error
}

// Policies keeps the policy.
type Policies interface {
	// Policies returns the versions of the policy. If there is none, the error wraps
	// privacy.ErrNoPolicy.
	PreviewSite(ctx context.Context, after site.Site, now time.Time) (privacy.Preview, error)
	Policies(ctx context.Context) (privacy.History, error)
	// PreviewPolicy returns what a change to another policy would do now.
	PreviewPolicy(ctx context.Context, after privacy.Policy, now time.Time) (privacy.Preview, error)
	// ChangePolicy replaces the policy, which must be version before; with 0 there must be
	// none. Else the error wraps privacy.ErrPolicyChanged. The change is noted in the audit
	// log as the actor's of ctx.
	ChangePolicy(ctx context.Context, before uint64, after privacy.Policy) error
}

// Requests keeps the register of requests about rights. Each change is noted in the audit log as
// the actor's of ctx. Its errors wrap those of package privacy; after one nothing has changed.
type Requests interface {
	// Requests returns all, first those without an answer, the one due first before the others.
	Requests(ctx context.Context) ([]privacy.Request, error)
	Request(ctx context.Context, number string) (privacy.Request, error)
	AddRequest(ctx context.Context, r privacy.Request, today calendar.Day) error
	// ChangeRequest changes the request of a case by f, which gets it as it is stored.
	ChangeRequest(ctx context.Context, number string, today calendar.Day, action audit.Action, f func(*privacy.Request) error) error
	RemoveRequest(ctx context.Context, number string) error
}

// Notes keeps what users wrote about days of a site. Each change is noted in the audit log as
// the actor's of ctx.
type Notes interface {
	// Notes returns the notes about a site of which a day is in days, in order of their days.
	Notes(ctx context.Context, id uint32, days calendar.Range) ([]site.Note, error)
	// PutNote adds a note without an ID, and replaces the one with its ID. It returns
	// site.ErrManyNotes if there is no room for one more.
	PutNote(ctx context.Context, id uint32, n site.Note) error
	RemoveNote(ctx context.Context, id uint32, note uint64) error
}

// Views keeps what users saved of the pages of sites. Each change is noted in the audit log as the
// actor's of ctx.
type Views interface {
	// Views returns the saved views of a site, or with 0 of the list of sites, that a user sees,
	// in order of their names.
	Views(ctx context.Context, id uint32, user string) ([]site.View, error)
	// PutView adds a view without an ID, and replaces the one with its ID. It returns
	// site.ErrManyViews if there is no room for one more, and site.ErrSameView if there is one
	// of its name beside it.
	PutView(ctx context.Context, v site.View) error
	RemoveView(ctx context.Context, id uint32, view uint64) error
}

// Users keeps users. Each change of one ends the sessions of that user and is noted in
// the audit log as the actor's of ctx.
type Users interface {
	User(ctx context.Context, name string) (site.User, error)
	Users(ctx context.Context) ([]site.User, error)
	HasAdmin(ctx context.Context) (bool, error)
	// AddUser returns site.ErrExists for a name that is taken.
	AddUser(ctx context.Context, u site.User) error
	// AddFirstAdmin returns site.ErrHasAdmin if there is an admin, also one that another
	// process adds at the same time.
	AddFirstAdmin(ctx context.Context, u site.User) error
	SetPassword(ctx context.Context, name, hash string) error
	// SetRights and RemoveUser return site.ErrLastAdmin if no admin would be left.
	SetRights(ctx context.Context, name string, role site.Role, restricted bool, sites []uint32) error
	RemoveUser(ctx context.Context, name string) error
}

// Sessions keeps log-ins under the hashes of their cookies.
type Sessions interface {
	// Session returns a session that is valid at a time, and whose it is, without the
	// password. It is valid until it ends or expires, its user changes, or it was not seen
	// for idle.
	Session(ctx context.Context, id string, now time.Time, idle time.Duration) (site.Session, site.User, error)
	// Sessions returns the valid sessions of a user, or of all users if the name is empty,
	// the one seen last first.
	Sessions(ctx context.Context, user string, now time.Time, idle time.Duration) ([]site.Session, error)
	PutSession(ctx context.Context, session site.Session) error
	EndSession(ctx context.Context, session site.Session) error
	EndSessions(ctx context.Context, user string) error
}

// Log is the audit log.
type Log interface {
	Note(ctx context.Context, e audit.Entry) error
	// Audit returns limit lines from since on, and before a time that is not zero, newest
	// first, and those of the same second as the last of them.
	Audit(ctx context.Context, since, before time.Time, limit int) ([]audit.Entry, error)
}
