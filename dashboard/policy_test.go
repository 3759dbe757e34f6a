package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/privacy"
)

// TestPolicyPage: an admin sees what other rules would do before they are stored, and they are
// stored as they were seen, by whom, or not at all.
func TestPolicyPage(t *testing.T) {
	b := newBench(t)
	b.addSite("One", "one.example", "Europe/Oslo")
	b.logInAdmin()
	stored := func() (privacy.History, string) {
		t.Helper()
		all, err := b.store.Policies(t.Context())
		if len(all) == 0 {
			return nil, ""
		}
		if err != nil {
			t.Fatal(err)
		}
		return all, all.Current().Policy.Retention.String()
	}
	english := func(a *answer) string { return clean(a.Find("main").Text()) }
	page := b.get("/admin/policy?lang=en")
	page.want(http.StatusOK)
	if !strings.Contains(english(page), "No rules are stored yet") {
		t.Errorf("without a policy the page says %s", english(page))
	}
	form := page.form()
	for _, k := range privacy.Keys {
		if form.Get(k.Name) != k.Text(privacy.Default()) {
			t.Errorf("field %s = %q, want %q", k.Name, form.Get(k.Name), k.Text(privacy.Default()))
		}
	}
	form = b.post("/admin/policy", form).form()
	b.post("/admin/policy", form).want(http.StatusOK)
	if all, keep := stored(); len(all) != 1 || keep != "3y" {
		t.Fatalf("stored %+v", all)
	}

	today := calendar.DayOf(moment)
	row := func(age calendar.Day) hit.Row {
		return hit.Row{Site: 1, Time: (today - age).Time().Add(time.Hour), Day: today - age, Kind: hit.Pageview, Path: "/a", Pageviews: 1}
	}
	put(t, b.store, "rows", []hit.Row{row(1), row(100), row(200)})
	if err := b.store.NoteProcess(t.Context(), privacy.Process{Name: "collector on web1", Told: map[string]string{"retention": "3y", "titles": "5"}}); err != nil {
		t.Fatal(err)
	}
	// A preset is shown before it is stored.
	form = b.get("/admin/policy").form()
	form.Set("preset", "short")
	page = b.post("/admin/policy?lang=en", form)
	if _, keep := stored(); keep != "3y" || page.form().Get("retention") != "2d" || page.form().Get("backups") != "2d" || !strings.Contains(english(page), "2 rows are older than that") {
		t.Errorf("a preset makes the retention %s, and the page says %s", keep, english(page))
	}
	if got := clean(page.Find("#policy-cnil").Parent().Text()); !strings.Contains(got, "at most 25 months.Not met") || !strings.Contains(got, "only the host is stored.Met") {
		t.Errorf("the checklist is %s", got)
	}

	form = b.get("/admin/policy").form()
	form.Set("retention", "90d")
	form.Set("objections", "ignore")
	preview := b.post("/admin/policy?lang=en", form)
	preview.want(http.StatusOK)
	for _, want := range []string{"Not saved yet", "How long rows live: 3y → 90d", "2 rows are older", "These will not start again", "collector on web1: retention=3y ("} {
		if !strings.Contains(english(preview), want) {
			t.Errorf("the preview lacks %q:\n%s", want, english(preview))
		}
	}
	if all, _ := stored(); len(all) != 1 {
		t.Fatalf("the preview stored %+v", all)
	}

	other := preview.form()
	other.Set("retention", "30d") // which nobody has seen
	if a := b.post("/admin/policy", other); a.status != http.StatusOK || a.form().Get("seen") == other.Get("seen") {
		t.Errorf("another policy than the one that was seen: %d", a.status)
	}
	if all, _ := stored(); len(all) != 1 {
		t.Fatalf("what was not seen is stored: %+v", all)
	}
	saved := b.post("/admin/policy", preview.form())
	all, keep := stored()
	if saved.url.Path != "/admin/policy" || len(all) != 2 || keep != "90d" || !all.Current().Policy.IgnoreObjection || all.Current().Who != userName || all.Current().Via != "page" {
		t.Fatalf("stored %+v", all)
	}
	if text := english(b.get("/admin/policy?lang=en")); !strings.Contains(text, userName) || !strings.Contains(text, "When the browser objects: heed → ignore") {
		t.Errorf("the history lacks the change:\n%s", text)
	}

	late := preview.form()
	late.Set("titles", "0")
	b.post("/admin/policy", late).want(http.StatusConflict)
	if a := b.post("/admin/policy?lang=en", b.get("/admin/policy").form()); !strings.Contains(english(a), "These are the rules already") {
		t.Errorf("the same policy: %s", english(a))
	}
	for _, k := range privacy.Keys {
		a := b.post("/admin/policy", url.Values{k.Name: {"<b>"}})
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.Find("#"+k.Name+"-wrong").Text(), "<b>") {
			t.Errorf("%s=<b>: %d, %q", k.Name, a.status, a.Find("#"+k.Name+"-wrong").Text())
		}
	}
	if all, _ := stored(); len(all) != 2 {
		t.Errorf("in the end %+v is stored", all)
	}
}
