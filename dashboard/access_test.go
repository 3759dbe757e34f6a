package dashboard_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/site"
)

// addViewer makes a viewer of some sites and logs them in.
func (b *bench) addViewer(sites ...uint32) {
	b.Helper()
	hash := cheap(userPass)
	err := b.store.AddUser(b.Context(), site.User{Name: userName, Role: site.Viewer, Password: hash, Restricted: true, Sites: sites})
	if err != nil {
		b.Fatal(err)
	}
	b.post("/login", credentials(userName, userPass)).want(http.StatusOK)
}

// pathOf returns the method and a path of a pattern, for a site.
func pathOf(pattern, site string) (method, path string) {
	method, path, found := strings.Cut(pattern, " ")
	if !found {
		method, path = http.MethodGet, pattern
	}
	return method, strings.NewReplacer("{$}", "", "{id}", site, "{file}", "x.js").Replace(path)
}

// TestEveryRouteIsGuarded walks all routes there are: strangers come to none that is
// not open, viewers to none of the admins' and to none of another site, and they can't
// tell a site that they don't see from one that does not exist.
func TestEveryRouteIsGuarded(t *testing.T) {
	b := newBench(t)
	one, two := b.addSite("One", "one.example", "UTC"), b.addSite("Secret", "secret.example", "UTC")
	b.addUser("boss", site.Admin, userPass)
	stranger, viewer := b.newClient(), b.newClient()
	b.client = viewer
	b.addViewer(one.ID)
	stop := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	stranger.CheckRedirect, viewer.CheckRedirect = stop, stop
	as := func(client *http.Client, pattern string, site uint32) *answer {
		t.Helper()
		b.client = client
		method, path := pathOf(pattern, fmt.Sprint(site))
		if strings.HasPrefix(path, "/sites/") {
			path += "?path=/a&name=a" // of which a card is
		}
		if method == http.MethodPost {
			return b.post(path, url.Values{"name": {"boss"}, "sure": {"1"}, "all": {"1"}, "role": {"viewer"}})
		}
		return b.get(path)
	}
	ofSite, ofAdmins := 0, 0
	for _, r := range b.dashboard.AllRoutes() {
		_, path := pathOf(r.Pattern, "1")
		api := path == "/api" || strings.HasPrefix(path, "/api/") || strings.HasSuffix(path, ".json")
		if !r.Open {
			switch a := as(stranger, r.Pattern, one.ID); {
			case api && a.status != http.StatusUnauthorized:
				t.Errorf("%s answers a stranger %d, want 401", r.Pattern, a.status)
			case !api && (a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/login")):
				t.Errorf("%s answers a stranger %d and sends them to %q", r.Pattern, a.status, a.header.Get("Location"))
			}
		}
		if strings.HasPrefix(path, "/admin/") || strings.Contains(path, "/settings") {
			ofAdmins++
			if a := as(viewer, r.Pattern, one.ID); a.status != http.StatusNotFound {
				t.Errorf("%s answers a viewer %d, want 404", r.Pattern, a.status)
			}
		}
		if strings.Contains(r.Pattern, "{id}") {
			ofSite++
			missing := strings.HasPrefix(r.Pattern, "POST ") && !r.Own || strings.Contains(path, "/settings") // for editors or admins
			if a := as(viewer, r.Pattern, one.ID); a.status == http.StatusNotFound != missing {
				t.Errorf("%s answers a viewer of the site %d", r.Pattern, a.status)
			}
			other, none := as(viewer, r.Pattern, two.ID), as(viewer, r.Pattern, 99)
			if other.status != http.StatusNotFound || strings.ReplaceAll(other.body, "/2", "/99") != none.body {
				t.Errorf("%s answers %d for another site, want what it answers for none:\n%s\n%s", r.Pattern, other.status, other.body, none.body)
			}
		}
	}
	if ofSite < 5 || ofAdmins < 8 {
		t.Errorf("%d routes of sites and %d of admins: were they found?", ofSite, ofAdmins)
	}
	for _, path := range []string{"/", "/api/v1/sites", "/account"} {
		if a := as(viewer, "GET "+path, 0); !strings.Contains(a.body, "One") || strings.Contains(a.body, "Secret") || strings.Contains(a.body, "secret.example") {
			t.Errorf("%s shows a viewer of one site:\n%s", path, a.body)
		}
	}
	if users, err := b.store.Users(t.Context()); err != nil || len(users) != 2 || users[0].Role != site.Admin {
		t.Errorf("users = %+v, %v: a viewer changed them", users, err)
	}
}

// TestNoRouteForgets: a route that would slip past the guard can't be made.
func TestNoRouteForgets(t *testing.T) {
	b := newBench(t)
	for _, r := range []dashboard.Route{
		{Pattern: "GET /sites/{site}/pages"}, {Pattern: "GET /api/v2/sites/{n}/csv"}, {Pattern: "GET /sites/{id}/pages", Open: true},
		{Pattern: "GET /admin/receipts", Open: true},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", r)
				}
			}()
			b.dashboard.Guarded(r)
		}()
	}
}

// TestWhoAsksForSites: only these functions ask the store for sites by themselves. All
// others get those that the user sees, from guard or from sites.
func TestWhoAsksForSites(t *testing.T) {
	allowed := map[string]string{
		"findSite": "guard's", "sites": "leaves out what the user does not see",
		"choose": "words that no password holds", "renderUsers": "for admins", "renderUser": "for admins", "rights": "for admins",
	}
	set := token.NewFileSet()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, entry.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok || call.Sel.Name != "Site" && call.Sel.Name != "Sites" {
					return true
				}
				if from, ok := call.X.(*ast.SelectorExpr); ok && from.Sel.Name == "store" {
					seen[f.Name.Name] = true
					if allowed[f.Name.Name] == "" {
						t.Errorf("%s asks the store for sites: use call.site or sites", f.Name.Name)
					}
				}
				return true
			})
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("%s asks for no sites any more", name)
		}
	}
}
