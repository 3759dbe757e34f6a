package cli

import (
	"context"
	"errors"
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
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// siteWords are the values of flags that describe a site.
type siteWords struct {
	id                                       uint32
	hosts, parameters, excluded, pathRules   []string
	searches, searchCategories, searchCounts []string
	steps                                    []string
	zone                                     *time.Location
	policy, slash                            string
	guard                                    int
}

// Values of --trailing-slash.
const keepSlash, stripSlash = "keep", "strip"

// matomoSearches in --search-parameters stands for the query parameters in which Matomo looks
// for a search.
const matomoSearches = "matomo"

// byPolicy is the value of --policy for a site that follows the collector's --record.
const byPolicy = "default"

// describe sets the fields of a site for which the command line has flags.
func (c *call) describe(site *site.Site) error {
	for name, set := range map[string]func(){
		"host":                       func() { site.Hosts = c.site.hosts },
		"hosts":                      func() { site.Hosts = c.site.hosts },
		"name":                       func() { site.Name = c.name },
		"timezone":                   func() { site.Location = c.site.zone },
		"parameters":                 func() { site.Parameters = c.site.parameters },
		"exclude":                    func() { site.Excluded = c.site.excluded },
		"path-rules":                 func() { site.PathRules = c.site.pathRules },
		"trailing-slash":             func() { site.StripSlash = c.site.slash == stripSlash },
		"ignore-referrers":           func() { site.IgnoredReferrers = c.site.steps },
		"search-parameters":          func() { site.SearchParameters = c.site.searches },
		"search-category-parameters": func() { site.SearchCategories = c.site.searchCategories },
		"search-count-parameters":    func() { site.SearchCounts = c.site.searchCounts },
		"guard":                      func() { site.Guard = c.site.guard },
		"policy": func() {
			if site.Record = privacy.Record(c.site.policy); c.site.policy == byPolicy {
				site.Record = ""
			}
		},
	} {
		if c.given(name) {
			set()
		}
	}
	if err := site.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// readHosts reads the hosts of a site, each once and in its canonical form.
func readHosts(s string) ([]string, error) {
	words, _ := readList(s)
	var hosts []string
	for _, word := range words {
		name, wildcard := strings.CutPrefix(word, "*.")
		name, err := hostname.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("host %q: %w", word, err)
		}
		if wildcard {
			name = "*." + name
		}
		hosts = appendOnce(hosts, name)
	}
	return hosts, nil
}

// readParameters reads names of query parameters, each once, in Unicode's form C. They may be
// encoded, as copied from an address.
func readParameters(s string) ([]string, error) {
	words, _ := readList(s)
	var names []string
	for _, name := range words {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		names = appendOnce(names, norm.NFC.String(name))
	}
	return names, nil
}

// appendOnce appends to list each of words that it lacks.
func appendOnce[T comparable](list []T, words ...T) []T {
	for _, word := range words {
		if !slices.Contains(list, word) {
			list = append(list, word)
		}
	}
	return list
}

// readSearchParameters reads names of parameters whose case does not matter, each once.
func readSearchParameters(s string) ([]string, error) {
	names, err := readParameters(s)
	for i := 0; i < len(names); i++ {
		names = append(names[:i+1], slices.DeleteFunc(names[i+1:], func(other string) bool { return strings.EqualFold(other, names[i]) })...)
	}
	return names, err
}

// readSearches reads names of parameters that hold a search term.
func readSearches(s string) ([]string, error) {
	words, _ := readList(s)
	if i := slices.Index(words, matomoSearches); i >= 0 {
		words = slices.Replace(words, i, i+1, "q", "query", "s", "search", "searchword", "k", "keyword")
	}
	return readSearchParameters(strings.Join(words, ","))
}

// readSteps reads the referrers of a site that are no source. A host includes those below it,
// with or without a wildcard in front.
func readSteps(s string) ([]string, error) {
	words, _ := readList(s)
	var hosts []string
	for _, word := range words {
		if word != site.DefaultReferrers && word != site.NoReferrers {
			name, err := hostname.Parse(strings.TrimPrefix(strings.TrimPrefix(word, "*"), "."))
			if err != nil {
				return nil, fmt.Errorf("host %q: %w", word, err)
			}
			word = name
		}
		hosts = appendOnce(hosts, word)
	}
	return hosts, nil
}

func readZone(s string) (*time.Location, error) {
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		return nil, errors.New("want a time zone such as Europe/Oslo")
	}
	return zone, nil
}

func addSite(ctx context.Context, c *call) error {
	if len(c.site.hosts) == 0 {
		return usagef("missing --host, such as --host example.org")
	}
	site := site.Site{ID: c.site.id, Name: hostname.Display(c.site.hosts[0]), Location: c.site.zone, Guard: site.DefaultGuard}
	if err := c.describe(&site); err != nil {
		return err
	}
	var pins [2]string // without and with --count-objections
	for i := range pins {
		var err error
		if pins[i], err = script.Integrity(i == 1); err != nil {
			return err
		}
	}
	return c.withStore(ctx, func(st *store.Store) error {
		var err error
		if site, err = st.AddSite(ctx, site); err != nil {
			return err
		}
		if err := warnOfTwins(ctx, c, st, site); err != nil {
			return err
		}
		if c.quiet {
			_, err = fmt.Fprintln(c.Stdout, site.ID)
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, `Site %d, %s, in %s. Paste this before </body> of every page:

%s
To pin this version of the script, give it integrity=%q and crossorigin="anonymous"
(integrity=%q where the collector has --count-objections);
change the hash with every upgrade, or browsers will refuse the script.
`, site.ID, site.Name, st.Place(), script.Snippet(c.snippetBase(ctx, st), site.ID, site.Parameters...), pins[0], pins[1])
		return err
	})
}

// warnOfTwins warns of other sites with a host of a site: the tracker on a page says for
// which of them a hit counts.
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
	id, err := siteID(c.words[0])
	if err != nil {
		return usagef("site %q: %w", c.words[0], err)
	}
	return c.withStore(ctx, func(st *store.Store) error {
		site, err := st.Site(ctx, id)
		if err != nil {
			return err
		}
		saved, savedParameters := site.PathRules, site.Parameters
		if err := c.describe(&site); err != nil {
			return err
		}
		if len(site.PathRules) > 0 && !slices.Equal(saved, site.PathRules) {
			if err := c.tryPathRules(ctx, st, site); err != nil {
				return err
			}
		}
		if err := st.PutSite(ctx, site); err != nil {
			return err
		}
		if !slices.Equal(savedParameters, site.Parameters) {
			fmt.Fprintf(c.Stdout, "The script tells pages apart by these parameters once the pages have these lines:\n\n%s", script.Snippet(c.snippetBase(ctx, st), site.ID, site.Parameters...))
		}
		return nil
	})
}

// snippetBase returns the URL of the program for snippets: that of --public-url, else the one
// that a running program had last, else the address on which it listens.
func (c *call) snippetBase(ctx context.Context, st *store.Store) string {
	kept, _ := st.PublicURL(ctx) // after an error the snippet is for this machine
	said, _ := baseurl.Parse(kept.Value)
	return c.opts.PublicURL.Or(said).Or(baseurl.Listening(app.DefaultListen)).String()
}

func siteID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("want the number of a site, from 1 to %d", uint32(math.MaxUint32))
	}
	return uint32(id), nil
}

func listSites(ctx context.Context, c *call) error {
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
				strings.Join(s.SearchParameters, ","), strings.Join(s.SearchCategories, ","), strings.Join(s.SearchCounts, ","), strconv.Itoa(s.Guard),
			}
			fmt.Fprintln(c.Stdout, strings.Join(columns, "\t"))
		}
		return nil
	})
}

// displayed returns hosts in the form for people.
func displayed(hosts []string) []string {
	var names []string
	for _, host := range hosts {
		names = append(names, hostname.Display(host))
	}
	return names
}

// allSites stands for every site in the command line.
const allSites = "all"

// addToken adds a site.Credential. Users call it a token, after Matomo's token_auth.
func addToken(ctx context.Context, c *call) error {
	switch {
	case !c.given("site"):
		return usagef("missing --site, such as --site 1")
	case !c.sites.all && len(c.sites.ids) == 0:
		return usagef("site %q: want numbers of sites, or all", noSites)
	}
	return c.withStore(ctx, func(st *store.Store) error {
		if err := checkSites(ctx, st, c.sites.ids); err != nil {
			return err
		}
		credential, secret, err := st.AddCredential(ctx, c.name, c.sites.ids)
		if err != nil {
			return err
		}
		if c.quiet {
			_, err = fmt.Fprintln(c.Stdout, secret)
			return err
		}
		_, err = fmt.Fprintf(c.Stdout, "Token %s, shown this once; send it as token_auth:\n\n%s\n", credential.ID, secret)
		return err
	})
}

func listTokens(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		credentials, err := st.Credentials(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		for _, cr := range credentials {
			var sites []string
			for _, id := range cr.Sites {
				sites = append(sites, strconv.FormatUint(uint64(id), 10))
			}
			if len(sites) == 0 {
				sites = []string{allSites}
			}
			fmt.Fprintf(c.Stdout, "%s\t%s\t%s\t%s\n", cr.ID, cr.Name, strings.Join(sites, ","), cr.Created.UTC().Format(time.RFC3339))
		}
		return nil
	})
}

func removeToken(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error { return st.RemoveCredential(ctx, c.words[0]) })
}

func readGuard(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > site.MaxGuard {
		return 0, fmt.Errorf("want a number from 0 to %d", site.MaxGuard)
	}
	return n, nil
}
