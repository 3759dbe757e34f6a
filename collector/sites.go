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

// Sites is what the collector knows of the sites and credentials: the last good answer
// of the store, of which it keeps a copy in a file for a start without the store.
// It is safe for concurrent use.
type Sites struct {
	directory Directory
	file      string // "" keeps no copy
	logger    *slog.Logger
	known     atomic.Pointer[known]

	saved  []byte           // what the file holds; the question under way has it
	saving periodic.Trouble // of the file; likewise

	life      context.Context // of every question
	end       context.CancelFunc
	questions sync.WaitGroup // joined under mu, until life ends

	mu      sync.Mutex
	under   *question // the one under way; nil if none is
	asked   time.Time // when an unknown site or credential last made us ask
	waiting int       // hits that wait for an answer
}

// question is one look at the sites and credentials in the store. Only one is under way at
// a time: who else wants to know waits for the same answer.
type question struct {
	done chan struct{} // closed once err is set
	err  error
	slow bool // a hit has waited for it for as long as one does; guarded by Sites.mu
}

// known is one answer of the store.
type known struct {
	sites       map[uint32]*knownSite
	credentials map[[32]byte]site.Credential // by the hash of the secret
}

// knownSite is a site, with what the pipeline asks of it for each hit.
type knownSite struct {
	site.Site
	owns   func(host string) bool
	inside func(host string) bool // whether a referrer with that host is no source
	rules  privacy.PathMarker
	cached bool // a cache of AMP is among its hosts
}

const (
	askEvery   = time.Second            // what is not known makes us ask at most so often
	askTime    = 500 * time.Millisecond // a hit waits so long for the answer
	maxWaiting = 256                    // so many hits wait at a time
	answerTime = 5 * time.Second        // the store's
)

// NewSites returns an empty list that Refresh and Watch fill from directory, and
// Restore from file, which may be "".
func NewSites(directory Directory, file string, logger *slog.Logger) *Sites {
	s := &Sites{directory: directory, file: file, logger: logger, saving: periodic.Trouble{
		Logger: logger, Failed: "a start without the store will not know the sites of now, until the copy can be written",
	}}
	s.life, s.end = context.WithCancel(context.Background())
	s.known.Store(new(known))
	return s
}

// learn takes an answer into use. One with rules that this program can't read is
// refused, or what they mark would be kept.
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
	s.known.Store(k)
	return nil
}

// insideOf returns what reports whether a referrer with a host is no source: one of the
// site itself, or of a step in the middle of a visit.
func insideOf(own site.Site) func(host string) bool {
	steps := referrer.NewHostSet(own.IgnoredReferrers)
	defaults := len(own.IgnoredReferrers) == 0 || slices.Contains(own.IgnoredReferrers, site.DefaultReferrers)
	return func(host string) bool {
		return own.Owns(host) || steps.Has(host) || defaults && referrer.Steps().Has(host)
	}
}

// Refresh asks for the sites and credentials, or waits for the answer to a question that is
// under way. On an error the ones known so far stay. The store gets 5 seconds.
func (s *Sites) Refresh(ctx context.Context) error {
	s.mu.Lock()
	q := s.question()
	s.mu.Unlock()
	select {
	case <-q.done:
		return q.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// question returns the question that is under way, or begins one. s.mu is held.
func (s *Sites) question() *question {
	if s.under != nil {
		return s.under
	}
	q := &question{done: make(chan struct{}), err: s.life.Err()}
	if q.err != nil {
		close(q.done)
		return q
	}
	s.under = q
	s.questions.Go(func() {
		ctx, cancel := context.WithTimeout(s.life, answerTime)
		defer cancel()
		q.err = s.load(ctx)
		s.mu.Lock()
		s.under = nil
		s.mu.Unlock()
		close(q.done)
	})
	return q
}

// load asks the store.
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

// Watch refreshes the sites at least at every interval until ctx ends. The store is asked no
// more after that.
func (s *Sites) Watch(ctx context.Context, interval time.Duration) {
	defer func() {
		s.mu.Lock()
		s.end()
		s.mu.Unlock()
		s.questions.Wait()
	}()
	periodic.Task{
		First: interval, Every: interval, Do: s.Refresh,
		Trouble: &periodic.Trouble{Logger: s.logger, Failed: "sites could not be read, the last known ones stay", Over: "sites are those of the store again"},
	}.Run(ctx)
}

// find returns a site. One that is not known may have been added a moment ago.
func (s *Sites) find(ctx context.Context, id uint32) (*knownSite, bool) {
	site, ok := s.byID(id)
	if ok || id == 0 {
		return site, ok
	}
	s.ask(ctx)
	return s.byID(id)
}

// ask asks the store at once for what may have been added a moment ago, but not for
// every stranger's number: at most once a second, and never while the store is slow. A
// number is thus known to be no site's without being kept. It returns after at most
// half a second.
func (s *Sites) ask(ctx context.Context) {
	s.mu.Lock()
	if time.Since(s.asked) < askEvery && s.under == nil || s.waiting >= maxWaiting || s.under != nil && s.under.slow {
		s.mu.Unlock()
		return
	}
	q := s.question()
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

// leadsHome reports whether the target of a link is on one of the site's hosts.
func (s *knownSite) leadsHome(target string) bool {
	page, ok := parsePage(target)
	return ok && page.Host != "" && s.Owns(cleanHost(page))
}

// byPage finds the site on one of whose hosts a page is, the first by its number if there
// are several. The only site there is owns a page that is not told.
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

// ofCredential returns the sites that the credential with a secret is good for, in order of id;
// nil if there is no such credential.
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

// credential returns the credential with a secret. One that is not known may have been made a
// moment ago.
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

// copied is what the file holds. Of credentials there are only hashes.
type copied struct {
	Sites       []copiedSite
	Credentials []site.Credential
}

type copiedSite struct {
	site.Site
	Location string // IANA name
}

// save keeps a copy, if it is another than the last one.
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

// Restore takes the sites from the copy, for a start without the store. Where there
// is none it returns an error that matches fs.ErrNotExist.
func (s *Sites) Restore() error {
	if s.file == "" {
		return fmt.Errorf("restore sites: %w", fs.ErrNotExist)
	}
	data, err := os.ReadFile(s.file)
	if err != nil {
		return fmt.Errorf("restore sites: %w", err)
	}
	var c copied
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("restore sites from %q: %w", s.file, err)
	}
	var sites []site.Site
	var errs []error
	for _, one := range c.Sites {
		one.Site.Location, err = time.LoadLocation(one.Location)
		errs = append(errs, err, one.Site.Validate())
		sites = append(sites, one.Site)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("restore sites from %q: %w", s.file, err)
	}
	return s.learn(sites, c.Credentials)
}
