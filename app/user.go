package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/fotspor/fotspor/dashboard/password"
	"github.com/fotspor/fotspor/store"
)

// account is the account of the operating system that runs a command, as the audit log
// names it.
func account(getenv func(string) string) string {
	id := strconv.Itoa(os.Getuid())
	name := "uid " + id
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	if by := getenv("SUDO_USER"); os.Getuid() == 0 && store.ValidateName(by) == nil {
		name += " for " + by
	}
	return name
}

// readSites reads the numbers of sites, or the word for all of them, and checks that
// the sites exist.
func readSites(words list) (all bool, ids []uint32, err error) {
	if len(words) == 1 && words[0] == allSites {
		return true, nil, nil
	}
	for _, word := range words {
		id, err := siteID(word)
		if err != nil {
			return false, nil, err
		}
		ids = append(ids, id)
	}
	return false, ids, nil
}

func checkSites(ctx context.Context, st *store.Store, ids []uint32) error {
	for _, id := range ids {
		if _, err := st.Site(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func readRole(word string) (store.Role, error) {
	if role := store.Role(word); role == store.Admin || role == store.Viewer {
		return role, nil
	}
	return "", usagef("role %q: want admin or viewer", word)
}

const sitesUsage = "`numbers` of the sites that a viewer sees, separated by commas, or all; an admin sees all"

func addUser(ctx context.Context, c *call) error {
	c.bindCreate()
	role := c.String("role", string(store.Viewer), "`role`: admin or viewer")
	sites := list{allSites}
	c.Var(&sites, "sites", sitesUsage)
	words, err := c.parseForStore("NAME")
	if err != nil {
		return err
	}
	u := store.User{Name: words[0]}
	if err := store.ValidateName(u.Name); err != nil {
		return usageError{err}
	}
	if u.Role, err = readRole(*role); err != nil {
		return err
	}
	all, ids, err := readSites(sites)
	if err != nil {
		return err
	}
	u.Restricted, u.Sites = !all, ids
	secret, err := c.readPassword(u.Name)
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		if err := checkSites(ctx, st, ids); err != nil {
			return err
		}
		// Before the password is judged: it may not be meant for a new user.
		if _, err := st.User(ctx, u.Name); !errors.Is(err, store.ErrNotFound) {
			if err == nil {
				err = fmt.Errorf("user %q exists: fotspor user password sets another password, fotspor user role another role", u.Name)
			}
			return err
		}
		if u.Password, err = hashPassword(ctx, st, u.Name, secret); err != nil {
			return err
		}
		return st.AddUser(ctx, u)
	})
}

// hashPassword returns the hash of a password that nobody would try for this user here.
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
	words, err := c.parseForStore("NAME")
	if err != nil {
		return err
	}
	secret, err := c.readPassword(words[0])
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		u, err := st.User(ctx, words[0])
		if err != nil {
			return err
		}
		hash, err := hashPassword(ctx, st, u.Name, secret)
		if err != nil {
			return err
		}
		return st.SetPassword(ctx, u.Name, hash)
	})
}

func setRole(ctx context.Context, c *call) error {
	var sites list
	c.Var(&sites, "sites", sitesUsage+" (default: as before)")
	words, err := c.parseForStore("NAME", "ROLE")
	if err != nil {
		return err
	}
	role, err := readRole(words[1])
	if err != nil {
		return err
	}
	return c.setRights(ctx, words[0], sites, func(u *store.User) { u.Role = role })
}

func setSites(ctx context.Context, c *call) error {
	words, err := c.parseForStore("NAME", "SITES")
	if err != nil {
		return err
	}
	var sites list
	sites.Set(words[1])
	if len(sites) == 0 {
		return usagef("sites %q: want numbers, or all", words[1])
	}
	return c.setRights(ctx, words[0], sites, func(*store.User) {})
}

// setRights changes what a user may see and do. Without a word about sites they stay.
func (c *call) setRights(ctx context.Context, name string, sites list, change func(*store.User)) error {
	all, ids, err := readSites(sites)
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		if err := checkSites(ctx, st, ids); err != nil {
			return err
		}
		u, err := st.User(ctx, name)
		if err != nil {
			return err
		}
		if len(sites) > 0 {
			u.Restricted, u.Sites = !all, ids
		}
		change(&u)
		return st.SetRights(ctx, u.Name, u.Role, u.Restricted, u.Sites)
	})
}

func removeUser(ctx context.Context, c *call) error {
	words, err := c.parseForStore("NAME")
	if err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error { return st.RemoveUser(ctx, words[0]) })
}

func listUsers(ctx context.Context, c *call) error {
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	return c.withStore(ctx, func(st *store.Store) error {
		users, err := st.Users(ctx)
		if err != nil {
			return err
		}
		nameStore(c.Stderr, st)
		for _, u := range users {
			if _, err := fmt.Fprintf(c.Stdout, "%s\t%s\t%s\n", u.Name, u.Role, sitesOf(u)); err != nil {
				return err
			}
		}
		return nil
	})
}

// sitesOf writes the sites that a user sees as --sites reads them.
func sitesOf(u store.User) string {
	if u.Sees(0) {
		return allSites
	}
	words := make([]string, len(u.Sites))
	for i, id := range u.Sites {
		words[i] = strconv.FormatUint(uint64(id), 10)
	}
	return strings.Join(words, ",")
}

// sinceFlag is a moment, or a period that ends now.
type sinceFlag struct {
	timeFlag
	now time.Time
}

func (s *sinceFlag) Set(text string) error {
	var p period
	if err := p.Set(text); err == nil {
		s.Time = s.now.AddDate(-p.Years, -p.Months, -p.Days)
		return nil
	}
	if s.timeFlag.Set(text) != nil {
		return errors.New("want a time such as 2026-11-22, or a period such as 7d")
	}
	return nil
}

// auditLines are read at a time.
const auditLines = 1000

// listAudit lists the newest lines first.
func listAudit(ctx context.Context, c *call) error {
	since := sinceFlag{now: c.opts.Now()}
	c.Var(&since, "since", "`time` or period, such as 2026-11-22 or 7d, from which lines are listed (default: all)")
	format := c.String("format", "text", "`format`: text, with a tab between fields, or json, with an object a line")
	if _, err := c.parseForStore(); err != nil {
		return err
	}
	if *format != "text" && *format != "json" {
		return usagef("format %q: want text or json", *format)
	}
	return c.withStore(ctx, func(st *store.Store) error {
		nameStore(c.Stderr, st)
		var before time.Time
		for {
			entries, err := st.Audit(ctx, since.Time, before, auditLines)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if err := writeEntry(c.Stdout, *format, e); err != nil {
					return err
				}
			}
			if len(entries) < auditLines {
				return nil
			}
			before = entries[len(entries)-1].Time
		}
	})
}

func writeEntry(out io.Writer, format string, e store.Entry) error {
	at := e.Time.UTC().Format(time.RFC3339)
	if format == "json" {
		return json.NewEncoder(out).Encode(struct {
			Time   string       `json:"time"`
			Via    store.Via    `json:"via"`
			Who    string       `json:"who"`
			Action store.Action `json:"action"`
			About  string       `json:"about"`
			Count  int          `json:"count"`
		}{at, e.Via, e.Name, e.Action, e.About, e.Count})
	}
	_, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%d\n", at, e.Via, e.Name, e.Action, e.About, e.Count)
	return err
}

// readPassword reads a password for a user, and refuses one that needs no look into the
// store to be refused.
func (c *call) readPassword(name string) (string, error) {
	secret, err := c.readLine()
	if err != nil {
		return "", err
	}
	return secret, password.Check(secret, name)
}

// readLine reads one line, without showing it where somebody types.
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
