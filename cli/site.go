package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// siteFlags are what can be said of a site.
type siteFlags struct {
	hosts, parameters, excluded, pathRules          list
	searches, searchCategories, searchCounts, steps list
	name, zone, policy, slash                       string
}

// What becomes of a slash at the end of a path.
const keepSlash, stripSlash = "keep", "strip"

// matomoSearches stands for the query parameters in which Matomo looks for a search.
const matomoSearches = "matomo"

// byPolicy is the record policy of a site that has none of its own.
const byPolicy = "default"

func (c *call) bindSite(s *siteFlags) {
	c.Var(&s.hosts, "host", "`hosts` of the site, such as example.org, blåbær.no or *.example.org; several with commas, the main one first. Hits of other hosts are left out")
	c.Var(&s.hosts, "hosts", "the same as --host")
	c.StringVar(&s.name, "name", "", "`name` of the site (default: its main host)")
	c.StringVar(&s.zone, "timezone", app.DefaultZone().String(), "time `zone` in which the site's days begin and end")
	c.Var(&s.parameters, "parameters", "query `parameters` that tell pages apart, such as id,page; all others are dropped")
	c.Var(&s.excluded, "exclude", "`paths` that are not counted, such as /admin/*,*/preview")
	c.Var(&s.pathRules, "path-rules", "`rules` for paths that may name a person, such as /u/*,/bruker/*/profil,/sak/**: what * and ** stand for is stored as [*]")
	c.StringVar(&s.slash, "trailing-slash", keepSlash, "`what` becomes of a slash at the end of a path: keep, or strip, for a site where /om/ and /om are one page")
	c.Var(&s.steps, "ignore-referrers", "`hosts`, with those below them, that are no source but a step of a visit, such as log-in and payment; default stands for those that the program knows, none for no host (default: default)")
	c.Var(&s.searches, "search-parameters", "query `parameters` that hold what was searched for, such as q,query, or matomo for those that Matomo looks at; the view of a page with one is a search (default: none)")
	c.Var(&s.searchCategories, "search-category-parameters", "query `parameters` that hold the category of such a search")
	c.Var(&s.searchCounts, "search-count-parameters", "query `parameters` that hold the number of its results (default: search_count)")
	c.StringVar(&s.policy, "policy", byPolicy, "`what` to record of this site: standard or minimal, or default for what the collector's --record says")
}

// bindSnippet adds the flag of what is said in the lines to paste.
func (c *call) bindSnippet(base *string) {
	c.StringVar(base, "public-url", "http://"+app.DefaultListen, "`URL` under which browsers reach the collector, for the lines to paste")
}

// apply sets in site what the command line says of it.
func (s *siteFlags) apply(f flags, site *site.Site) error {
	var err error
	f.Visit(func(fl *flag.Flag) {
		switch fl.Name {
		case "host", "hosts":
			err = errors.Join(err, s.setHosts(site))
		case "name":
			site.Name = s.name
		case "timezone":
			err = errors.Join(err, s.setZone(site))
		case "parameters":
			site.Parameters = parameterNames(s.parameters)
		case "search-parameters":
			var names list
			for _, name := range s.searches {
				if name == matomoSearches {
					names = append(names, "q", "query", "s", "search", "searchword", "k", "keyword")
				} else {
					names = append(names, name)
				}
			}
			site.SearchParameters = searchNames(names)
		case "search-category-parameters":
			site.SearchCategories = searchNames(s.searchCategories)
		case "search-count-parameters":
			site.SearchCounts = searchNames(s.searchCounts)
		case "ignore-referrers":
			err = errors.Join(err, s.setSteps(site))
		case "trailing-slash":
			err = errors.Join(err, s.setSlash(site))
		case "exclude":
			site.Excluded = s.excluded
		case "path-rules":
			site.PathRules = s.pathRules
		case "policy":
			err = errors.Join(err, s.setPolicy(site))
		}
	})
	if err != nil {
		return err
	}
	if err := site.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// setHosts sets the hosts of a site in their canonical form.
func (s *siteFlags) setHosts(site *site.Site) error {
	site.Hosts = nil
	for _, host := range s.hosts {
		name, wildcard := strings.CutPrefix(host, "*.")
		name, err := hostname.Parse(name)
		if err != nil {
			return usagef("host %q: %w", host, err)
		}
		if wildcard {
			name = "*." + name
		}
		site.Hosts = appendOnce(site.Hosts, name)
	}
	return nil
}

// parameterNames returns the names of query parameters in Unicode's form C, each once.
// They may be as copied from an address.
func parameterNames(words list) []string {
	var names []string
	for _, name := range words {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		names = appendOnce(names, norm.NFC.String(name))
	}
	return names
}

// appendOnce appends to list each of words that it lacks.
func appendOnce(list []string, words ...string) []string {
	for _, word := range words {
		if !slices.Contains(list, word) {
			list = append(list, word)
		}
	}
	return list
}

// searchNames returns names of parameters whose case does not matter, each once.
func searchNames(words list) []string {
	names := parameterNames(words)
	for i := 0; i < len(names); i++ {
		names = append(names[:i+1], slices.DeleteFunc(names[i+1:], func(other string) bool { return strings.EqualFold(other, names[i]) })...)
	}
	return names
}

// setSteps sets the referrers of a site that are no source. A host stands for those below
// it, also if it is written as a wildcard.
func (s *siteFlags) setSteps(to *site.Site) error {
	to.IgnoredReferrers = nil
	for _, host := range s.steps {
		if host != site.DefaultReferrers && host != site.NoReferrers {
			name, err := hostname.Parse(strings.TrimPrefix(strings.TrimPrefix(host, "*"), "."))
			if err != nil {
				return usagef("ignored referrer %q: %w", host, err)
			}
			host = name
		}
		to.IgnoredReferrers = appendOnce(to.IgnoredReferrers, host)
	}
	return nil
}

func (s *siteFlags) setSlash(site *site.Site) error {
	if s.slash != keepSlash && s.slash != stripSlash {
		return usagef("trailing slash %q: want %s or %s", s.slash, keepSlash, stripSlash)
	}
	site.StripSlash = s.slash == stripSlash
	return nil
}

func (s *siteFlags) setZone(site *site.Site) (err error) {
	site.Location, err = time.LoadLocation(s.zone)
	if err != nil || s.zone == "" || s.zone == "Local" {
		return usagef("unknown time zone %q: want one such as Europe/Oslo", s.zone)
	}
	return nil
}

func (s *siteFlags) setPolicy(site *site.Site) error {
	switch s.policy {
	case byPolicy:
		site.Record = ""
	case string(privacy.Standard), string(privacy.Minimal):
		site.Record = privacy.Record(s.policy)
	default:
		return usagef("policy %q: want standard, minimal or default", s.policy)
	}
	return nil
}

func addSite(ctx context.Context, c *call) error {
	var s siteFlags
	var base string
	var id uint
	c.bindCreate()
	c.bindSite(&s)
	c.UintVar(&id, "id", 0, "`number` of the site, to keep the one it has in Matomo (default: the next free one)")
	c.bindSnippet(&base)
	quiet := c.Bool("quiet", false, "print the id alone")
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	if len(s.hosts) == 0 {
		return usagef("missing --host, such as --host example.org")
	}
	if id > math.MaxUint32 {
		return usagef("id %d is too large", id)
	}
	site := site.Site{ID: uint32(id), Name: hostname.Display(hostname.Canonical(s.hosts[0])), Location: app.DefaultZone()}
	if err := s.apply(c.flags, &site); err != nil {
		return err
	}
	integrity, err := script.Integrity()
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		if site, err = st.AddSite(ctx, site); err != nil {
			return err
		}
		if err := warnOfTwins(ctx, c, st, site); err != nil {
			return err
		}
		if *quiet {
			_, err = fmt.Fprintln(c.Stdout, site.ID)
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, `Site %d, %s, in %s. Paste this before </body> of every page:

%s
To pin this version of the script, give it integrity=%q and crossorigin="anonymous";
change the hash with every upgrade, or browsers will refuse the script.
`, site.ID, site.Name, st.Place(), script.Snippet(base, site.ID, site.Parameters...), integrity)
		return err
	})
}

// warnOfTwins tells of other sites with a host of a site: which of them a hit counts for
// is for the page to say.
func warnOfTwins(ctx context.Context, c *call, st *store.Store, site site.Site) error {
	sites, err := st.Sites(ctx)
	if err != nil {
		return err
	}
	for _, other := range sites {
		i := slices.IndexFunc(site.Hosts, func(host string) bool {
			return slices.Contains(other.Hosts, host) || !strings.HasPrefix(host, "*.") && other.Owns(host)
		})
		if other.ID != site.ID && i >= 0 {
			fmt.Fprintf(c.Stderr, "warning: site %d has the host %s too\n", other.ID, hostname.Display(site.Hosts[i]))
		}
	}
	return nil
}

func editSite(ctx context.Context, c *call) error {
	var s siteFlags
	var base string
	c.bindSite(&s)
	c.bindSnippet(&base)
	yes := c.Bool("yes", false, "save path rules without asking")
	words, err := c.parseForStore("ID")
	if err != nil {
		return err
	}
	id, err := siteID(words[0])
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		site, err := st.Site(ctx, id)
		if err != nil {
			return err
		}
		saved, savedParameters := site.PathRules, site.Parameters
		if err := s.apply(c.flags, &site); err != nil {
			return err
		}
		if len(site.PathRules) > 0 && !slices.Equal(saved, site.PathRules) {
			if err := c.tryPathRules(ctx, st, site, *yes); err != nil {
				return err
			}
		}
		if err := st.PutSite(ctx, site); err != nil {
			return err
		}
		if !slices.Equal(savedParameters, site.Parameters) {
			fmt.Fprintf(c.Stdout, "The script tells pages apart by these parameters once the pages have these lines:\n\n%s", script.Snippet(base, site.ID, site.Parameters...))
		}
		return nil
	})
}

func siteID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	if err != nil || id == 0 {
		return 0, usagef("site %q: want the number of a site, from 1", s)
	}
	return uint32(id), nil
}

func listSites(ctx context.Context, c *call) error {
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		sites, err := st.Sites(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		for _, s := range sites {
			policy := string(s.Record)
			if policy == "" {
				policy = byPolicy
			}
			slash := keepSlash
			if s.StripSlash {
				slash = stripSlash
			}
			steps := displayed(s.IgnoredReferrers)
			if len(steps) == 0 {
				steps = []string{site.DefaultReferrers}
			}
			columns := []string{
				strconv.FormatUint(uint64(s.ID), 10), s.Name, strings.Join(displayed(s.Hosts), ","), s.Location.String(),
				strings.Join(s.Parameters, ","), strings.Join(s.Excluded, ","), policy, strings.Join(s.PathRules, ","), slash, strings.Join(steps, ","),
				strings.Join(s.SearchParameters, ","), strings.Join(s.SearchCategories, ","), strings.Join(s.SearchCounts, ","),
			}
			fmt.Fprintln(c.Stdout, strings.Join(columns, "\t"))
		}
		return nil
	})
}

// displayed returns hosts for people to read.
func displayed(hosts []string) []string {
	var names []string
	for _, host := range hosts {
		names = append(names, hostname.Display(host))
	}
	return names
}

// allSites stands for every site in the command line.
const allSites = "all"

func addToken(ctx context.Context, c *call) error {
	var sites userSites
	c.Var(&sites, "site", "`numbers` of the sites that the token is good for, separated by commas, or all")
	name := c.String("name", "", "`name` that tells what the token is for")
	quiet := c.Bool("quiet", false, "print the token alone")
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	switch {
	case !sites.said:
		return usagef("missing --site, such as --site 1")
	case !sites.all && len(sites.ids) == 0:
		return usagef("site %q: want numbers of sites, or all", noSites)
	}
	return c.withStore(ctx, func(st *store.Store) error {
		if err := checkSites(ctx, st, sites.ids); err != nil {
			return err
		}
		token, secret, err := st.AddCredential(ctx, *name, sites.ids)
		if err != nil {
			return err
		}
		if *quiet {
			_, err = fmt.Fprintln(c.Stdout, secret)
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, "Token %s, shown this once; send it as token_auth:\n\n%s\n", token.ID, secret)
		return err
	})
}

func listTokens(ctx context.Context, c *call) error {
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		tokens, err := st.Credentials(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		for _, t := range tokens {
			var sites []string
			for _, id := range t.Sites {
				sites = append(sites, strconv.FormatUint(uint64(id), 10))
			}
			if len(sites) == 0 {
				sites = []string{allSites}
			}
			fmt.Fprintf(c.Stdout, "%s\t%s\t%s\t%s\n", t.ID, t.Name, strings.Join(sites, ","), t.Created.UTC().Format(time.RFC3339))
		}
		return nil
	})
}

func removeToken(ctx context.Context, c *call) error {
	words, err := c.parseForStore("ID")
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error { return st.RemoveCredential(ctx, words[0]) })
}
