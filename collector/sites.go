package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fotspor/fotspor/store"
)

// Directory is where sites and tokens are kept.
type Directory interface {
	Sites(context.Context) ([]store.Site, error)
	Tokens(context.Context) ([]store.Token, error)
}

var _ Directory = (*store.Store)(nil)

// Sites is what the collector knows of the sites and tokens: the last good answer
// of the store, of which it keeps a copy in a file for a start without the store.
// It is safe for concurrent use.
type Sites struct {
	directory Directory
	file      string // "" keeps no copy
	logger    *slog.Logger
	known     atomic.Pointer[known]

	refreshing sync.Mutex
	saved      []byte // what the file holds

	asking sync.Mutex
	asked  time.Time // when an unknown site or token last made us ask
}

// known is one answer of the store.
type known struct {
	sites  map[uint32]*knownSite
	tokens map[[32]byte]store.Token // by the hash of the secret
}

// knownSite is a site, with what the pipeline asks of it for each hit.
type knownSite struct {
	store.Site
	owns func(host string) bool
}

// How often what is not known makes us ask the store, and how long its answer may take.
const (
	askEvery = time.Second
	askTime  = time.Second
)

// NewSites returns an empty list that Refresh and Watch fill from directory, and
// Restore from file, which may be "".
func NewSites(directory Directory, file string, logger *slog.Logger) *Sites {
	s := &Sites{directory: directory, file: file, logger: logger}
	s.learn(nil, nil)
	return s
}

func (s *Sites) learn(sites []store.Site, tokens []store.Token) {
	k := &known{
		sites:  make(map[uint32]*knownSite, len(sites)),
		tokens: make(map[[32]byte]store.Token, len(tokens)),
	}
	for _, site := range sites {
		one := &knownSite{Site: site}
		one.owns = one.Owns
		k.sites[site.ID] = one
	}
	for _, token := range tokens {
		k.tokens[token.Hash] = token
	}
	s.known.Store(k)
}

// Refresh asks for the sites and tokens. On an error the ones known so far stay.
func (s *Sites) Refresh(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	sites, err := s.directory.Sites(ctx)
	if err != nil {
		return err
	}
	tokens, err := s.directory.Tokens(ctx)
	if err != nil {
		return err
	}
	s.learn(sites, tokens)
	if err := s.save(sites, tokens); err != nil {
		s.logger.Warn("a start without the store will not know the sites of now", "err", err)
	}
	return nil
}

// Watch refreshes the sites at every interval until ctx ends.
func (s *Sites) Watch(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.Refresh(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("sites could not be read, the last known ones stay", "err", err)
		}
	}
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
// every stranger's number.
func (s *Sites) ask(ctx context.Context) {
	s.asking.Lock()
	defer s.asking.Unlock()
	if time.Since(s.asked) < askEvery {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if err := s.Refresh(ctx); err != nil {
		s.logger.Debug("the store could not be asked for news", "err", err)
	}
	s.asked = time.Now()
}

// leadsHome reports whether the target of a link is on one of the site's hosts.
func (s *knownSite) leadsHome(target string) bool {
	page, ok := parsePage(target)
	return ok && page.Host != "" && s.Owns(cleanHost(page))
}

func (s *Sites) byID(id uint32) (*knownSite, bool) {
	site, ok := s.known.Load().sites[id]
	return site, ok
}

// allowed reports whether a secret is that of a token for a site. One that is not
// known may have been made a moment ago.
func (s *Sites) allowed(secret string, site uint32) bool {
	if secret == "" {
		return false
	}
	hash := store.HashToken(secret)
	token, ok := s.known.Load().tokens[hash]
	if !ok {
		s.ask(context.Background())
		token, ok = s.known.Load().tokens[hash]
	}
	return ok && token.Allows(site)
}

// copied is what the file holds. Of tokens there are only hashes.
type copied struct {
	Sites  []copiedSite
	Tokens []store.Token
}

type copiedSite struct {
	store.Site
	Location string // IANA name
}

// save keeps a copy, if it is another than the last one.
func (s *Sites) save(sites []store.Site, tokens []store.Token) error {
	if s.file == "" {
		return nil
	}
	c := copied{Tokens: tokens}
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
	var sites []store.Site
	var errs []error
	for _, one := range c.Sites {
		one.Site.Location, err = time.LoadLocation(one.Location)
		errs = append(errs, err, one.Site.Validate())
		sites = append(sites, one.Site)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("restore sites from %q: %w", s.file, err)
	}
	s.learn(sites, c.Tokens)
	return nil
}
