package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/fotspor/fotspor/dashboard/password"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// account returns the name in the audit log for the account of the operating system that runs
// a command. sudoer is the user who became root for it by sudo, or "".
func account(sudoer string) string {
	id := strconv.Itoa(os.Getuid())
	name := "uid " + id
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	if os.Getuid() == 0 && site.ValidateName(sudoer) == nil {
		name += " for " + sudoer
	}
	return name
}

// noSites is the value of --sites for no site.
const noSites = "none"

// userSites is the value of a flag for the sites of a user or token.
type userSites struct {
	all   bool
	names []string // hosts or numbers
}

func (u userSites) String() string { return "" }

func readSites(s string) (userSites, error) {
	words, _ := readList(s)
	switch {
	case len(words) == 0:
		return userSites{}, fmt.Errorf("want hosts or numbers, %s or %s", allSites, noSites)
	case slices.Equal(words, []string{allSites}):
		return userSites{all: true}, nil
	case slices.Equal(words, []string{noSites}):
		return userSites{}, nil
	}
	for _, word := range words {
		if err := checkSiteName(word); err != nil {
			return userSites{}, fmt.Errorf("%q: %w", word, err)
		}
	}
	return userSites{names: words}, nil
}

// refuseAdmin returns an error if sites are given for an admin, who sees all.
func (u userSites) refuseAdmin(name string, role site.Role) error {
	if !u.all && role == site.Admin {
		return usagef("sites of user %q: an admin sees all sites; make the user a viewer to choose some", name)
	}
	return nil
}

func readRole(word string) (site.Role, error) {
	role := site.Role(word)
	return role, role.Validate()
}

func addUser(ctx context.Context, c *call) error {
	u := site.User{Name: c.words[0], Role: c.role, Restricted: !c.sites.all}
	return c.withStore(ctx, func(st *store.Store) error {
		var err error
		if u.Sites, err = findSites(ctx, st, c.sites.names); err != nil {
			return err
		}
		// Check before reading a password, which may be meant for another command.
		if _, err := st.User(ctx, u.Name); !errors.Is(err, site.ErrNotFound) {
			if err == nil {
				err = fmt.Errorf("user %q exists: fotspor user password sets another password, fotspor user role another role", u.Name)
			}
			return err
		}
		secret, err := c.readPassword(u.Name)
		if err != nil {
			return err
		}
		if u.Password, err = hashPassword(ctx, st, u.Name, secret); err != nil {
			return err
		}
		if err := st.AddUser(ctx, u); err != nil {
			return err
		}
		if ok, err := st.HasAdmin(ctx); err != nil || ok {
			return err
		}
		_, err = fmt.Fprintln(c.Stdout, "there is no admin yet: the link that the dashboard prints when it starts makes the first one, or fotspor user add NAME --role admin")
		return err
	})
}

// hashPassword returns the hash of a password. It refuses one that is easy to guess for this
// user and these sites.
func hashPassword(ctx context.Context, st *store.Store, name, secret string) (string, error) {
	sites, err := st.Sites(ctx)
	if err != nil {
		return "", err
	}
	words := []string{name}
	for _, site := range sites {
		words = append(words, password.Words(site.Hosts)...)
	}
	return password.NewHasher().Hash(ctx, secret, words...)
}

func setPassword(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		u, err := st.User(ctx, c.words[0])
		if err != nil {
			return err
		}
		secret, err := c.readPassword(u.Name)
		if err != nil {
			return err
		}
		hash, err := hashPassword(ctx, st, u.Name, secret)
		if err != nil {
			return err
		}
		if same, err := password.NewHasher().Verify(ctx, u.Password, secret); err != nil || same {
			return cmp.Or(err, fmt.Errorf("user %q has this password already: want another one", u.Name))
		}
		return st.SetPassword(ctx, u.Name, hash)
	})
}

func setRole(ctx context.Context, c *call) error {
	role, err := readRole(c.words[1])
	if err != nil {
		return err
	}
	var sites *userSites // nil: unchanged
	if c.given("sites") {
		sites = &c.sites
	}
	return c.setRights(ctx, sites, func(u *site.User) { u.Role = role })
}

func setSites(ctx context.Context, c *call) error {
	sites, err := readSites(c.words[1])
	if err != nil {
		return err
	}
	return c.setRights(ctx, &sites, func(*site.User) {})
}

// setRights changes the rights of the user that the command names. If sites is nil, the
// user's sites do not change.
func (c *call) setRights(ctx context.Context, sites *userSites, change func(*site.User)) error {
	return c.withStore(ctx, func(st *store.Store) error {
		var ids []uint32
		if sites != nil {
			var err error
			if ids, err = findSites(ctx, st, sites.names); err != nil {
				return err
			}
		}
		u, err := st.User(ctx, c.words[0])
		if err != nil {
			return err
		}
		change(&u)
		if sites != nil {
			u.Restricted, u.Sites = !sites.all, ids
			if err := sites.refuseAdmin(u.Name, u.Role); err != nil {
				return err
			}
		}
		return st.SetRights(ctx, u.Name, u.Role, u.Restricted, u.Sites)
	})
}

func removeUser(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error { return st.RemoveUser(ctx, c.words[0]) })
}

func listUsers(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		users, err := st.Users(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		l := c.list("name", "role", "sites")
		for _, u := range users {
			if err := l.add(u.Name, u.Role, sitesOf(u)); err != nil {
				return err
			}
		}
		return l.flush()
	})
}

// sitesOf returns the sites that a user sees, in the form of --sites.
func sitesOf(u site.User) string {
	if u.Sees(0) {
		return allSites
	}
	if len(u.Sites) == 0 {
		return noSites
	}
	words := make([]string, len(u.Sites))
	for i, id := range u.Sites {
		words[i] = strconv.FormatUint(uint64(id), 10)
	}
	return strings.Join(words, ",")
}

// auditLines is how many lines are read at a time.
const auditLines = 1000

// listAudit lists the lines of the audit log, newest first.
func listAudit(ctx context.Context, c *call) error {
	return c.withStore(ctx, func(st *store.Store) error {
		nameStore(c.Stderr, st)
		l := c.list("time", "via", "who", "action", "about", "count")
		var before time.Time
		for {
			entries, err := st.Audit(ctx, c.from, before, auditLines)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if err := l.add(e.Time, e.Via, e.Name, e.Action, e.About, e.Count); err != nil {
					return err
				}
			}
			if err := l.flush(); err != nil {
				return err
			}
			if len(entries) < auditLines {
				return nil
			}
			before = entries[len(entries)-1].Time
		}
	})
}

// readPassword reads a password for a user. It refuses those that can be refused without
// reading the store.
func (c *call) readPassword(name string) (string, error) {
	secret, err := c.readLine()
	if err != nil {
		return "", err
	}
	return secret, password.Check(secret, name)
}

// readLine reads one line. On a terminal it does not show what is typed.
func (c *call) readLine() (string, error) {
	if f, ok := c.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(c.Stderr, "Password: ")
		line, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.Stderr)
		return string(line), err
	}
	line, err := bufio.NewReader(c.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
