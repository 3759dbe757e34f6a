package dashboard

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fotspor/fotspor/i18n"
	"github.com/fotspor/fotspor/internal/baseurl"
	"github.com/fotspor/fotspor/privacy"
	"github.com/fotspor/fotspor/site"
)

// maxSettings is the largest posted form of the settings of a site, in bytes: all of them,
// with each character encoded.
const maxSettings = 64 << 10

// settingsPage shows the settings of a site, as they are or as they were typed.
type settingsPage struct {
	Site     siteHead
	Nav      []navLink
	URL      string // of the form
	Version  string // of what is stored
	Groups   []fieldGroup
	Wrong    []wrongField
	Preview  *preview
	Seen     string // the retention that the preview is of
	Network  string // that was put into its field, and is not stored yet
	NoOwn    bool   // the reader's network is not known
	Done     bool   // stored just now
	Unsaved  bool   // what is shown differs from what is stored
	Outdated bool   // somebody else has stored something meanwhile
	TooLarge bool
	Goals    string // URL
	Counting string // URL
	Lines    snippet
	Works    works
}

// fieldGroup are fields under a heading.
type fieldGroup struct {
	Key    string // of its heading
	Texts  bool   // it has texts in several languages
	Fields []field
}

// field is a setting in the form.
type field struct {
	Key, Text string
	What      string // key of the text on it
	List      bool
	Lines     bool
	Rows      int
	Number    bool
	Most      int
	Choices   []settingChoice
	Suggests  []string // values to choose from, or to type others beside
	Own       bool     // the reader's network can be put into it
	Texts     []string // keys of texts that can be put into it, which are the values of their buttons
	Problem   string   // what is wrong with the text
}

// settingChoice is a word that a setting may be, with the key of its text.
type settingChoice struct{ Value, Key string }

// choiceTexts begin the keys of the words of a setting.
var choiceTexts = map[string]string{"trailing-slash": "setting.trailing-slash.", "policy": "setting.policy.", "objections": "setting.objections.", "retention": "setting.policy."}

// wrongField is a field with a mistake, to go to.
type wrongField struct{ Key, Problem string }

// settingGroups are the settings in the order of the page.
var settingGroups = []struct {
	key      string
	settings []string
}{
	{"settings.site", []string{"name", "host", "timezone", "tags", "school-weeks"}},
	{"settings.excluded", []string{"exclude", "exclude-networks"}},
	{"settings.pages", []string{"parameters", "path-rules", "trailing-slash"}},
	{"settings.sources", []string{"ignore-referrers"}},
	{"settings.searches", []string{"search-parameters", "search-category-parameters", "search-count-parameters"}},
	{"settings.privacy", []string{"policy", "retention", "objections", "guard"}},
	{"settings.statement", append(declarationKeys(), "opt-out")},
}

// declarationKeys are the settings for what an owner says in the statement.
func declarationKeys() []string {
	var keys []string
	for _, d := range privacy.Declarations {
		keys = append(keys, d.Key)
	}
	return keys
}

// zones are the time zones that are offered. Any other can be typed.
var zones = []string{"Europe/Oslo", "Europe/Stockholm", "Europe/Copenhagen", "Europe/Helsinki", "Atlantic/Reykjavik", "Europe/London", "Arctic/Longyearbyen", "UTC"}

func settingsURL(id uint32) string {
	return "/sites/" + strconv.FormatUint(uint64(id), 10) + "/settings"
}

// showSettings shows the settings of a site. The address may name a host to add to them.
func (d *Dashboard) showSettings(c *call) error {
	texts := textsOf(c.site)
	page := settingsPage{Done: c.r.URL.Query().Get("done") != ""}
	if host := c.r.URL.Query().Get("host"); host != "" {
		texts["host"] += "," + host
	}
	return d.renderSettings(c, http.StatusOK, page, texts, nil)
}

// textsOf are the settings of a site as texts, by their keys.
func textsOf(s site.Site) map[string]string {
	texts := map[string]string{}
	for _, setting := range site.Settings {
		texts[setting.Key] = setting.Get(s)
	}
	return texts
}

// versionOf tells two states of the settings of a site apart.
func versionOf(s site.Site) string {
	hash := sha256.New()
	for _, setting := range site.Settings {
		hash.Write([]byte(setting.Get(s) + "\x00"))
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// What the buttons of the form do; without a word it stores.
const (
	doPreview = "preview"
	doNetwork = "network" // puts the reader's own network into its field
)

// suggested returns the text of the suggestion that a button puts into a field, in all
// languages, and the field. Other buttons have none.
func suggested(do string) (field, text string) {
	for _, d := range privacy.Declarations {
		if slices.Contains(d.Suggestions, do) {
			var lines []string
			for _, l := range i18n.All() {
				lines = append(lines, l.Tag+": "+l.Say(do))
			}
			return d.Key, strings.Join(lines, "\n")
		}
	}
	return "", ""
}

// errOutdated says that somebody else has changed the settings since they were read.
var errOutdated = errors.New("the settings of the site are others by now")

// changeSettings stores the settings that a form has, or shows what they would do. Settings
// that it lacks stay as they are.
func (d *Dashboard) changeSettings(c *call) error {
	if err := c.parseFormOf(maxSettings); err != nil {
		return err
	}
	post := c.r.PostForm
	texts, after := textsOf(c.site), c.site
	problems := map[string]site.InvalidError{}
	filled, suggestion := suggested(post.Get("do"))
	for _, setting := range site.Settings {
		if !post.Has(setting.Key) {
			continue
		}
		text := post.Get(setting.Key)
		if post.Get("do") == doNetwork && setting.Key == "exclude-networks" {
			if own := d.network(c.r); own != "" {
				text += "\n" + own
			}
		}
		if setting.Key == filled {
			text = suggestion
		}
		texts[setting.Key] = text
		var wrong site.InvalidError
		if err := setting.Read(&after, text); errors.As(err, &wrong) {
			problems[setting.Key] = wrong
		} else if err != nil {
			return internal.because(err)
		}
	}
	page := settingsPage{Outdated: post.Has("version") && post.Get("version") != versionOf(c.site)}
	if len(problems) == 0 {
		var wrong site.InvalidError
		if err := after.Validate(); errors.As(err, &wrong) {
			problems[wrong.Setting] = wrong
		} else if err != nil {
			page.TooLarge = true
		}
	}
	shorter := after.Retention != c.site.Retention && after.Retention != (privacy.Period{})
	if shorter && len(problems) == 0 {
		all, err := d.policies(c)
		if err != nil {
			return err
		}
		var wrong site.InvalidError
		if err := after.ValidateUnder(policyIn(all)); errors.As(err, &wrong) {
			problems[wrong.Setting] = wrong
		}
	}
	status := http.StatusOK
	switch do := post.Get("do"); {
	case do == doNetwork:
		page.Network = d.network(c.r)
		page.NoOwn = page.Network == ""
	case filled != "": // shown, and stored once the owner says so
	case len(problems) > 0 || page.TooLarge:
		status = http.StatusUnprocessableEntity
	case do == doPreview || shorter && post.Get("seen") != after.Retention.String():
		var err error
		page.Seen = after.Retention.String()
		defer d.takeLong(c, previewTime+previewRest)()
		if page.Preview, err = d.preview(c, after); err != nil {
			return err
		}
	case page.Outdated:
		status = http.StatusConflict
	default:
		_, err := d.store.ChangeSite(c.r.Context(), c.site.ID, func(s *site.Site) error {
			if versionOf(*s) != versionOf(c.site) {
				c.site = *s
				return errOutdated
			}
			goals := s.Goals
			*s = after
			s.Goals = goals
			return nil
		})
		if err == nil {
			return c.redirect(settingsURL(c.site.ID) + "?done=1")
		}
		if !errors.Is(err, errOutdated) {
			return err
		}
		page.Outdated, status = true, http.StatusConflict
	}
	return d.renderSettings(c, status, page, texts, problems)
}

// renderSettings shows the form with texts, and the problems with them.
func (d *Dashboard) renderSettings(c *call, status int, page settingsPage, texts map[string]string, problems map[string]site.InvalidError) error {
	q, err := c.plainQuestion("/settings")
	if err != nil {
		return err
	}
	stored := textsOf(c.site)
	for _, g := range settingGroups {
		group := fieldGroup{Key: g.key}
		for _, key := range g.settings {
			f := newField(site.FindSetting(key), texts[key])
			if wrong, ok := problems[key]; ok {
				f.Problem = problemOf(c.lang, wrong)
				page.Wrong = append(page.Wrong, wrongField{key, f.Problem})
			}
			group.Fields, group.Texts = append(group.Fields, f), group.Texts || f.Lines
			page.Unsaved = page.Unsaved || !slices.Equal(site.FindSetting(key).Values(texts[key]), site.FindSetting(key).Values(stored[key]))
		}
		page.Groups = append(page.Groups, group)
	}
	page.Site, page.Nav = d.head(q), q.rail("/settings")
	page.URL, page.Version = settingsURL(c.site.ID), versionOf(c.site)
	page.Goals, page.Counting = q.to("/goals").String(), q.to("/counting").String()
	page.Lines = d.newSnippet(c)
	if page.Works, err = d.works(c); err != nil {
		return err
	}
	return d.render(c, status, "settings", page)
}

// newField is the field of a setting. The values of a list stand on their own lines.
func newField(s site.Setting, text string) field {
	f := field{Key: s.Key, What: "setting." + s.Key + ".what", Text: text, List: s.List, Lines: s.Lines}
	for _, word := range s.Choices {
		f.Choices = append(f.Choices, settingChoice{word, choiceTexts[s.Key] + word})
	}
	if s.Lines {
		f.Rows = min(max(3, strings.Count(text, "\n")+1+len(text)/80), 12)
	}
	for _, d := range privacy.Declarations {
		if d.Key == s.Key {
			f.Texts = d.Suggestions
		}
	}
	if s.List {
		values := s.Values(text)
		f.Text, f.Rows = strings.Join(values, "\n"), min(max(2, len(values)+1), 12)
	}
	switch s.Key {
	case "timezone":
		f.Suggests = zones
	case "retention":
		f.What, f.Suggests = "setting.site.retention.what", []string{site.ByPolicy, "1y", "90d", "30d"}
	case "objections":
		f.What = "setting.site.objections.what"
	case "guard":
		f.Number, f.Most = true, site.MaxGuard
	case "exclude-networks":
		f.Own = true
	}
	return f
}

// unfinished says to administrators what the statement of a site lacks.
func unfinished(l *i18n.Language, s site.Site) []notice {
	var names []string
	for _, key := range s.Declared.Missing() {
		names = append(names, l.Say("setting."+key))
	}
	if len(names) == 0 {
		return nil
	}
	return []notice{{
		Claim:  l.Say("statement.unfinished"),
		Reason: spans(l, "statement.unfinished.what", l.List(names), span{l.Say("statement.fill"), settingsURL(s.ID) + "#settings.statement"}),
	}}
}

// problemOf says what is wrong with a setting.
func problemOf(l *i18n.Language, wrong site.InvalidError) string {
	if wrong.Value == "" {
		return l.Say("settings.missing")
	}
	if errors.Is(wrong, site.ErrPersonal) {
		return l.Say("settings.personal", site.Scrubbed(wrong.Value))
	}
	for _, d := range privacy.Declarations {
		if d.Key == wrong.Setting {
			return l.Say("settings.wrongText", l.Number(int64(d.Max)))
		}
	}
	key := "setting." + wrong.Setting + ".wrong"
	if errors.Is(wrong, privacy.ErrLonger) {
		key = "setting.site.retention.wrong"
	}
	if text, err := l.Text(key, wrong.Value); err == nil {
		return text
	}
	return l.Say("settings.wrong", wrong.Value)
}

// snippet are the lines for the pages of a site.
type snippet struct {
	Lines string // "": not known
	Mail  string // URL that sends them on
}

// newSnippet returns the lines for the pages of the site of a call.
func (d *Dashboard) newSnippet(c *call) snippet {
	lines := d.snippet(d.base.Or(baseurl.Of(c.r)).String(), c.site.ID, c.site.Parameters...)
	if lines == "" {
		return snippet{}
	}
	query := url.Values{"subject": {c.lang.Say("empty.mail.subject", c.site.Name)}, "body": {c.lang.Say("empty.mail.body") + "\r\n\r\n" + lines}}
	return snippet{lines, "mailto:?" + strings.ReplaceAll(query.Encode(), "+", "%20")}
}
