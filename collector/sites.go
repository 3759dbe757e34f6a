package collector

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/internal/periodic"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/privacy/scrub"
	"github.com/fotspor/fotspor/referrer"
	"github.com/fotspor/fotspor/site"
)

// Directory is where sites and credentials are kept.
type Directory interface {
	Sites(context.Context) ([]site.Site, error)
	Credentials(context.Context) ([]site.Credential, error)
}

// Sites holds the sites and credentials that the collector knows: the last good answer of
// the store. It keeps a copy in a file, for a start while the store is unavailable. It is
// safe for concurrent use.
type Sites struct {
	directory Directory
	file      string // "" keeps no copy
	logger    *slog.Logger
	known     atomic.Pointer[known]
	learning  sync.Mutex
	learned   func([]site.Site) // is told of each answer; nil: nobody is. Guarded by learning

	saved  []byte           // contents of the file; used by the running lookup only
	saving periodic.Trouble // errors of writing the file; used by the running lookup only

	life    context.Context // of every lookup
	end     context.CancelFunc
	lookups sync.WaitGroup // Go is called under mu, until life ends

	mu      sync.Mutex
	running *lookup   // the running lookup; nil if there is none
	asked   time.Time // when an unknown site or credential last caused a lookup
	waiting int       // number of hits that wait for a lookup
}

// lookup is one reading of the sites and credentials from the store. Only one runs at a
// time; callers that come meanwhile wait for its result.
type lookup struct {
	done chan struct{} // closed once err is set
	err  error
	slow bool // a hit has waited for askTime without a result; guarded by Sites.mu
}

// known is one answer of the store.
type known struct {
	sites       map[uint32]*knownSite
	credentials map[[32]byte]site.Credential // by the hash of the secret
}

// knownSite is a site, prepared for what the pipeline needs for each hit.
type knownSite struct {
	site.Site
	owns   func(host string) bool
	inside func(host string) bool // reports whether a referrer with that host is no source
	rules  privacy.PathMarker
	cached bool // an AMP cache is among its hosts
}

const (
	askEvery   = time.Second            // least time between two lookups for unknown sites
	askTime    = 500 * time.Millisecond // how long a hit waits for a lookup
	maxWaiting = 256                    // most hits that wait at a time
	answerTime = 5 * time.Second        // bound of a lookup
)

// NewSites returns an empty list that Refresh and Watch fill from directory, and
// Restore from file, which may be "".
func NewSites(directory Directory, file string, logger *slog.Logger) *Sites {
	s := &Sites{directory: directory, file: file, logger: logger, saving: periodic.Trouble{
		Logger: logger, Failed: "the copy of the sites can't be written; a start without the store would use an older one",
	}}
	s.life, s.end = context.WithCancel(context.Background())
	s.known.Store(new(known))
	return s
}

// learn replaces the known sites and credentials. It returns an error and changes nothing
// if this program can't read the path rules of a site: without them, it would store what
// they mark.
func (s *Sites) learn(sites []site.Site, credentials []site.Credential) error {
	k := &known{
		sites:       make(map[uint32]*knownSite, len(sites)),
		credentials: make(map[[32]byte]site.Credential, len(credentials)),
	}
	for _, site := range sites {
		rules, err := privacy.ParsePathRules(site.PathRules)
		if err != nil {
			return fmt.Errorf("site %d: %w", site.ID, err)
		}
		one := &knownSite{Site: site}
		one.owns, one.inside = one.Owns, insideOf(site)
		one.Parameters = slices.DeleteFunc(slices.Clone(site.Parameters), one.isSearchParameter)
		one.cached = slices.ContainsFunc(site.Hosts, hostname.IsAMPCache)
		one.rules = privacy.PathMarker{PathRules: rules, Own: one.owns, Decode: scrub.Decode}
		k.sites[site.ID] = one
	}
	for _, credential := range credentials {
		k.credentials[credential.Hash] = credential
	}
	s.learning.Lock()
	defer s.learning.Unlock()
	s.known.Store(k)
	if s.learned != nil {
		s.learned(sites)
	}
	return nil
}

// tell lets f know the sites, now and whenever they were read.
func (s *Sites) tell(f func([]site.Site)) {
	s.learning.Lock()
	defer s.learning.Unlock()
	s.learned = f
	var sites []site.Site
	for _, one := range s.known.Load().sites {
		sites = append(sites, one.Site)
	}
	f(sites)
}

// insideOf returns a function that reports whether a referrer with a host is no source:
// whether it is of the site itself, or of a step in the middle of a visit, such as a log-in.
func insideOf(own site.Site) func(host string) bool {
	steps := referrer.NewHostSet(own.IgnoredReferrers)
	defaults := len(own.IgnoredReferrers) == 0 || slices.Contains(own.IgnoredReferrers, site.DefaultReferrers)
	return func(host string) bool {
		return own.Owns(host) || steps.Has(host) || defaults && referrer.Steps().Has(host)
	}
}

// Refresh reads the sites and credentials from the store, or waits for a lookup that is
// running. The lookup takes at most 5 seconds. After an error the sites known before
// remain.
func (s *Sites) Refresh(ctx context.Context) error {
	s.mu.Lock()
	q := s.lookup()
	s.mu.Unlock()
	select {
	case <-q.done:
		return q.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lookup returns the running lookup, or starts one. s.mu is held.
func (s *Sites) lookup() *lookup {
	if s.running != nil {
		return s.running
	}
	q := &lookup{done: make(chan struct{}), err: s.life.Err()}
	if q.err != nil {
		close(q.done)
		return q
	}
	s.running = q
	s.lookups.Go(func() {
		ctx, cancel := context.WithTimeout(s.life, answerTime)
		defer cancel()
		q.err = s.load(ctx)
		s.mu.Lock()
		s.running = nil
		s.mu.Unlock()
		close(q.done)
	})
	return q
}

// load reads sites and credentials from the store.
func (s *Sites) load(ctx context.Context) error {
	sites, err := s.directory.Sites(ctx)
	if err != nil {
		return err
	}
	credentials, err := s.directory.Credentials(ctx)
	if err != nil {
		return err
	}
	if err := s.learn(sites, credentials); err != nil {
		return err
	}
	s.saving.Note(s.save(sites, credentials))
	return nil
}

// Watch refreshes the sites at every interval until ctx ends. When it has returned, no
// lookup runs or starts any more.
func (s *Sites) Watch(ctx context.Context, interval time.Duration) {
	defer func() {
		s.mu.Lock()
		s.end()
		s.mu.Unlock()
		s.lookups.Wait()
	}()
	periodic.Task{
		First: interval, Every: interval, Do: s.Refresh,
		Trouble: &periodic.Trouble{Logger: s.logger, Failed: "sites could not be read; the last known ones are used", Over: "sites are read from the store again"},
	}.Run(ctx)
}

// find returns a site. For an unknown number it asks the store, since the site may have
// been added a moment ago.
func (s *Sites) find(ctx context.Context, id uint32) (*knownSite, bool) {
	site, ok := s.byID(id)
	if ok || id == 0 {
		return site, ok
	}
	s.ask(ctx)
	return s.byID(id)
}

// ask reads the store for a site or credential that may have been added a moment ago. To
// withstand strangers who send any number, it does so at most once a second, and not while
// the store is slow. So no list of unknown numbers is needed. It returns after at most half
// a second.
func (s *Sites) ask(ctx context.Context) {
	s.mu.Lock()
	if time.Since(s.asked) < askEvery && s.running == nil || s.waiting >= maxWaiting || s.running != nil && s.running.slow {
		s.mu.Unlock()
		return
	}
	q := s.lookup()
	s.asked = time.Now()
	s.waiting++
	s.mu.Unlock()
	enough := time.NewTimer(askTime)
	defer enough.Stop()
	slow := false
	select {
	case <-q.done:
	case <-ctx.Done():
	case <-enough.C:
		slow = true
	}
	s.mu.Lock()
	s.waiting--
	q.slow = q.slow || slow
	s.mu.Unlock()
}

// IDs returns the numbers of the sites.
func (s *Sites) IDs() []uint32 { return slices.Collect(maps.Keys(s.known.Load().sites)) }

// Cutoffs returns the first day whose rows are kept, of the sites whose rows live shorter than a
// policy says.
func (s *Sites) Cutoffs(policy privacy.Policy, now time.Time) map[uint32]calendar.Day {
	cutoffs := map[uint32]calendar.Day{}
	for id, site := range s.known.Load().sites {
		if keep := policy.Of(site.Own()).Retention; keep != policy.Retention {
			cutoffs[id] = calendar.DayOf(keep.Cutoff(now))
		}
	}
	return cutoffs
}

// heed reports whether all sites heed objections under a policy.
func (s *Sites) heed(policy privacy.Policy) bool {
	sites := s.known.Load().sites
	for _, site := range sites {
		if policy.Of(site.Own()).IgnoreObjection {
			return false
		}
	}
	return len(sites) > 0 || !policy.IgnoreObjection
}

// leadsHome reports whether the target of a link is on one of the site's hosts.
func (s *knownSite) leadsHome(target string) bool {
	page, ok := parseTarget(target)
	return ok && page.Host != "" && s.Owns(cleanHost(page))
}

// byPage returns the site that has the host of a page; of several, the one with the lowest
// number. If there is only one site, byPage returns it for the page "" too.
func (s *Sites) byPage(page string) (*knownSite, bool) {
	sites := s.known.Load().sites
	var first *knownSite
	for _, site := range sites {
		if (site.leadsHome(page) || page == "" && len(sites) == 1) && (first == nil || site.ID < first.ID) {
			first = site
		}
	}
	return first, first != nil
}

func (s *Sites) byID(id uint32) (*knownSite, bool) {
	site, ok := s.known.Load().sites[id]
	return site, ok
}

// allowed reports whether a secret is that of a credential for a site.
func (s *Sites) allowed(secret string, site uint32) bool {
	credential, ok := s.credential(secret)
	return ok && credential.Allows(site)
}

// ofCredential returns the sites that the credential with a secret allows, in the order of
// their numbers; nil if there is no such credential.
func (s *Sites) ofCredential(secret string) []*knownSite {
	credential, ok := s.credential(secret)
	if !ok {
		return nil
	}
	sites := []*knownSite{}
	for id, site := range s.known.Load().sites {
		if credential.Allows(id) {
			sites = append(sites, site)
		}
	}
	slices.SortFunc(sites, func(a, b *knownSite) int { return cmp.Compare(a.ID, b.ID) })
	return sites
}

// credential returns the credential with a secret. If it is unknown, it asks the store,
// since it may have been made a moment ago.
func (s *Sites) credential(secret string) (site.Credential, bool) {
	if secret == "" {
		return site.Credential{}, false
	}
	hash := site.HashSecret(secret)
	credential, ok := s.known.Load().credentials[hash]
	if !ok {
		s.ask(context.Background())
		credential, ok = s.known.Load().credentials[hash]
	}
	return credential, ok
}

// copied is the contents of the file. Credentials hold hashes of secrets only.
type copied struct {
	Sites       []copiedSite
	Credentials []site.Credential
}

type copiedSite struct {
	site.Site
	Location string // IANA name
}

// save writes the copy if it differs from the last one.
func (s *Sites) save(sites []site.Site, credentials []site.Credential) error {
	if s.file == "" {
		return nil
	}
	c := copied{Credentials: credentials}
	for _, site := range sites {
		c.Sites = append(c.Sites, copiedSite{site, site.Location.String()})
	}
	data, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		return fmt.Errorf("copy sites: %w", err)
	}
	if bytes.Equal(data, s.saved) {
		return nil
	}
	next := s.file + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return fmt.Errorf("copy sites: %w", err)
	}
	if err := os.Rename(next, s.file); err != nil {
		return fmt.Errorf("copy sites: %w", err)
	}
	s.saved = data
	return nil
}

// Restore reads the sites from the copy, for a start while the store is unavailable. If
// there is no copy, it returns an error that matches fs.ErrNotExist.
func (s *Sites) Restore() error {
	sites, credentials, err := readCopy(s.file)
	if err != nil {
		return err
	}
	return s.learn(sites, credentials)
}

// CopiedSites returns the sites of a copy that NewSites was given the file of. Its errors are
// those of Restore.
func CopiedSites(file string) ([]site.Site, error) {
	sites, _, err := readCopy(file)
	return sites, err
}

func readCopy(file string) ([]site.Site, []site.Credential, error) {
	if file == "" {
		return nil, nil, fmt.Errorf("restore sites: %w", fs.ErrNotExist)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("restore sites: %w", err)
	}
	var c copied
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, nil, fmt.Errorf("restore sites from %q: %w", file, err)
	}
	var sites []site.Site
	var errs []error
	for _, one := range c.Sites {
		one.Site.Location, err = time.LoadLocation(one.Location)
		errs = append(errs, err, one.Site.Validate())
		sites = append(sites, one.Site)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, fmt.Errorf("restore sites from %q: %w", file, err)
	}
	return sites, c.Credentials, nil
}
