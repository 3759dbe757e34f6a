package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/app"
	"github.com/fotspor/fotspor/collector/script"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/internal/hostname"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// setSite reads into a site the flags that the command line has, and validates it. The name
// of a site without one is its main host.
func (c *call) setSite(s *site.Site) error {
	var mistakes []error
	for _, setting := range site.Settings {
		for _, flag := range flagsOf(setting.Key) {
			if c.given(flag) {
				mistakes = append(mistakes, setting.Read(s, c.flags.Lookup(flag).Value.String()))
			}
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return usageError{err}
	}
	if s.Name == "" && len(s.Hosts) > 0 && !c.given("name") {
		s.Name = hostname.Display(s.Hosts[0])
	}
	if err := s.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

// flagsOf returns the names of the flags of a setting of a site.
func flagsOf(key string) []string {
	if key == "host" {
		return []string{"host", "hosts"}
	}
	return []string{key}
}

// newSite is a site of which nothing is said.
func newSite() site.Site {
	return site.Site{Location: app.DefaultZone(), Guard: site.DefaultGuard}
}

// ofSite returns the value of a flag for a setting of a site.
func ofSite(key string) func(*call) flag.Value {
	return func(*call) flag.Value {
		setting := site.FindSetting(key)
		text := setting.Get(newSite())
		return keep(&text, func(text string) (string, error) {
			var scratch site.Site
			return text, setting.Read(&scratch, text)
		})
	}
}

func addSite(ctx context.Context, c *call) error {
	site := newSite()
	site.ID = c.siteID
	if err := c.setSite(&site); err != nil {
		return err
	}
	var pins [2]string // without and with count-objections
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
		if err := c.keepCopies(ctx, st); err != nil {
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
(integrity=%q where the policy has count-objections=true);
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
	return c.withStore(ctx, func(st *store.Store) error {
		of, err := findSite(ctx, st, c.words[0])
		if err != nil {
			return err
		}
		var savedParameters []string
		site, err := st.ChangeSite(ctx, of.ID, func(site *site.Site) error {
			before := *site
			saved := site.PathRules
			savedParameters = site.Parameters
			if err := c.setSite(site); err != nil {
				return err
			}
			if err := c.previewSite(ctx, st, before, *site); err != nil {
				return err
			}
			if len(site.PathRules) > 0 && !slices.Equal(saved, site.PathRules) {
				return c.tryPathRules(ctx, st, *site)
			}
			return nil
		})
		if err == nil {
			err = c.keepCopies(ctx, st)
		}
		if err != nil {
			return err
		}
		if !slices.Equal(savedParameters, site.Parameters) {
			fmt.Fprintf(c.Stdout, "The script tells pages apart by these parameters once the pages have these lines:\n\n%s", script.Snippet(c.snippetBase(ctx, st), site.ID, site.Parameters...))
		}
		return nil
	})
}

// snippetBase returns the URL of the program for snippets: that of --public-url, else the one
// that a running program had last. If there is none, it returns the address on which a
// program listens by default, and warns.
func (c *call) snippetBase(ctx context.Context, st *store.Store) string {
	kept, _ := st.PublicURL(ctx) // after an error the snippet is for this machine
	said, _ := baseurl.Parse(kept.Value)
	base := c.opts.PublicURL.Or(said)
	if base.IsZero() {
		base = baseurl.Listening(app.DefaultListen, false)
		fmt.Fprintf(c.Stderr, "warning: nobody has said how browsers reach the program (--public-url), so the lines name %s\n", base)
	}
	return base.String()
}

func siteID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("want the number of a site, from 1 to %d", uint32(math.MaxUint32))
	}
	return uint32(id), nil
}

// checkSiteName returns an error for a word that can be neither the number nor a host of a site.
func checkSiteName(word string) error {
	if _, err := siteID(word); err == nil || strings.Contains(word, ".") || word == "localhost" {
		return nil
	}
	return errors.New("want the host or the number of a site")
}

func listSites(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		sites, err := st.Sites(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		l := c.list(append([]string{"id"}, listed...)...)
		for _, s := range sites {
			values := []any{s.ID}
			for _, key := range listed {
				values = append(values, site.FindSetting(key).Get(s))
			}
			if err := l.add(values...); err != nil {
				return err
			}
		}
		return l.flush()
	})
}

// listed are the settings of a site in the order of site list, whose columns scripts know.
var listed = []string{
	"name", "host", "timezone", "parameters", "exclude", "policy", "path-rules", "trailing-slash", "ignore-referrers",
	"search-parameters", "search-category-parameters", "search-count-parameters", "guard", "exclude-networks", "tags", "school-weeks",
	"retention", "objections",
}

// allSites stands for every site in the command line.
const allSites = "all"

// addToken adds a site.Credential. Users call it a token, after Matomo's token_auth.
func addToken(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		ids, err := findSites(ctx, st, c.sites.names)
		if err != nil {
			return err
		}
		credential, secret, err := st.AddCredential(ctx, c.name, ids)
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
		l := c.list("id", "name", "sites", "created")
		for _, cr := range credentials {
			var sites []string
			for _, id := range cr.Sites {
				sites = append(sites, strconv.FormatUint(uint64(id), 10))
			}
			if len(sites) == 0 {
				sites = []string{allSites}
			}
			if err := l.add(cr.ID, cr.Name, strings.Join(sites, ","), cr.Created); err != nil {
				return err
			}
		}
		return l.flush()
	})
}

func removeToken(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error { return st.RemoveCredential(ctx, c.words[0]) })
}
