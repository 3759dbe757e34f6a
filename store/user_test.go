package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/internal/patience"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
	"github.com/fotspor/fotspor/store/storetest"
)

// sameUser compares users but for their generation, and sites but for none.
var sameUser = cmp.Options{cmpopts.IgnoreFields(site.User{}, "Generation"), cmpopts.EquateEmpty()}

func addUsers(t *testing.T, st *store.Store, users ...site.User) {
	t.Helper()
	for _, u := range users {
		if u.Password == "" {
			u.Password = "hash"
		}
		if err := st.AddUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUsers(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	expect := func(want ...site.User) {
		t.Helper()
		got, err := st.Users(ctx)
		if diff := cmp.Diff(want, got, sameUser); diff != "" || err != nil {
			t.Fatalf("users: %v (-want +got)\n%s", err, diff)
		}
		for _, u := range want {
			if got, err := st.User(ctx, u.Name); err != nil || !cmp.Equal(got, u, sameUser) {
				t.Errorf("user %q = %+v, %v", u.Name, got, err)
			}
		}
	}
	expect()
	kari := site.User{Name: "kari", Role: site.Admin, Password: "hash 1"}
	ola := site.User{Name: "ola", Role: site.Viewer, Password: "hash 2", Restricted: true, Sites: []uint32{1, 7}}
	addUsers(t, st, kari, ola)
	expect(kari, ola)

	if err := st.AddUser(ctx, site.User{Name: "kari", Role: site.Viewer, Password: "other"}); !errors.Is(err, site.ErrExists) {
		t.Errorf("a second kari: %v, want ErrExists", err)
	}
	expect(kari, ola)
	if err := st.SetPassword(ctx, "kari", "hash 3"); err != nil {
		t.Fatal(err)
	}
	kari.Password = "hash 3" // and still an admin
	expect(kari, ola)
	if err := st.SetRights(ctx, "ola", site.Viewer, true, nil); err != nil {
		t.Fatal(err)
	}
	ola.Sites = nil
	expect(kari, ola)
	if err := st.RemoveUser(ctx, "ola"); err != nil {
		t.Fatal(err)
	}
	expect(kari)
	for name, err := range map[string]error{
		"User":        func() error { _, err := st.User(ctx, "ola"); return err }(),
		"SetPassword": st.SetPassword(ctx, "ola", "x"),
		"SetRights":   st.SetRights(ctx, "ola", site.Admin, false, nil),
		"EndSessions": st.EndSessions(ctx, "ola"),
		"RemoveUser":  st.RemoveUser(ctx, "ola"),
		"injection":   st.RemoveUser(ctx, "ola' OR 1=1"),
	} {
		if !errors.Is(err, site.ErrNotFound) {
			t.Errorf("%s of a removed user: %v, want ErrNotFound", name, err)
		}
	}
	addUsers(t, st, ola)
	expect(kari, ola)
}

func TestUserNames(t *testing.T) {
	st := storetest.Open(t)
	addUsers(t, st, site.User{Name: "kari", Role: site.Viewer}, site.User{Name: "blåbær 🦊", Role: site.Viewer}, site.User{Name: "Вера", Role: site.Viewer})
	for name, ok := range map[string]bool{
		"kari": false, // taken, as are other spellings of it `back\slash`: true, `\N`: true, "a'); DROP": true, strings.Repeat("x", site.MaxName): true,
		"":     false, " kari": false, "kari\u00a0": false, "tab\there": false, "line\nend": false, "nul\x00": false, "\xff": false,
		"Ærlig Ås": true, "Σοφία 2": true, "日本のカナ": true, "김민수 金": true, "קרן": true,
		"k\u0430ri": false, "Верa": false, "ο\u043b\u0430": false, "日本 kari": false,
		"KARI": false, "Kari": false, "ｋａｒｉ": false, "blåbÆr 🦊": false, "ВЕРА": false,
		"bla\u030aba\u0308r": false, "u\u202exe": false, "unknown": false, "Unknown": false, strings.Repeat("x", site.MaxName+1): false,
	} {
		u := site.User{Name: name, Role: site.Viewer, Password: name}
		err := st.AddUser(t.Context(), u)
		if (err == nil) != ok {
			t.Errorf("user %q: %v, want taken %t", name, err, ok)
		}
		if got, err := st.User(t.Context(), name); ok && (err != nil || !cmp.Equal(got, u, sameUser)) {
			t.Errorf("user %q = %+v, %v", name, got, err)
		}
	}
	for _, u := range []site.User{{Name: "x", Role: "root", Password: "h"}, {Name: "x", Role: site.Viewer}} {
		if err := st.AddUser(t.Context(), u); err == nil {
			t.Errorf("user %+v was taken", u)
		}
	}
	if got := site.CleanName(" bla\u030aba\u0308r\n"); got != "blåbär" {
		t.Errorf("clean name %q", got)
	}
}

// TestLastAdmin: somebody who manages users is always left, also if two processes
// remove each other's admin at the same moment.
func TestLastAdmin(t *testing.T) {
	ctx := t.Context()
	cfg := store.Config{Engine: storetest.Engine(t), Database: storetest.Database(), Create: true}
	var stores []*store.Store // as two processes have them
	for range 2 {
		st, err := store.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		stores = append(stores, st)
	}
	addUsers(t, stores[0], site.User{Name: "a", Role: site.Admin}, site.User{Name: "v", Role: site.Viewer})
	for name, err := range map[string]error{
		"remove": stores[0].RemoveUser(ctx, "a"),
		"demote": stores[0].SetRights(ctx, "a", site.Viewer, false, nil),
	} {
		if !errors.Is(err, site.ErrLastAdmin) {
			t.Errorf("%s the last admin: %v, want ErrLastAdmin", name, err)
		}
	}
	for round := range 10 {
		if err := errors.Join(stores[0].SetRights(ctx, "a", site.Admin, false, nil), stores[0].SetRights(ctx, "v", site.Admin, false, nil)); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		for i, name := range []string{"a", "v"} {
			both.Go(func() { stores[i].SetRights(ctx, name, site.Viewer, false, nil) })
		}
		both.Wait()
		users, err := stores[0].Users(ctx)
		if err != nil || !slices.ContainsFunc(users, func(u site.User) bool { return u.Role == site.Admin }) {
			t.Fatalf("round %d: no admin in %+v, %v", round, users, err)
		}
	}
}

// TestFirstAdmin: of two processes that make the first admin at once one does.
func TestFirstAdmin(t *testing.T) {
	ctx := t.Context()
	cfg := store.Config{Engine: storetest.Engine(t), Database: storetest.Database(), Create: true}
	var stores []*store.Store
	for range 2 {
		st, err := store.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		stores = append(stores, st)
	}
	for round := range 10 {
		if err := stores[0].Exec(ctx, "TRUNCATE TABLE users"); err != nil {
			t.Fatal(err)
		}
		addUsers(t, stores[0], site.User{Name: "v", Role: site.Viewer})
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, name := range []string{"a", "b"} {
			both.Go(func() { errs[i] = stores[i].AddFirstAdmin(ctx, site.User{Name: name, Password: "hash"}) })
		}
		both.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !errors.Is(err, site.ErrHasAdmin) {
				t.Fatal(err)
			}
		}
		users, err := stores[0].Users(ctx)
		if err != nil || made != 1 || len(users) != 2 {
			t.Fatalf("round %d: %d made, %v; users %+v, %v", round, made, errs, users, err)
		}
	}
	for i, want := range []error{nil, site.ErrHasAdmin} {
		if err := stores[0].Exec(ctx, "TRUNCATE TABLE users"); i == 0 && err != nil {
			t.Fatal(err)
		} else if i == 1 {
			addUsers(t, stores[1], site.User{Name: "c", Role: site.Admin})
		}
		if err := stores[1].AddFirstAdmin(ctx, site.User{Name: "d", Password: "hash"}); !errors.Is(err, want) {
			t.Errorf("first admin: %v, want %v", err, want)
		}
	}
}

// TestSessions: a session ends by itself, by a log-out that no request undoes, and
// with each change of its user.
func TestSessions(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const idle = 2 * time.Hour
	addUsers(t, st, site.User{Name: "kari", Role: site.Admin}, site.User{Name: "ola", Role: site.Viewer, Restricted: true, Sites: []uint32{3}})
	begin := func(id, name string) site.Session {
		t.Helper()
		u, err := st.User(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		s := site.Session{ID: id, User: name, Generation: u.Generation, Created: start, Seen: start, Expires: start.Add(12 * time.Hour)}
		if err := st.PutSession(ctx, s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	lives := func(id string, at time.Time, want bool) {
		t.Helper()
		if _, u, err := st.Session(ctx, id, at, idle); (err == nil) != want || err != nil && !errors.Is(err, site.ErrNotFound) {
			t.Errorf("%s at %s: %+v, %v, want it to live: %t", id, at.Format(time.TimeOnly), u, err, want)
		}
	}
	one := begin("one", "ola")
	got, u, err := st.Session(ctx, "one", start, idle)
	want := site.User{Name: "ola", Role: site.Viewer, Restricted: true, Sites: []uint32{3}}
	if err != nil || !cmp.Equal(got, one) || !cmp.Equal(u, want, sameUser) {
		t.Fatalf("session = %+v of %+v, %v", got, u, err)
	}
	lives("other", start, false)
	lives("one", start.Add(idle-time.Second), true)
	lives("one", start.Add(idle), false)
	one.Seen = start.Add(time.Hour)
	if err := st.PutSession(ctx, one); err != nil {
		t.Fatal(err)
	}
	lives("one", start.Add(idle), true)
	lives("one", start.Add(-2*time.Minute), false) // it begins in the future
	one.Seen = start.Add(12 * time.Hour)
	if err := st.PutSession(ctx, one); err != nil {
		t.Fatal(err)
	}
	lives("one", start.Add(12*time.Hour-time.Second), true)
	lives("one", start.Add(12*time.Hour), false)

	two := begin("two", "ola")
	if err := st.EndSession(ctx, two); err != nil {
		t.Fatal(err)
	}
	two.Seen = start.Add(time.Minute) // by a request that was under way
	if err := st.PutSession(ctx, two); err != nil {
		t.Fatal(err)
	}
	lives("two", start, false)

	changes := map[string]func() error{
		"a new password": func() error { return st.SetPassword(ctx, "ola", "new") },
		"a new role":     func() error { return st.SetRights(ctx, "ola", site.Admin, false, nil) },
		"other sites":    func() error { return st.SetRights(ctx, "ola", site.Viewer, true, []uint32{4}) },
		"an end":         func() error { return st.EndSessions(ctx, "ola") },
		"a removal":      func() error { return st.RemoveUser(ctx, "ola") },
	}
	begin("kari's", "kari")
	for _, name := range []string{"a new password", "a new role", "other sites", "an end", "a removal"} {
		id := "before " + name
		begin(id, "ola")
		lives(id, start, true)
		if err := changes[name](); err != nil {
			t.Fatal(err)
		}
		lives(id, start, false)
		lives("kari's", start, true)
	}
	addUsers(t, st, site.User{Name: "ola", Role: site.Viewer})
	lives("before a removal", start, false)

	begin("latest", "ola")
	all, err := st.Sessions(ctx, "", start, idle)
	if err != nil || len(all) != 2 {
		t.Errorf("sessions = %+v, %v, want kari's and ola's", all, err)
	}
	mine, err := st.Sessions(ctx, "ola", start, idle)
	if err != nil || len(mine) != 1 || mine[0].ID != "latest" {
		t.Errorf("sessions of ola = %+v, %v", mine, err)
	}
}

// TestOldHashesLeave: the hash of an old password, of a removed user or of a removed
// token is in no row, and within seconds in no part on the disk.
func TestOldHashesLeave(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	addUsers(t, st, site.User{Name: "kari", Role: site.Admin, Password: "old hash"}, site.User{Name: "ola", Role: site.Viewer, Password: "ola's hash"})
	credential, _, err := st.AddCredential(ctx, "t", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(st.SetPassword(ctx, "kari", "new hash"), st.RemoveUser(ctx, "ola"), st.RemoveCredential(ctx, credential.ID)); err != nil {
		t.Fatal(err)
	}
	if got, want := query(t, st, "SELECT name, password FROM users ORDER BY name"), "kari\tnew hash\nola\t"; got != want {
		t.Errorf("users hold %q, want %q", got, want)
	}
	if got := query(t, st, "SELECT hash FROM credentials"); got != "" {
		t.Errorf("tokens hold %q, want no hash", got)
	}
	const old = "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table IN ('users', 'credentials') AND NOT active"
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience.Of(time.Minute)); query(t, st, old) != "0"; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s old parts are left after a minute", query(t, st, old))
		}
	}
}

// TestChangesWin: a change counts although the clock was ahead when the one before
// it was made.
func TestChangesWin(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	addUsers(t, st, site.User{Name: "kari", Role: site.Viewer})
	one, err := st.AddSite(ctx, site.Site{Name: "a", Hosts: []string{"a.example"}, Location: oslo})
	if err != nil {
		t.Fatal(err)
	}
	credential, _, err := st.AddCredential(ctx, "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	for table, columns := range map[string]string{
		"users": "name, role, password", "sites": "id, name, hosts, timezone", "credentials": "id, name, hash, sites, created",
	} {
		ahead := fmt.Sprintf("INSERT INTO %s (%s, updated) SELECT %[2]s, now64(6) + INTERVAL 4 YEAR FROM %[1]s", table, columns)
		if err := st.Exec(ctx, ahead); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		want := strings.Repeat("x", i+1)
		one.Name = want
		if err := errors.Join(st.SetPassword(ctx, "kari", want), storetest.PutSite(ctx, st, one)); err != nil {
			t.Fatal(err)
		}
		if u, err := st.User(ctx, "kari"); u.Password != want || err != nil {
			t.Errorf("password = %q, %v, want %q", u.Password, err, want)
		}
		if got, err := st.Site(ctx, one.ID); got.Name != want || err != nil {
			t.Errorf("site = %q, %v, want %q", got.Name, err, want)
		}
	}
	if err := st.RemoveCredential(ctx, credential.ID); err != nil {
		t.Fatal(err)
	}
	if all, err := st.Credentials(ctx); len(all) != 0 || err != nil {
		t.Errorf("tokens = %+v, %v, want none", all, err)
	}
}

// TestAudit: each change of users, sites and credentials leaves one line that says who
// and what, and nothing that is secret.
func TestAudit(t *testing.T) {
	st := storetest.Open(t)
	began := time.Now().Add(-time.Minute)
	ctx := audit.As(t.Context(), audit.Actor{Via: audit.Command, Name: "root"})
	var credential site.Credential
	var secret string
	one := site.Site{Name: "a", Hosts: []string{"a.example"}, Location: oslo, Guard: site.DefaultGuard}
	for _, c := range []struct {
		change func(context.Context) error
		action audit.Action
		about  string
	}{
		{func(ctx context.Context) error {
			return st.AddUser(ctx, site.User{Name: "kari", Role: site.Admin, Password: "$hash$"})
		}, audit.UserAdded, "kari: admin"},
		{func(ctx context.Context) error {
			return st.AddUser(ctx, site.User{Name: "ola", Role: site.Viewer, Password: "$hash$", Restricted: true})
		}, audit.UserAdded, "ola: viewer, sites none"},
		{func(ctx context.Context) error { return st.SetPassword(ctx, "kari", "$hash 2$") }, audit.PasswordChanged, "kari"},
		{func(ctx context.Context) error { return st.SetRights(ctx, "ola", site.Viewer, true, []uint32{1, 2}) }, audit.SitesChanged, "ola: viewer, sites 1,2"},
		{func(ctx context.Context) error { return st.SetRights(ctx, "ola", site.Admin, false, nil) }, audit.RoleChanged, "ola: admin"},
		{func(ctx context.Context) error { return st.EndSessions(ctx, "ola") }, audit.SessionsEnded, "ola"},
		{func(ctx context.Context) error { return st.RemoveUser(ctx, "ola") }, audit.UserRemoved, "ola"},
		{func(ctx context.Context) (err error) { one, err = st.AddSite(ctx, one); return err }, audit.SiteAdded, "site 1: a.example"},
		{func(ctx context.Context) error {
			one.Name, one.Excluded = "b", []string{"/admin/*"}
			return storetest.PutSite(ctx, st, one)
		}, audit.SiteChanged, "site 1: name, excluded"},
		{func(ctx context.Context) (err error) {
			credential, secret, err = st.AddCredential(ctx, "t", []uint32{1})
			return err
		}, audit.CredentialAdded, "credential CREDENTIAL: sites 1"},
		{func(ctx context.Context) error { return st.RemoveCredential(ctx, credential.ID) }, audit.CredentialRemoved, "credential CREDENTIAL"},
	} {
		before, err := st.Audit(ctx, began, time.Time{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.change(ctx); err != nil {
			t.Fatal(err)
		}
		after, err := st.Audit(ctx, began, time.Time{}, 100)
		if err != nil || len(after) != len(before)+1 {
			t.Fatalf("%s: %d lines after %d, %v, want one more", c.action, len(after), len(before), err)
		}
		want := audit.Entry{Actor: audit.Actor{Via: audit.Command, Name: "root"}, Action: c.action, About: strings.ReplaceAll(c.about, "CREDENTIAL", credential.ID), Count: 1}
		for i := range after {
			after[i].Time = time.Time{}
			if text := after[i].About; strings.Contains(text, "$") || secret != "" && strings.Contains(text, secret) {
				t.Errorf("the audit log holds a secret: %q", text)
			}
		}
		if !slices.Contains(after, want) {
			t.Errorf("audit log %+v lacks %+v", after, want)
		}
	}
	for name, change := range map[string]func() error{ // what changes nothing
		"a second kari": func() error {
			return st.AddUser(ctx, site.User{Name: "kari", Role: site.Admin, Password: "x"})
		},
		"the last admin": func() error { return st.RemoveUser(ctx, "kari") },
		"a typed name":   func() error { return st.SetPassword(ctx, "hunter2", "x") },
	} {
		if change() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if all, err := st.Audit(ctx, began, time.Time{}, 100); len(all) != 12 || err != nil {
		t.Errorf("%d lines, %v, want 12: of what failed only the last admin is noted", len(all), err)
	}
}

// TestAuditRetention: old lines leave, others and their pages stay.
func TestAuditRetention(t *testing.T) {
	st := storetest.Open(t)
	ctx := t.Context()
	day := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i := range 5 {
		e := audit.Entry{Time: day.AddDate(0, -i, 0), Actor: audit.Actor{Via: audit.Page, Name: "kari"}, Action: audit.LoggedIn, Count: i}
		if err := st.Note(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	cutoff := day.AddDate(0, -2, -1)
	if held, err := st.AuditLog().Before(ctx, cutoff); held.Rows != 2 || err != nil {
		t.Errorf("held %+v, %v, want 2 lines", held, err)
	}
	for range 2 {
		if err := st.AuditLog().DeleteBefore(ctx, cutoff); err != nil {
			t.Error(err)
		}
	}
	if held, err := st.AuditLog().Before(ctx, cutoff); held.Rows != 0 || err != nil {
		t.Errorf("still held: %+v, %v", held, err)
	}
	for _, c := range []struct {
		since, before time.Time
		limit, want   int
	}{
		{time.Time{}, time.Time{}, 10, 3}, {time.Time{}, time.Time{}, 2, 2},
		{time.Time{}, day, 10, 2}, {day.AddDate(0, -1, 0), time.Time{}, 10, 2},
	} {
		got, err := st.Audit(ctx, c.since, c.before, c.limit)
		if len(got) != c.want || err != nil || !slices.IsSortedFunc(got, func(a, b audit.Entry) int { return b.Time.Compare(a.Time) }) {
			t.Errorf("audit from %s before %s: %+v, %v, want %d lines, newest first", c.since, c.before, got, err, c.want)
		}
	}
}
