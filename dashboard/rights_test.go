package dashboard_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/fotspor/fotspor/audit"
	"github.com/fotspor/fotspor/calendar"
	"github.com/fotspor/fotspor/dashboard"
	"github.com/fotspor/fotspor/hit"
	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/retention/receipt"
	"github.com/fotspor/fotspor/site"
	"github.com/fotspor/fotspor/store"
)

// rightsOf are the rights on a store without a spool or a journal. app.Rights has those.
type rightsOf struct {
	*store.Store
	receipts *receipt.Writer
}

func newRights(st *store.Store) dashboard.Rights {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32)))
	return &rightsOf{st, &receipt.Writer{
		Book: st, Key: func() (ed25519.PrivateKey, error) { return key, nil }, Program: "v1", Now: func() time.Time { return moment },
		Policy: func(context.Context) (json.RawMessage, error) { return json.RawMessage(`{}`), nil },
	}}
}

func (r *rightsOf) Find(ctx context.Context, s privacy.Selection, f func(privacy.FoundText) error) error {
	return r.FindTexts(ctx, s, f)
}

func (r *rightsOf) Erase(ctx context.Context, s privacy.Selection) (privacy.Erased, error) {
	var found []store.Choice // before and after
	count := func(ctx context.Context) (int64, error) {
		now, err := r.Choose(ctx, s)
		found = append(found, now)
		return now.All(), err
	}
	_, _, err := r.receipts.Delete(ctx, receipt.Deletion{Kind: receipt.Erasure, By: s.Kind()}, count, func(ctx context.Context) error {
		return r.Store.Erase(ctx, found[0], func([]privacy.Chosen) error { return nil })
	})
	if err != nil {
		return privacy.Erased{}, err
	}
	last, err := r.LastReceipt(ctx)
	if err != nil {
		return privacy.Erased{}, err
	}
	t, err := last.Read()
	return privacy.Erased{Held: found[0].Held, Left: found[len(found)-1].Held, Receipt: t.Number}, err
}

// erase erases without a receipt, and returns what was there.
func erase(st *store.Store, s privacy.Selection) (privacy.Held, error) {
	chosen, err := st.Choose(context.Background(), s)
	if err == nil {
		err = st.Erase(context.Background(), chosen, func([]privacy.Chosen) error { return nil })
	}
	return chosen.Held, err
}

func (r *rightsOf) Rules(context.Context) (map[uint32]privacy.PathRules, error) { return nil, nil }

func (r *rightsOf) Complete(_ context.Context, a privacy.Asked) (privacy.Asked, error) {
	a.Networks = calendar.DayOf(moment) - 90
	return a, nil
}

func (r *rightsOf) NoteLookedUp(ctx context.Context, s privacy.Selection) error {
	return r.Note(ctx, audit.Entry{Time: moment, Actor: audit.ActorOf(ctx), Action: audit.LookedUp, About: s.Kind()})
}

// TestRightsPage: an admin sees how much is held of what somebody asks about before it is erased,
// erases it with a password, and gets the letter with its receipt in each format. The full address
// is in no answer, and what was typed in no log, line of the audit log, receipt or address.
func TestRightsPage(t *testing.T) {
	var log bytes.Buffer
	b := newBench(t, func(o *dashboard.Options) {
		o.Rights = newRights(o.Store.(*store.Store))
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	b.addSite("One", "one.example", "Europe/Oslo")
	b.logInAdmin()
	b.get("/admin/rights?lang=en")
	day := calendar.DayOf(moment) - 3
	row := func(hour int, path, network, name string) hit.Row {
		return hit.Row{Site: 1, Time: day.Time().Add(time.Duration(hour) * time.Hour), Day: day, Kind: hit.Pageview, Path: path, EntryPath: path, Name: name, Network: network, Pageviews: 1, Visits: 1}
	}
	put(t, b.store, "rows", []hit.Row{
		row(8, "/ansatte/kari-nordmann", "203.0.0.0/16", ""), row(9, "/a", "203.0.0.0/16", ""), row(10, "/sok", "198.51.0.0/16", "kari nordmann"), row(11, "/b", "198.51.0.0/16", ""),
	})
	count := func(where string) string {
		t.Helper()
		var out bytes.Buffer
		if err := b.store.Query(t.Context(), "SELECT count(), sum(pageviews) FROM hits WHERE "+where, "TSV", &out); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out.String())
	}
	ask := func(do string, values ...string) *answer {
		t.Helper()
		form := url.Values{"do": {do}, "letter": {"en"}}
		for i := 0; i < len(values); i += 2 {
			form.Set(values[i], values[i+1])
		}
		a := b.post("/admin/rights", form)
		if a.url.RawQuery != "" && do == "find" {
			t.Errorf("what was typed leads to %s", a.url)
		}
		return a
	}
	has := func(what string, a *answer, status int, wants ...string) {
		t.Helper()
		text := clean(a.Find("main").Text())
		if a.status != status {
			t.Errorf("%s: status %d, want %d: %s", what, a.status, status, text)
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page lacks %q:\n%s", what, want, text)
			}
		}
	}

	// A network, by an address that is nowhere in the answer.
	a := ask("find", "by", "network", "what", "203.0.113.77")
	has("network", a, http.StatusOK, "2 rows would be deleted", "**Network:** 203.0.0.0/16, shared by 65,536 addresses", "have no network any more", "article 11")
	if strings.Contains(a.body, "203.0.113") || count("1") != "4\t4" {
		t.Errorf("a look-up by address: %s rows are left, answer\n%s", count("1"), a.body)
	}
	erase := url.Values{"do": {"erase"}}
	a.Find("section:has(#found) form input").Each(func(_ int, in *goquery.Selection) {
		erase.Set(in.AttrOr("name", ""), in.AttrOr("value", ""))
	})
	erase.Set("current", "a wrong password")
	has("a wrong password", b.post("/admin/rights", erase), http.StatusForbidden, "2 rows would be deleted")
	if count("1") != "4\t4" {
		t.Fatal("erased with a wrong password")
	}
	erase.Set("current", userPass)
	a = b.post("/admin/rights", erase)
	has("erased", a, http.StatusOK, "Erased: 2 rows and 0 lines. The receipt has number 1.", "**Receipt:** number 1", "Datatilsynet")
	if count("network = '203.0.0.0/16'") != "0\t0" || count("1") != "2\t2" {
		t.Errorf("after the erasure there are %s rows", count("1"))
	}

	// A text, which is in totals of the deleted row, too, and which staff wrote.
	if _, err := b.store.ChangeSite(t.Context(), 1, func(s *site.Site) error {
		s.Tags = []string{"Kari Nordmann"}
		return s.AddGoal(site.NewGoal("Til Kari Nordmann", hit.Event, "x", moment))
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.store.PutNote(t.Context(), 1, site.Note{Days: calendar.One(day), Text: "Kari Nordmann sluttet"}); err != nil {
		t.Fatal(err)
	}
	a = ask("find", "by", "text", "what", "Kari Nordmann")
	has("text", a, http.StatusOK, "Texts would be replaced by [erased] in 1 rows", "/ansatte/kari-nordmann", "daily", "1 note, 1 goal and 1 setting of a site", "notes · note")
	a = ask("erase", "by", "text", "what", "Kari Nordmann", "current", userPass)
	has("text erased", a, http.StatusOK, "The receipt has number 2. Besides: 1 note, 1 goal and 1 setting of a site.", "1 note, 1 goal and 1 setting of a site", "saved views and notes with it were deleted")
	has("text again", ask("find", "by", "text", "what", "Kari Nordmann"), http.StatusOK, "Nothing is stored of that.")
	if count("1") != "2\t2" {
		t.Errorf("an erasure by text has changed rows: %s", count("1"))
	}

	letter := url.Values{"lang": {"nb"}, "text": {"# Brev <script>\r\n\r\n- **Rader:** 2 \\<b\\>\r\n"}}
	for format, want := range map[string][2]string{
		"txt": {"text/plain", "Brev <script>\n\nRader      2 <b>\n"}, "md": {"text/markdown", "# Brev <script>\n\n- **Rader:** 2 \\<b\\>\n"}, "html": {"text/html", "<strong>Rader:</strong> 2 &lt;b&gt;"},
	} {
		letter.Set("format", format)
		a := b.post("/admin/rights/letter", letter)
		if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), want[0]) || a.header.Get("Content-Disposition") != `attachment; filename="letter.`+format+`"` || !strings.Contains(a.body, want[1]) {
			t.Errorf("letter as %s: %d, %v, %q", format, a.status, a.header, a.body)
		}
		if format == "html" && a.Find("script").Length() > 0 {
			t.Errorf("a script runs in the letter: %s", a.body)
		}
	}
	letter.Set("format", "pdf")
	if a := b.post("/admin/rights/letter", letter); a.status != http.StatusBadRequest {
		t.Errorf("letter as PDF: %d", a.status)
	}

	for what, c := range map[string]struct {
		values []string
		want   string
	}{
		"no network":       {[]string{"by", "network"}, "Write an address or a network"},
		"a longer network": {[]string{"by", "network", "what", "203.0.113.0/24"}, "Write an address or a network"},
		"an address wrong": {[]string{"by", "network", "what", "203.0.113.777"}, "Write an address or a network"},
		"a short text":     {[]string{"by", "text", "what", "ab"}, "Write three characters or more"},
		"a relative page":  {[]string{"by", "path", "what", "ansatte"}, "Write the page from the first slash"},
		"a wrong pattern":  {[]string{"by", "pattern", "what", "("}, "That is no regular expression"},
		"every text":       {[]string{"by", "pattern", "what", ".*"}, "or one that matches every text"},
		"a long text":      {[]string{"by", "text", "what", strings.Repeat("x", 1001)}, "Write three characters or more"},
		"no time":          {[]string{"by", "time"}, "Write at least one time"},
		"a wrong time":     {[]string{"by", "network", "what", "203.0.0.0/16", "from", "yesterday"}, "Write at least one time"},
		"the later first":  {[]string{"by", "time", "from", "2026-03-02", "to", "2026-03-01"}, "Write at least one time"},
		"no such site":     {[]string{"by", "text", "what", "abc", "site", "99"}, "There is no such site"},
		"no such case":     {[]string{"by", "text", "what", "abc", "case", "1"}, "The register has no such case"},
	} {
		a := ask("find", c.values...)
		has(what, a, http.StatusUnprocessableEntity, c.want)
		if strings.Contains(a.body, "203.0.113") {
			t.Errorf("%s: an address is shown again", what)
		}
		has(what+", erased", ask("erase", append(c.values, "current", userPass)...), http.StatusUnprocessableEntity, c.want)
	}
	for _, values := range [][]string{{"by", "everything"}, {"by", "text", "what", "abc", "site", "x"}} {
		if a := ask("find", values...); a.status != http.StatusBadRequest {
			t.Errorf("%v: %d", values, a.status)
		}
	}
	has("a time", ask("find", "by", "time", "from", day.String()+" 10:30", "site", "1"), http.StatusOK, "One row would be deleted")
	has("marks", ask("find", "by", "marks"), http.StatusOK, "Nothing is stored of that.")

	var noted bytes.Buffer
	for _, table := range []string{"audit", "receipts"} {
		if err := b.store.Query(t.Context(), "SELECT * FROM "+table, "TSV", &noted); err != nil {
			t.Fatal(err)
		}
	}
	for _, typed := range []string{"203.0", "ordmann", "ansatte", userPass} {
		if strings.Contains(strings.ToLower(noted.String()+log.String()), strings.ToLower(typed)) {
			t.Errorf("%q stands in the log, the audit log or a receipt:\n%s%s", typed, noted.String(), log.String())
		}
	}
	if n := strings.Count(noted.String(), string(audit.LookedUp)); n != 5 {
		t.Errorf("the audit log has %d look-ups, want 5:\n%s", n, noted.String())
	}
}

// TestRegisterPage: an admin notes requests by the number of their case, sees which are late, and
// notes extensions and answers.
func TestRegisterPage(t *testing.T) {
	b := newBench(t)
	b.logInAdmin()
	today := calendar.DayOf(moment)
	page := b.get("/admin/rights?lang=en")
	page.want(http.StatusOK)
	if got := clean(page.Find("main").Text()); !strings.Contains(got, "There are no requests.") || !strings.Contains(got, "This process has no data directory") || page.Find("[name=what]").Length() > 0 {
		t.Errorf("at first the page says %s", got)
	}
	if a := b.post("/admin/rights", url.Values{"do": {"find"}, "by": {"text"}, "what": {"abc"}}); a.status != http.StatusNotFound {
		t.Errorf("a look-up that this process can't make: %d", a.status)
	}
	do := func(do string, values ...string) *answer {
		t.Helper()
		form := url.Values{"do": {do}}
		for i := 0; i < len(values); i += 2 {
			form.Set(values[i], values[i+1])
		}
		return b.post("/admin/rights", form)
	}
	for _, c := range []struct {
		name   string
		values []string
		status int
		want   string
	}{
		{"add", []string{"case", "2026/1", "kind", "access", "day", (today - 40).String()}, http.StatusOK, "One request is not answered in time."},
		{"add", []string{"case", "2026/2", "kind", "erasure", "day", today.String()}, http.StatusOK, "The request is noted."},
		{"add", []string{"case", "2026/2", "kind", "access", "day", today.String()}, http.StatusUnprocessableEntity, "The register has this case already."},
		{"add", []string{"case", "Kari Nordmann", "kind", "access", "day", today.String()}, http.StatusUnprocessableEntity, "That can't be stored"},
		{"add", []string{"case", "2026/3", "kind", "access", "day", (today + 9).String()}, http.StatusUnprocessableEntity, "Choose a day that has come"},
		{"add", []string{"case", "2026/3", "kind", "access", "day", ""}, http.StatusUnprocessableEntity, "Choose a day that has come"},
		{"answer", []string{"case", "2026/1", "day", (today - 41).String()}, http.StatusUnprocessableEntity, "Choose a day that has come"},
		{"answer", []string{"case", "2026/1", "day", ""}, http.StatusUnprocessableEntity, "Choose a day that has come"},
		{"extend", []string{"case", "2026/1"}, http.StatusUnprocessableEntity, "The first month is over."},
		{"extend", []string{"case", "2026/2"}, http.StatusOK, "Extended by two months"},
		{"extend", []string{"case", "2026/2"}, http.StatusUnprocessableEntity, "The time is extended already."},
		{"answer", []string{"case", "2026/1", "day", today.String()}, http.StatusOK, "Answered " + clean(i18n.Find("en").Day(today))},
		{"answer", []string{"case", "2026/1", "day", today.String()}, http.StatusUnprocessableEntity, "The request is answered already."},
		{"answer", []string{"case", "2026/9", "day", today.String()}, http.StatusUnprocessableEntity, "The register has no such case."},
		{"remove", []string{"case", "2026/9"}, http.StatusUnprocessableEntity, "The register has no such case."},
		{"remove", []string{"case", "2026/2"}, http.StatusOK, "The request is deleted."},
	} {
		a := do(c.name, c.values...)
		if got := clean(a.Find("main").Text()); a.status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %v: %d, want %d with %q:\n%s", c.name, c.values, a.status, c.status, c.want, got)
		}
		if strings.Contains(a.url.String(), "2026") {
			t.Errorf("%s leads to %s", c.name, a.url)
		}
	}
	for _, form := range []url.Values{{"do": {"add"}, "case": {"1"}, "kind": {"Kari"}}, {"do": {"burn"}}, {}} {
		if a := b.post("/admin/rights", form); a.status != http.StatusBadRequest {
			t.Errorf("%v: %d", form, a.status)
		}
	}
	all, err := b.store.Requests(t.Context())
	if err != nil || len(all) != 1 || all[0] != (privacy.Request{Case: "2026/1", Kind: privacy.AskedAccess, Received: today - 40, Answered: today, By: userName}) {
		t.Errorf("the register has %+v, %v", all, err)
	}
}
